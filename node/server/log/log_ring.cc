#include "node/server/log/log_ring.h"

#include <algorithm>
#include <utility>

#include "reactor/base/check.h"

namespace xord {

void LogRing::add(LogLevel level, std::string_view message, std::string fields, Duration at) {
  CHECK(level < LogLevel::off && fields.starts_with('{') && fields.ends_with('}'));
  const bool is_cut = fields.size() > log_fields_bytes_max;
  const std::lock_guard lock(mutex_);
  LogLine& line = lines_[count_ % log_ring_lines];
  line = {++count_, at, level, std::string(message), is_cut ? "{}" : std::move(fields), is_cut};
}

std::vector<LogLine> LogRing::lines(LogLevel least, uint64_t after, size_t most) const {
  std::vector<LogLine> found;
  const std::lock_guard lock(mutex_);
  const uint64_t oldest = count_ < log_ring_lines ? 0 : count_ - log_ring_lines;
  for (uint64_t at = count_; at > std::max(oldest, after) && found.size() < most; --at) {
    const LogLine& line = lines_[(at - 1) % log_ring_lines];
    DCHECK(line.number == at);
    if (line.level >= least) found.push_back(line);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace xord
