// The only reader of the clocks. Higher layers get instants as arguments; a shard reads the clock
// once a turn. One reading costs about 23 ns (vDSO, measured).
#pragma once

#include "reactor/base/instant.h"

namespace xord {

// CLOCK_MONOTONIC. Only differences are meaningful.
MonotonicTime monotonic_time();

// CLOCK_REALTIME: since 1970-01-01 UTC. It may step either way at any time; only data saved across
// a restart and log lines may depend on it.
Duration wall_time();

// The time that the calling thread has spent on a processor, in the kernel too, and not the time
// for which it waited for one. A system call, of 0.7 us.
Duration thread_cpu_time();

// Node time (docs/ARCHITECTURE.md, "Time"): the monotonic clock plus an offset. A plain value: the
// threads of one node hold copies of the same one, so their instants are comparable.
class NodeClock {
 public:
  // A clock that reads `now_is` at this moment.
  explicit NodeClock(Instant now_is);
  Instant now() const;

 private:
  Instant at_zero_;  // Node time when the monotonic clock read 0.
};

}  // namespace xord
