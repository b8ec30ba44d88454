#include "node/server/http/http_listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "reactor/base/check.h"
#include "reactor/socket_address.h"

namespace xord {
namespace {

// Connections waiting to be accepted, most of them to be refused when there are many: beyond these
// the kernel drops, and a client tries again only after a second.
constexpr int backlog = 1024;

std::string fault_of(const std::string& place, int error) {
  CHECK(error != 0);
  const std::string what = "cannot serve the admin port on " + place;
  return error == EADDRINUSE
             ? what + ": another program does; name another address with --admin, or --admin off"
             : what + ": " + std::strerror(error);
}

IoError refuse(int socket, const std::string& place) {
  const int error = errno;
  if (socket >= 0) ::close(socket);
  return {fault_of(place, error), error};
}

std::optional<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  static_assert(sizeof address.sun_path == 108);
  if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// Makes room for the name: succeeds if nothing exists there, or a socket that no program serves.
std::optional<IoError> remove_stale(const std::string& path, const sockaddr_un& address) {
  CHECK(address.sun_family == AF_UNIX);
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return std::nullopt;
  if (!S_ISSOCK(status.st_mode)) {
    return IoError{path + " is not a socket: move that file away", EEXIST};
  }
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return io_error("cannot make a socket", errno);
  const bool is_dead =
      connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == ECONNREFUSED;
  ::close(probe);
  if (!is_dead) return IoError{fault_of(path, EADDRINUSE), EADDRINUSE};
  if (unlink(path.c_str()) == 0) return std::nullopt;
  return io_error("cannot replace " + path, errno);
}

}  // namespace

HttpListener::HttpListener(int socket, Endpoint endpoint, std::string path)
    : socket_(socket), endpoint_(endpoint), path_(std::move(path)) {
  CHECK(socket_ >= 0 && is_unix() == (endpoint_.port == 0));
}

std::variant<HttpListener, IoError> HttpListener::open(const Endpoint& endpoint) {
  const int family = endpoint.is_ipv4() ? AF_INET : AF_INET6;
  const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return refuse(socket, endpoint.text());
  const int yes = 1;
  // Without it a node could not return on its port while connections of its last run linger.
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (family == AF_INET6) setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  SocketAddress address;
  const socklen_t size = write_socket_address(endpoint, &address);
  socklen_t bound_size = sizeof address;
  if (bind(socket, &address.any, size) != 0 || listen(socket, backlog) != 0 ||
      getsockname(socket, &address.any, &bound_size) != 0) {
    return refuse(socket, endpoint.text());
  }
  return HttpListener(socket, endpoint_of(address), "");
}

std::variant<HttpListener, IoError> HttpListener::open(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) {
    return IoError{"the path of a socket has 1 to 107 bytes: shorten \"" + path + "\"", EINVAL};
  }
  if (auto error = remove_stale(path, *address)) return *error;
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // Before bind(2), which gives the file this mode less the umask.
  if (socket < 0 || fchmod(socket, 0600) != 0 ||
      bind(socket, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      listen(socket, backlog) != 0) {
    return refuse(socket, path);
  }
  return HttpListener(socket, {}, path);
}

HttpListener::HttpListener(HttpListener&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      endpoint_(other.endpoint_),
      path_(std::move(other.path_)) {}

HttpListener& HttpListener::operator=(HttpListener&& other) noexcept {
  if (this == &other) return *this;
  close();
  socket_ = std::exchange(other.socket_, -1);
  endpoint_ = other.endpoint_;
  path_ = std::move(other.path_);
  return *this;
}

void HttpListener::close() {
  if (socket_ < 0) return;
  if (is_unix()) unlink(path_.c_str());
  ::close(std::exchange(socket_, -1));
}

}  // namespace xord
