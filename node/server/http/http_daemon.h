// HttpDaemon: libmicrohttpd (GNU, LGPL) as we use it: given connected sockets, it reads requests,
// bounds them, hands each to the handler and sends the answer. It accepts nothing and has no
// thread: all functions are called by the thread that owns it, except through its mailbox. A
// request that awaits its answer, or a stream that awaits a piece, holds a connection and no
// thread.
//
// Memory at the bound: each connection has http_pool_bytes for header fields, a copy of those that
// matter, and a body of at most http_body_max or a stream of at most http_stream_max; answers have
// http_answers_bytes_max together. That is 64 x (20 + 16 + 64) KiB + 1.5 MiB = 7.75 MiB, of the
// 8 MiB that it may have.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "node/server/http/http_connections.h"
#include "node/server/http/http_mailbox.h"
#include "node/server/http/http_message.h"
#include "reactor/base/instant.h"
#include "reactor/io_error.h"

struct sockaddr;
struct MHD_Daemon;

namespace xord {

// The library keeps a request's header, what it finds in it, and the answer's header in one pool.
constexpr size_t http_pool_bytes = 20 << 10;
constexpr size_t http_memory_max = 8 << 20;
static_assert(http_pool_bytes > http_header_max && http_stream_max <= http_body_max);
static_assert(http_connections_max * (http_pool_bytes + http_header_max + http_body_max) +
                  http_answers_bytes_max <
              http_memory_max);

class HttpDaemon {
 public:
  // Called with each request that came whole. It must not block; the reply may come later.
  using Handler = std::function<void(HttpRequest, const HttpReply&)>;

  // `counters` is borrowed.
  HttpDaemon(Handler handler, HttpTimes times, HttpCounters& counters);
  ~HttpDaemon();  // stop()
  HttpDaemon(const HttpDaemon&) = delete;
  HttpDaemon& operator=(const HttpDaemon&) = delete;

  [[nodiscard]] std::optional<IoError> start();
  // Serves a connected socket, which it closes at the end. Empty, or as what it was refused; then
  // the socket is still the caller's.
  std::optional<HttpCount> add(int socket, const HttpPeer& peer, MonotonicTime now);
  // Does what can be done without waiting. Call it when fd() or the mailbox's is readable, and
  // after wait_max() at the latest; silence the mailbox before.
  void run(MonotonicTime now);
  int fd() const;
  std::optional<Duration> wait_max(MonotonicTime now);

  // Ends streams, and answers requests in progress and all later ones with 503.
  void close();
  bool has_exchanges() const { return !exchanges_.empty(); }
  // Closes all connections. Harmless if not started, or if called again.
  void stop();

  HttpMailbox& mailbox() { return *mailbox_; }

 private:
  friend struct HttpCallbacks;  // The library's calls.

  bool begin(MHD_Connection* connection, const char* method, HttpExchangePtr** context);
  bool take_body(const HttpExchangePtr& exchange, const char* bytes, size_t size);
  bool complete(const HttpExchangePtr& exchange);
  bool respond(MHD_Connection* connection, const HttpExchangePtr& exchange, HttpResponse response);
  bool refuse(MHD_Connection* connection, HttpCount counter, HttpResponse response);
  void end(MHD_Connection* connection, HttpExchangePtr** context, bool is_sent);
  void closed(HttpConnection* record);
  void expire();

  const Handler handler_;
  const HttpTimes times_;
  HttpCounters& counters_;
  const std::shared_ptr<HttpMailbox> mailbox_ = std::make_shared<HttpMailbox>();
  HttpConnections connections_{times_};
  std::set<HttpExchangePtr> exchanges_;
  HttpConnection* adding_ = nullptr;  // While the library takes it.
  MHD_Daemon* daemon_ = nullptr;
  MonotonicTime now_;
  uint32_t busy_turns_ = 0;  // In a row without a wait, since a piece of a body was moved.
  bool is_closing_ = false;
};

}  // namespace xord
