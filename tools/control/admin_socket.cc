#include "tools/control/admin_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "node/server/names/resolver.h"
#include "reactor/base/check.h"
#include "reactor/doorbell.h"
#include "reactor/io_error.h"
#include "reactor/socket_address.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/node_address.h"
#include "tools/cli/units.h"

namespace xord {
namespace {

[[noreturn]] void fail(const std::string& sentence) {
  throw Failure(ExitCode::environment, sentence);
}

[[noreturn]] void fail_to_connect(const AdminUrl& url, int error) {
  const std::string sentence = io_error("cannot connect to " + url.text(), error).sentence +
                               "; check that a node's admin port is there";
  if (error == ECONNREFUSED || error == ENOENT) throw NodeGone(sentence);
  fail(sentence);
}

std::vector<Endpoint> endpoints_of(const HostPort& host, const Deadline& deadline) {
  Doorbell answered;
  if (const auto error = answered.error()) fail(error->sentence);
  Resolver resolver(answered);
  resolver.begin({text_of(host)});
  for (;;) {
    stop_if_interrupted();
    if (const auto names = resolver.take()) {
      if (names->endpoints.empty()) fail(names->unresolved + "; check the name in --admin");
      return names->endpoints;
    }
    const Duration left = deadline.left();
    if (left <= Duration{}) {
      fail("no name server told the address of " + host.host + " within " +
           show_duration(deadline.timeout) + "; write a numeric address, such as 192.0.2.1");
    }
    answered.wait(std::min(left, signal_looked_each));
  }
}

// 0, or the errno by which it has failed at `until`. `socket` does not block.
int connect_until(MonotonicTime until, int socket, const sockaddr* address, socklen_t size) {
  CHECK(socket >= 0 && size > 0);
  if (connect(socket, address, size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  for (;;) {
    stop_if_interrupted();
    const Duration left = until - monotonic_time();
    if (left <= Duration{}) return ETIMEDOUT;
    pollfd waiting{socket, POLLOUT, 0};
    const int64_t most = std::min(left, signal_looked_each).whole_milliseconds() + 1;
    if (poll(&waiting, 1, static_cast<int>(most)) <= 0) continue;
    int error = 0;
    socklen_t error_size = sizeof error;
    getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &error_size);
    return error;
  }
}

int open_socket(int family) {
  return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

NodeSocket connect_to_path(const AdminUrl& url, const Deadline& deadline) {
  sockaddr_un address{};
  CHECK(url.is_unix() && url.path.size() < sizeof address.sun_path);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, url.path.c_str(), url.path.size() + 1);
  const int descriptor = open_socket(AF_UNIX);
  if (descriptor < 0) fail_to_connect(url, errno);
  NodeSocket connection(descriptor, url.text());
  const int error = connect_until(deadline.at, descriptor,
                                  reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (error != 0) fail_to_connect(url, error);
  if (!connection.is_trusted()) {
    fail("the process that answers at " + url.text() +
         " belongs to another user: name a socket of a node of this user");
  }
  return connection;
}

}  // namespace

NodeSocket connect_to_admin(const AdminUrl& url, const Deadline& deadline) {
  if (url.is_unix()) return connect_to_path(url, deadline);
  const std::vector<Endpoint> endpoints = endpoints_of(url.host, deadline);
  CHECK(!endpoints.empty());
  int why = 0;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    SocketAddress address;
    const socklen_t size = write_socket_address(endpoints[i], &address);
    const int descriptor = open_socket(address.any.sa_family);
    int error = errno;  // A host without IPv6 makes no such socket.
    if (descriptor >= 0) {
      NodeSocket connection(descriptor, url.text());
      // An address that drops what it is sent leaves time for those that follow.
      const Duration share = deadline.left() / static_cast<int64_t>(endpoints.size() - i);
      error = connect_until(monotonic_time() + share, descriptor, &address.any, size);
      if (error == 0) return connection;
    }
    if (why != ECONNREFUSED) why = error;  // It says most: the host is there, the node is not.
  }
  fail_to_connect(url, why);
}

void fail_not_http(const AdminUrl& url) {
  fail("what answers at " + url.text() +
       " does not speak HTTP; it may not be the node's admin port");
}

}  // namespace xord
