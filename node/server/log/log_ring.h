// The last lines of the log, for those who ask the node itself: the page, `xord top` and
// GET /v1/log. Any thread may use it; the lock is held only to copy lines, and no shard takes it.
//
// Bounds: log_ring_lines lines, each with at most log_fields_bytes_max bytes of fields (more are
// left out, and `are_fields_cut` says so): some 240 KiB.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "node/server/config/server_config.h"
#include "reactor/base/instant.h"

namespace xord {

constexpr size_t log_ring_lines = 200;
constexpr size_t log_fields_bytes_max = 1024;

struct LogLine {
  uint64_t number = 0;  // From 1 on, of all lines since the start.
  Duration at;          // Since 1970, by the host's clock.
  LogLevel level = LogLevel::info;
  std::string message;
  std::string fields;  // A JSON object.
  bool are_fields_cut = false;
};

class LogRing {
 public:
  // `fields` is a JSON object in one line.
  void add(LogLevel level, std::string_view message, std::string fields, Duration at);
  // Those of `least` and above with numbers above `after`: the last `most` of them, oldest first.
  std::vector<LogLine> lines(LogLevel least, uint64_t after, size_t most) const;

 private:
  mutable std::mutex mutex_;  // Guards the following.
  std::array<LogLine, log_ring_lines> lines_;
  uint64_t count_ = 0;  // Of all lines; the last is at (count_ - 1) % log_ring_lines.
};

}  // namespace xord
