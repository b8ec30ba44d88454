# Writes the files of the page as C++: cmake -DFROM=node/server/page -DTO=FILE -P embed.cmake.
# In CMake alone, so that the page needs no tool that the node does not need.

set(files "page.html|/|text/html charset=utf-8"
          "page.css|/page.css|text/css charset=utf-8"
          "page.js|/page.js|text/javascript charset=utf-8"
          "network.js|/network.js|text/javascript charset=utf-8"
          "favicon.svg|/favicon.svg|image/svg+xml")
set(arrays "")
set(rows "")
set(index 0)
foreach(entry IN LISTS files)
  string(REPLACE "|" ";" entry "${entry}")
  list(GET entry 0 name)
  list(GET entry 1 path)
  list(GET entry 2 type)
  string(REPLACE " " "; " type "${type}")  # A semicolon would separate the entries of a list.
  file(READ ${FROM}/${name} bytes HEX)
  file(SHA256 ${FROM}/${name} digest)
  string(SUBSTRING ${digest} 0 16 digest)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND arrays "constexpr char file_${index}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${path}\", \"${type}\", \"\\\"${digest}\\\"\",\n"
                     "     {file_${index}, sizeof file_${index}}},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${TO} "// Made by node/server/page/embed.cmake.
#include \"node/server/page/page_files.h\"

namespace xord {
namespace {

${arrays}
constexpr PageFile files[] = {
${rows}};

constexpr size_t all_bytes() {
  size_t bytes = 0;
  for (const PageFile& file : files) bytes += file.content.size();
  return bytes;
}
static_assert(all_bytes() <= 120 << 10);

}  // namespace

std::span<const PageFile> page_files() {
  return files;
}

}  // namespace xord
")
