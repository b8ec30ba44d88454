// The files of the page (docs/ADMIN.md, "The page"), which the build puts into the program: those
// of node/server/page/, as node/server/page/embed.cmake writes them. Constant, and at most 120 KiB.
#pragma once

#include <span>
#include <string_view>

namespace xord {

struct PageFile {
  std::string_view path;  // That it is served at: "/page.css".
  std::string_view content_type;
  std::string_view etag;  // Quoted, as in the header field; another one for other content.
  std::string_view content;
};

std::span<const PageFile> page_files();

}  // namespace xord
