#include "reactor/monotonic.h"

#include <ctime>

#include "reactor/base/check.h"

namespace xord {
namespace {

Duration read_clock(clockid_t clock) {
  timespec read{};
  CHECK(clock_gettime(clock, &read) == 0);
  return seconds(read.tv_sec) + nanoseconds(read.tv_nsec);
}

}  // namespace

MonotonicTime monotonic_time() {
  return MonotonicTime{} + read_clock(CLOCK_MONOTONIC);
}

Duration wall_time() {
  return read_clock(CLOCK_REALTIME);
}

Duration thread_cpu_time() {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

NodeClock::NodeClock(Instant now_is) : at_zero_(now_is - (monotonic_time() - MonotonicTime{})) {}

Instant NodeClock::now() const {
  return at_zero_ + (monotonic_time() - MonotonicTime{});
}

}  // namespace xord
