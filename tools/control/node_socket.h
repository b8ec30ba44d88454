// A connection to a running node, over a Unix socket or TCP: what is sent over it and received, and
// how long that may take.
#pragma once

#include <string>
#include <string_view>

#include "reactor/base/instant.h"
#include "reactor/monotonic.h"
#include "tools/cli/failure.h"

namespace xord {

// Until when a command waits.
struct Deadline {
  explicit Deadline(Duration wait) : timeout(wait), at(monotonic_time() + wait) {}
  Duration left() const { return at - monotonic_time(); }  // Negative once it is over.

  const Duration timeout;
  const MonotonicTime at;
};

// A signal between a check and a wait is noticed at most this much later.
constexpr Duration signal_looked_each = milliseconds(200);

// Nothing is there that answers: the connection was refused, or closed before an answer.
class NodeGone : public Failure {
 public:
  explicit NodeGone(const std::string& sentence) : Failure(ExitCode::environment, sentence) {}
};

class NodeSocket {
 public:
  // Takes over `socket`. `name` is what sentences call the other end: a path or a URL.
  NodeSocket(int socket, std::string name);
  ~NodeSocket();
  NodeSocket(NodeSocket&& other) noexcept;
  NodeSocket& operator=(NodeSocket&&) = delete;

  // For poll(2); still owned by this object.
  int descriptor() const { return socket_; }
  // Of a Unix socket: root or this user is at the other end, or this is root. Anyone who may write
  // to a directory could listen there, would be sent values, and would be believed.
  bool is_trusted() const;
  // Failure: NodeGone if the node has hung up; (environment) unless the kernel takes all of it at
  // once, as it does for requests, which are short.
  void send(std::string_view text) const;
  // Waits for more of the answer, and appends it; false if the node has hung up. Failure:
  // (environment) if nothing came in time, or `answer` has more than 256 MiB; (interrupted) as
  // stop_if_interrupted().
  [[nodiscard]] bool receive(std::string& answer, const Deadline& deadline) const;
  // Throws NodeGone: receive() said so before the answer was whole.
  [[noreturn]] void fail_hung_up() const;

 private:
  int socket_;  // -1: moved away.
  std::string name_;
};

}  // namespace xord
