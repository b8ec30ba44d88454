#include "tools/control/node_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "reactor/base/check.h"
#include "reactor/io_error.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/units.h"

namespace xord {
namespace {

constexpr size_t answer_bytes_max = 256 << 20;

}  // namespace

NodeSocket::NodeSocket(int socket, std::string name) : socket_(socket), name_(std::move(name)) {
  CHECK(socket_ >= 0 && !name_.empty());
}

NodeSocket::NodeSocket(NodeSocket&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), name_(std::move(other.name_)) {}

NodeSocket::~NodeSocket() {
  if (socket_ >= 0) close(socket_);
}

bool NodeSocket::is_trusted() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  CHECK(socket_ >= 0);
  if (getsockopt(socket_, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return geteuid() == 0 || peer.uid == 0 || peer.uid == geteuid();
}

void NodeSocket::send(std::string_view text) const {
  CHECK(socket_ >= 0);
  const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(text.size())) return;
  const int error = sent < 0 ? errno : ENOBUFS;
  if (error == EPIPE || error == ECONNRESET) fail_hung_up();
  throw Failure(ExitCode::environment, io_error("cannot write to " + name_, error).sentence);
}

bool NodeSocket::receive(std::string& answer, const Deadline& deadline) const {
  CHECK(socket_ >= 0);
  for (;;) {
    stop_if_interrupted();
    const Duration left = deadline.left();
    if (left <= Duration{} || answer.size() > answer_bytes_max) {
      throw Failure(ExitCode::environment, "the node did not answer over " + name_ + " within " +
                                               show_duration(deadline.timeout) +
                                               "; its host may be overloaded");
    }
    pollfd waiting{socket_, POLLIN, 0};
    const int64_t most = std::min(left, signal_looked_each).whole_milliseconds() + 1;
    if (poll(&waiting, 1, static_cast<int>(most)) <= 0) continue;
    char piece[65536];
    const ssize_t size = recv(socket_, piece, sizeof piece, MSG_DONTWAIT);
    if (size > 0) answer.append(piece, static_cast<size_t>(size));
    if (size > 0) return true;
    if (size == 0 || (errno != EAGAIN && errno != EINTR)) return false;
  }
}

void NodeSocket::fail_hung_up() const {
  throw NodeGone("the node at " + name_ + " hung up before it answered; it may have stopped");
}

}  // namespace xord
