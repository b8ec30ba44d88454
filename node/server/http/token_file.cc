#include "node/server/http/token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr const char* blanks = " \t\r\n";

// At most one byte more than a token and its line end may have.
std::variant<std::string, IoError> read_private(int file, const std::string& path) {
  struct stat status {};
  if (fstat(file, &status) != 0) return io_error("cannot read " + path, errno);
  if (!S_ISREG(status.st_mode)) {
    return IoError{"the token file " + path + " is not a file: name one with the token in it", 0};
  }
  if ((status.st_mode & 077) != 0) {
    return IoError{"the token file " + path +
                       " may be used by others than its owner: run `chmod 600 " + path + "`",
                   0};
  }
  std::string text(token_size_max + 3, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file, &text[size], text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("cannot read " + path, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  CHECK(size <= text.size());
  text.resize(size);
  return text;
}

}  // namespace

std::variant<std::string, IoError> read_token_file(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) return io_error("cannot open the token file " + path, errno);
  auto read = read_private(file, path);
  close(file);
  if (std::holds_alternative<IoError>(read)) return read;
  std::string token = std::get<std::string>(read);
  token.erase(token.find_last_not_of(blanks) + 1);
  token.erase(0, std::min(token.find_first_not_of(blanks), token.size()));
  const bool is_plain =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!is_plain || token.size() < token_size_min || token.size() > token_size_max) {
    return IoError{"the token file " + path + " has no token: write " +
                       std::to_string(token_size_min) + " to " + std::to_string(token_size_max) +
                       " letters and digits into it, such as those of `openssl rand -hex 32`",
                   0};
  }
  return token;
}

}  // namespace xord
