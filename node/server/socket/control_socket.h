// ControlSocket: a Unix stream socket `control` in the data directory, through which commands on
// this host talk to a running node: a line to the handler, a line back (docs/CONTROL.md). A
// connection that begins with a capital letter, as methods of HTTP do and lines of JSON do not,
// goes to the HTTP server instead. It knows no commands. It has its own threads, one to accept and
// one per connection; no shard ever waits for them. Any user who can open the data directory may
// connect (mode 0600).
//
// Bounds: control_connections_max connections; a further one is refused with a sentence and closed,
// as is one for which the host grants no thread. A line has at most control_line_max bytes and must
// arrive within control_line_time; an answer that is not read is dropped after the same time. The
// handler has its own bounds.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "reactor/base/instant.h"
#include "reactor/io_error.h"
#include "reactor/thread.h"

namespace xord {

constexpr uint32_t control_connections_max = 8;
constexpr size_t control_line_max = 64 << 10;
constexpr Duration control_line_time = seconds(10);

class ControlSocket {
 public:
  // Takes one line without its newline, and returns one. Called by the threads of connections,
  // several at once.
  using Handler = std::function<std::string(std::string_view line)>;
  // Turns a sentence into the answer for a client that cannot be served.
  using Refusal = std::function<std::string(const std::string& sentence)>;

  // Takes over a connected socket from which nothing was read. Must not block.
  using Adopt = std::function<void(int socket)>;

  ControlSocket(std::string directory, Handler handler, Refusal refusal, Adopt adopt);
  ~ControlSocket();  // close(), and waits for the handler to return.
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  // Call it once. The caller holds the directory's lock, so an existing socket is a dead node's and
  // is replaced; a file of any other kind is an error.
  [[nodiscard]] std::optional<IoError> open();
  // Takes no more requests; answers in progress are still sent. Harmless if called again.
  void close();

 private:
  struct Connection {
    Thread thread;
    int socket = -1;
    bool is_over = true;
  };

  void accept_all();
  void admit(int socket);
  void refuse(int socket, const std::string& sentence);
  bool serve(int socket);
  std::optional<std::string> read_line(int socket, std::string& buffer, MonotonicTime deadline);

  const std::string directory_;
  const Handler handler_;
  const Refusal refusal_;
  const Adopt adopt_;
  int listener_ = -1;
  Thread acceptor_;
  std::atomic<bool> is_closing_{false};
  std::mutex mutex_;  // Guards the connections.
  std::array<Connection, control_connections_max> connections_;
};

}  // namespace xord
