#include "node/server/socket/control_address.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "reactor/base/check.h"

namespace xord {

ControlAddress::ControlAddress(const std::string& directory) {
  std::string path = directory + "/" + control_name;
  if (path.size() >= sizeof address_.sun_path) {
    directory_ = open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory_ < 0) return;
    path = "/proc/self/fd/" + std::to_string(directory_) + "/" + control_name;
  }
  CHECK(path.size() < sizeof address_.sun_path);
  address_.sun_family = AF_UNIX;
  std::memcpy(address_.sun_path, path.c_str(), path.size() + 1);
  size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
}

ControlAddress::~ControlAddress() {
  if (directory_ >= 0) close(directory_);
}

}  // namespace xord
