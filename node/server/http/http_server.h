// HttpServer: HTTP/1.1 on the admin port and the Unix sockets of a node. It has one thread,
// xord-http, which accepts connections, reads requests, calls the handler and sends answers; it
// knows no route and no node. Requests may wait for their answers, and answers may go on, without
// holding a thread.
//
// Bounds: those of HttpConnections (64 connections, 16 an address, 10 s for a request, 60 s idle)
// and HttpDaemon (a header of 16 KiB, a body of 64 KiB, 8 MiB in all). What is beyond them is
// refused and counted: a connection with 503, before anything is read from it.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "node/server/http/http_counters.h"
#include "node/server/http/http_daemon.h"
#include "node/server/http/http_listener.h"
#include "reactor/io_error.h"
#include "reactor/thread.h"

namespace xord {

class HttpServer {
 public:
  // `handler` is called by the server's thread with each request that came whole. `times`: for
  // tests to choose.
  explicit HttpServer(HttpDaemon::Handler handler, HttpTimes times = {});
  ~HttpServer();  // stop()
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Before start(): called by the server's thread once a second, between requests. It must not
  // block, and may count.
  using Tick = std::function<void(MonotonicTime now, HttpCounters& counters)>;
  void set_tick(Tick tick);
  // Before start(): accepts connections there, too. Without any it serves those that it adopts.
  void listen(HttpListener listener);
  [[nodiscard]] std::optional<IoError> start();
  // Ends streams, answers requests in progress with 503, waits a second at most until these are
  // sent, and closes all. Replies that come later are dropped. Harmless if called again.
  void stop();

  // By any thread, after start(): serves a connected Unix socket, which is now the server's.
  void adopt(int socket);

  const HttpCounters& counters() const { return counters_; }

 private:
  void run();
  void turn();
  void wait(std::optional<Duration> most);
  void accept_from(const HttpListener& listener);
  void serve(int socket, const HttpPeer& peer);
  void tick(MonotonicTime now);
  void wind_up();

  HttpCounters counters_;
  HttpDaemon daemon_;
  Tick tick_;
  MonotonicTime tick_at_;
  std::vector<HttpListener> listeners_;
  std::vector<bool> is_readable_;  // By listener, as of the last wait.
  bool is_short_of_files_ = false;
  std::atomic<bool> is_stopping_{false};
  Thread thread_;
};

}  // namespace xord
