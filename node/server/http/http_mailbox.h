// What other threads tell the HTTP server's thread: answers to requests, streams that have
// something to send, and connections that it shall take over. Answers may come after the server has
// stopped, so the mailbox is shared between the server and every reply.
//
// Bounds: answers that were given and are not yet sent have at most http_answers_bytes_max
// together; one that finds no room becomes 503. At most http_connections_an_address adopted
// connections wait.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "node/server/http/http_message.h"
#include "reactor/base/check.h"
#include "reactor/doorbell.h"

struct MHD_Connection;

namespace xord {

struct HttpConnection;

constexpr size_t http_answers_bytes_max = 3 << 19;  // 1.5 MiB

// A request and its answer.
struct HttpExchange {
  // For the server's thread alone.
  MHD_Connection* connection = nullptr;
  HttpConnection* record = nullptr;
  HttpRequest request;
  bool is_handed_on = false;
  size_t dropped = 0;  // Bytes of the body beyond what it may have.
  std::shared_ptr<HttpStream> stream;

  // Under the mailbox's lock.
  bool is_suspended = false;  // The library does not look at the connection until it is resumed.
  bool is_woken = false;      // It is in the list of those.
  bool is_answered = false;
  bool is_over = false;
  size_t answer_bytes = 0;
  std::optional<HttpResponse> response;
};
using HttpExchangePtr = std::shared_ptr<HttpExchange>;

class HttpMailbox {
 public:
  // Why it cannot work: no eventfd. Then no other function may be called.
  std::optional<IoError> error() const { return bell_.error(); }

  // By any thread. The first answer counts, later ones are dropped.
  void answer(const HttpExchangePtr& exchange, HttpResponse response);
  bool is_answered(const HttpExchangePtr& exchange) const;
  void wake(const HttpExchangePtr& exchange);
  // Takes the socket over, and closes it if the server is closed or has too many to take.
  void adopt(int socket);
  void ring() { bell_.ring(); }

  // By the server's thread. fd() becomes readable when there is something to take; silence() makes
  // it unreadable, and must come before all that is taken: what comes later rings again.
  int fd() const { return bell_.fd(); }
  void silence();
  std::vector<int> take_adopted();
  // Calls resume(connection) for each exchange that is suspended and was woken.
  template <class Resume>
  void take_woken(Resume&& resume);
  // The response, or else calls suspend().
  template <class Suspend>
  std::optional<HttpResponse> response_or(const HttpExchangePtr& exchange, Suspend&& suspend);
  // What may be taken from the stream; calls suspend() if that is nothing, but not the end.
  template <class Suspend>
  size_t take_or(const HttpExchangePtr& exchange, char* out, size_t size, bool* is_finished,
                 Suspend&& suspend);
  void finish(const HttpExchangePtr& exchange);  // Its answer was sent, or its client has gone.
  void close();                                  // Adopts nothing more.

 private:
  void wake_locked(const HttpExchangePtr& exchange);

  Doorbell bell_;
  mutable std::mutex mutex_;            // Guards the following, and what it guards of exchanges.
  std::vector<HttpExchangePtr> woken_;  // At most one entry for each connection.
  std::vector<int> adopted_;
  size_t answers_bytes_ = 0;
  bool is_closed_ = false;
};

// Answers `exchange`; 500 if it is destroyed without having been called.
HttpReply reply_to(const std::shared_ptr<HttpMailbox>& mailbox, const HttpExchangePtr& exchange);

// ---- Implementation.

template <class Resume>
void HttpMailbox::take_woken(Resume&& resume) {
  const std::lock_guard lock(mutex_);
  for (const HttpExchangePtr& exchange : woken_) {
    CHECK(std::exchange(exchange->is_woken, false));
    if (exchange->is_over || !exchange->is_suspended) continue;
    exchange->is_suspended = false;
    resume(exchange->connection);
  }
  woken_.clear();
}

template <class Suspend>
std::optional<HttpResponse> HttpMailbox::response_or(const HttpExchangePtr& exchange,
                                                     Suspend&& suspend) {
  const std::lock_guard lock(mutex_);
  CHECK(!exchange->is_suspended && !exchange->is_over);
  if (exchange->response) return std::exchange(exchange->response, std::nullopt);
  exchange->is_suspended = true;
  suspend();
  return std::nullopt;
}

template <class Suspend>
size_t HttpMailbox::take_or(const HttpExchangePtr& exchange, char* out, size_t size,
                            bool* is_finished, Suspend&& suspend) {
  const std::lock_guard lock(mutex_);
  CHECK(exchange->stream != nullptr && !exchange->is_suspended && !exchange->is_over);
  const size_t taken = exchange->stream->take(out, size, is_finished);
  if (taken == 0 && !*is_finished) {
    exchange->is_suspended = true;
    suspend();
  }
  return taken;
}

}  // namespace xord
