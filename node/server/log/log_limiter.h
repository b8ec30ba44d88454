// How often one message may be logged: lines_per_minute times, then it is only counted until its
// minute is over, and one line reports how many were omitted. So the log stays readable, whatever
// peers, names or a disk do. Reads no clock. Messages are the log's own words, so their number is
// fixed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/instant.h"

namespace xord {

class LogLimiter {
 public:
  static constexpr uint32_t lines_per_minute = 5;
  struct LeftOut {
    std::string message;
    uint64_t count = 0;
  };

  // Whether a line with `message` may be written at `now`; if not, it is counted.
  bool admit(std::string_view message, MonotonicTime now);
  // The omitted lines by message, of minutes that are over by `now`; each count is returned once.
  std::vector<LeftOut> take(MonotonicTime now);
  // The same, whether or not their minutes are over: for the end of the log.
  std::vector<LeftOut> take_all();

 private:
  struct Minute {
    MonotonicTime began;
    uint32_t written = 0;
    uint64_t left_out = 0;
  };
  std::map<std::string, Minute, std::less<>> minutes_;
};

}  // namespace xord
