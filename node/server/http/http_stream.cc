#include "node/server/http/http_stream.h"

#include <algorithm>
#include <utility>

#include "reactor/base/check.h"

namespace xord {

bool HttpStream::push(std::string_view piece) {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    CHECK(waiting_.size() <= http_stream_max);
    if (is_ended_ || is_abandoned_) return false;
    if (piece.size() > http_stream_max - waiting_.size()) return false;
    waiting_ += piece;
    wake = wake_;
  }
  if (wake) wake();
  return true;
}

void HttpStream::end() {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_ended_, true) || is_abandoned_) return;
    wake = wake_;
  }
  if (wake) wake();
}

bool HttpStream::is_over() const {
  const std::lock_guard lock(mutex_);
  return is_ended_ || is_abandoned_;
}

void HttpStream::attach(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  CHECK(!wake_ && wake);
  wake_ = std::move(wake);
}

size_t HttpStream::take(char* out, size_t size, bool* is_finished) {
  CHECK(out != nullptr && size > 0);
  const std::lock_guard lock(mutex_);
  const size_t taken = std::min(size, waiting_.size());
  waiting_.copy(out, taken);
  waiting_.erase(0, taken);
  *is_finished = taken == 0 && is_ended_;
  return taken;
}

void HttpStream::abandon() {
  const std::lock_guard lock(mutex_);
  is_abandoned_ = true;
  waiting_ = {};
  wake_ = nullptr;
}

}  // namespace xord
