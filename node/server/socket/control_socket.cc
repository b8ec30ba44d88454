#include "node/server/socket/control_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "node/server/socket/control_address.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

constexpr int backlog = 16;  // Connections waiting to be accepted.

// Whether the socket becomes readable, or reaches its end, within the time.
bool await_input(int socket, Duration within) {
  pollfd waiting{socket, POLLIN, 0};
  static_assert(control_line_time.whole_milliseconds() <= INT_MAX);
  const auto milliseconds = static_cast<int>(std::max<int64_t>(within.whole_milliseconds(), 0));
  return poll(&waiting, 1, milliseconds) > 0;
}

// Whether HTTP begins: a capital letter, which stays to be read.
bool is_http(int socket, MonotonicTime deadline) {
  while (await_input(socket, deadline - monotonic_time()) || monotonic_time() < deadline) {
    char first = 0;
    const ssize_t size = recv(socket, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size >= 0 || (errno != EINTR && errno != EAGAIN)) return first >= 'A' && first <= 'Z';
  }
  return false;
}

// Gives up if the peer does not read for SO_SNDTIMEO.
bool send_line(int socket, std::string line) {
  line += '\n';
  std::string_view left = line;
  while (!left.empty()) {
    const ssize_t sent = send(socket, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    left.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// Makes room for the name: succeeds if nothing exists there, or only a dead node's socket.
std::optional<IoError> remove_stale(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return std::nullopt;
  if (!S_ISSOCK(status.st_mode)) {
    return IoError{path + " is not a socket: move that file away", 0};
  }
  if (unlink(path.c_str()) == 0) return std::nullopt;
  return io_error("cannot replace " + path, errno);
}

}  // namespace

ControlSocket::ControlSocket(std::string directory, Handler handler, Refusal refusal, Adopt adopt)
    : directory_(std::move(directory)),
      handler_(std::move(handler)),
      refusal_(std::move(refusal)),
      adopt_(std::move(adopt)) {
  CHECK(handler_ != nullptr && refusal_ != nullptr && adopt_ != nullptr);
}

ControlSocket::~ControlSocket() {
  close();
  for (Connection& connection : connections_) {
    connection.thread.join();
    CHECK(connection.is_over);  // Its thread says so last of all.
  }
}

std::optional<IoError> ControlSocket::open() {
  CHECK(listener_ < 0 && !acceptor_.is_joinable());
  const std::string path = directory_ + "/" + control_name;
  if (auto error = remove_stale(path)) return error;
  const ControlAddress address(directory_);
  if (!address.is_valid()) return io_error("cannot open " + directory_, errno);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return io_error("cannot make a socket", errno);
  // Before bind(2), which gives the file this mode less the umask: so it is never wider, not even
  // briefly.
  if (fchmod(listener, 0600) != 0 || bind(listener, address.address(), address.size()) != 0 ||
      listen(listener, backlog) != 0) {
    const int error = errno;
    ::close(listener);
    return io_error("cannot listen on " + path, error);
  }
  listener_ = listener;
  auto error = acceptor_.start("xord-control", [this] { accept_all(); });
  if (error) close();
  return error;
}

void ControlSocket::close() {
  if (listener_ < 0) return;
  is_closing_.store(true, std::memory_order_release);
  shutdown(listener_, SHUT_RDWR);  // Ends accept(2).
  acceptor_.join();
  unlink((directory_ + "/" + control_name).c_str());
  ::close(listener_);
  listener_ = -1;
  const std::lock_guard lock(mutex_);
  for (Connection& connection : connections_) {
    if (!connection.is_over) shutdown(connection.socket, SHUT_RD);
  }
}

void ControlSocket::accept_all() {
  while (!is_closing_.load(std::memory_order_acquire)) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) {
      admit(socket);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      // We can only wait until descriptors or memory are released elsewhere.
      poll(nullptr, 0, 100);
    }
  }
}

void ControlSocket::admit(int socket) {
  timeval give_up{};
  give_up.tv_sec = control_line_time.whole_seconds();
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &give_up, sizeof give_up);
  const std::lock_guard lock(mutex_);
  const auto free = std::find_if(connections_.begin(), connections_.end(),
                                 [](const Connection& each) { return each.is_over; });
  if (free == connections_.end()) {
    return refuse(socket, "the node serves " + std::to_string(control_connections_max) +
                              " control connections, its maximum: try again when one has ended");
  }
  free->thread.join();  // It is over, so this does not block.
  free->socket = socket;
  const auto error = free->thread.start("", [this, free, socket] {
    const bool is_for_http = serve(socket);
    const std::lock_guard closing(mutex_);
    CHECK(!free->is_over && free->socket == socket);
    if (is_for_http) {
      adopt_(socket);
    } else {
      ::close(socket);
    }
    free->is_over = true;
  });
  if (error) {
    return refuse(socket, "the node " + error->sentence + ": raise the limit, or try again later");
  }
  free->is_over = false;  // Its thread takes the lock before it sets this to true.
}

void ControlSocket::refuse(int socket, const std::string& sentence) {
  send_line(socket, refusal_(sentence));
  ::close(socket);
}

// True if the connection is one for the HTTP server; false at its end.
bool ControlSocket::serve(int socket) {
  MonotonicTime deadline = monotonic_time() + control_line_time;
  if (is_http(socket, deadline)) return true;
  std::string buffer;
  while (!is_closing_.load(std::memory_order_acquire)) {
    const std::optional<std::string> line = read_line(socket, buffer, deadline);
    if (!line || !send_line(socket, handler_(*line))) break;
    deadline = monotonic_time() + control_line_time;
  }
  return false;
}

// The next line; empty if the client has gone or was refused.
std::optional<std::string> ControlSocket::read_line(int socket, std::string& buffer,
                                                    MonotonicTime deadline) {
  size_t end = 0;
  while ((end = buffer.find('\n')) == std::string::npos) {
    if (buffer.size() > control_line_max) {
      send_line(socket, refusal_("a request has at most " + std::to_string(control_line_max) +
                                 " bytes: send a shorter one"));
      return std::nullopt;
    }
    if (!await_input(socket, deadline - monotonic_time())) {
      if (monotonic_time() < deadline) continue;  // A signal.
      send_line(socket,
                refusal_("no request came within " +
                         std::to_string(control_line_time.whole_seconds()) + " s: connect again"));
      return std::nullopt;
    }
    char piece[4096];
    const ssize_t size = recv(socket, piece, sizeof piece, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return std::nullopt;
    buffer.append(piece, static_cast<size_t>(size));
  }
  std::string line = buffer.substr(0, end);
  buffer.erase(0, end + 1);
  return line;
}

}  // namespace xord
