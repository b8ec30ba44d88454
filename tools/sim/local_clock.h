// What one simulated host believes the time to be. Node time moves with the host's monotonic clock,
// which may run fast or slow and may leap forward (when a suspended machine wakes up). The wall
// clock, which matters only across restarts, may be set to anything. Whole nanoseconds, never
// backwards.
#pragma once

#include "reactor/base/check.h"
#include "reactor/base/instant.h"

namespace xord::sim {

class LocalClock {
 public:
  // Node time is `local` when the world's time is `world`; `drift_ppm` may be negative, but must be
  // above -1e6.
  LocalClock(Instant world, Instant local, int32_t drift_ppm)
      : world_(world), local_(local), drift_ppm_(drift_ppm) {
    CHECK(drift_ppm > -million);
  }

  Instant local(Instant world) const {
    const int64_t since = (world - world_).nanoseconds;
    return local_ + Duration{since + drift_of(since)};
  }
  // The first world time at which local() is `local` or later.
  Instant world(Instant local) const {
    const int64_t since = (local - local_).nanoseconds;
    if (since <= 0) return world_;
    __extension__ using Wide = __int128;
    const Wide rate = million + drift_ppm_;
    auto at = static_cast<int64_t>((Wide{since} * million + rate - 1) / rate);
    // Rounded up, so it is never too early; of a slow clock, drift_of() rounds up as well.
    while (at - 1 + drift_of(at - 1) >= since) --at;
    DCHECK(at > 0 && at + drift_of(at) >= since);
    return world_ + Duration{at};
  }
  void leap(Instant world, Duration forward) {
    CHECK(world >= world_ && forward >= Duration{});
    local_ = local(world) + forward;
    world_ = world;
  }
  int32_t drift_ppm() const { return drift_ppm_; }

 private:
  static constexpr int64_t million = 1'000'000;
  int64_t drift_of(int64_t since) const {
    __extension__ using Wide = __int128;
    return static_cast<int64_t>(Wide{since} * drift_ppm_ / million);
  }

  Instant world_;
  Instant local_;
  int32_t drift_ppm_;
};

}  // namespace xord::sim
