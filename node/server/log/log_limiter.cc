#include "node/server/log/log_limiter.h"

#include "reactor/base/check.h"

namespace xord {

bool LogLimiter::admit(std::string_view message, MonotonicTime now) {
  auto at = minutes_.find(message);
  if (at == minutes_.end()) at = minutes_.emplace(message, Minute{now}).first;
  Minute& minute = at->second;
  if (minute.left_out == 0 && now >= minute.began + minutes(1)) minute = {now};
  if (minute.written < lines_per_minute) {
    CHECK(minute.left_out == 0);
    ++minute.written;
    return true;
  }
  ++minute.left_out;
  return false;
}

std::vector<LogLimiter::LeftOut> LogLimiter::take(MonotonicTime now) {
  std::vector<LeftOut> taken;
  for (auto& [message, minute] : minutes_) {
    if (minute.left_out == 0 || now < minute.began + minutes(1)) continue;
    CHECK(minute.written == lines_per_minute);
    taken.push_back({message, minute.left_out});
    minute = {now};
  }
  return taken;
}

std::vector<LogLimiter::LeftOut> LogLimiter::take_all() {
  return take({INT64_MAX});
}

}  // namespace xord
