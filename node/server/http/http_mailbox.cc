#include "node/server/http/http_mailbox.h"

#include <unistd.h>

#include <utility>

#include "node/server/http/http_connections.h"
#include "node/server/http/problem.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// What a handler forgot to answer.
class Owed {
 public:
  Owed(std::shared_ptr<HttpMailbox> mailbox, HttpExchangePtr exchange)
      : mailbox_(std::move(mailbox)), exchange_(std::move(exchange)) {
    CHECK(mailbox_ != nullptr && exchange_ != nullptr);
  }
  ~Owed() {
    if (mailbox_->is_answered(exchange_)) return;
    answer(problem(500, "the node lost the request: look at its log, and try again"));
  }
  Owed(const Owed&) = delete;
  Owed& operator=(const Owed&) = delete;

  void answer(HttpResponse response) { mailbox_->answer(exchange_, std::move(response)); }

 private:
  std::shared_ptr<HttpMailbox> mailbox_;
  HttpExchangePtr exchange_;
};

}  // namespace

HttpReply reply_to(const std::shared_ptr<HttpMailbox>& mailbox, const HttpExchangePtr& exchange) {
  const auto owed = std::make_shared<Owed>(mailbox, exchange);
  return [owed](HttpResponse response) { owed->answer(std::move(response)); };
}

void HttpMailbox::answer(const HttpExchangePtr& exchange, HttpResponse response) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(exchange->is_answered, true) || exchange->is_over) return;
  CHECK(answers_bytes_ <= http_answers_bytes_max && !exchange->response);
  if (response.body.size() > http_answers_bytes_max - answers_bytes_) {
    response = problem(503, "answers in progress have all of the memory: try again in a second");
    response.fields.push_back({"Retry-After", "1"});
    response.refused_as = HttpCount::answers_shed;
  } else {
    exchange->answer_bytes = response.body.size();
    answers_bytes_ += exchange->answer_bytes;
  }
  exchange->response = std::move(response);
  wake_locked(exchange);
}

bool HttpMailbox::is_answered(const HttpExchangePtr& exchange) const {
  const std::lock_guard lock(mutex_);
  return exchange->is_answered;
}

void HttpMailbox::wake(const HttpExchangePtr& exchange) {
  const std::lock_guard lock(mutex_);
  wake_locked(exchange);
}

void HttpMailbox::wake_locked(const HttpExchangePtr& exchange) {
  // The server's thread looks for an answer before it suspends, under this lock.
  if (exchange->is_over || !exchange->is_suspended || exchange->is_woken) return;
  CHECK(woken_.size() < http_connections_max);
  exchange->is_woken = true;
  woken_.push_back(exchange);
  bell_.ring();
}

void HttpMailbox::adopt(int socket) {
  CHECK(socket >= 0);
  {
    const std::lock_guard lock(mutex_);
    if (!is_closed_ && adopted_.size() < http_connections_an_address) {
      adopted_.push_back(socket);
      bell_.ring();
      return;
    }
  }
  ::close(socket);
}

void HttpMailbox::silence() {
  bell_.wait(Duration{});
}

std::vector<int> HttpMailbox::take_adopted() {
  const std::lock_guard lock(mutex_);
  CHECK(adopted_.size() <= http_connections_an_address);
  return std::exchange(adopted_, {});
}

void HttpMailbox::finish(const HttpExchangePtr& exchange) {
  const std::lock_guard lock(mutex_);
  CHECK(!exchange->is_over && exchange->answer_bytes <= answers_bytes_);
  exchange->is_over = true;
  answers_bytes_ -= std::exchange(exchange->answer_bytes, 0);
  exchange->response.reset();
}

void HttpMailbox::close() {
  std::vector<int> refused;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    refused.swap(adopted_);
  }
  for (const int socket : refused) ::close(socket);
}

}  // namespace xord
