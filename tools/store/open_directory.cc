#include "tools/store/open_directory.h"

#include <cerrno>
#include <utility>
#include <variant>

#include "tools/cli/failure.h"

namespace xord {
namespace {

std::unique_ptr<DataDirectory> open(const std::string& path, bool may_be_held) {
  auto opened = DataDirectory::open_to_read(path);
  if (const auto* error = std::get_if<IoError>(&opened)) {
    if (error->error_number == EWOULDBLOCK && may_be_held) return nullptr;
    throw Failure(ExitCode::environment, error->sentence);
  }
  return std::move(std::get<std::unique_ptr<DataDirectory>>(opened));
}

}  // namespace

std::unique_ptr<DataDirectory> open_unless_held(const std::string& path) {
  return open(path, true);
}

std::unique_ptr<DataDirectory> open_stopped(const std::string& path) {
  return open(path, false);
}

}  // namespace xord
