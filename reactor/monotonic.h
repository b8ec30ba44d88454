// The only reader of the clocks. Everything above gets instants as arguments; a shard reads the
// clock once a turn. One reading costs about 23 ns (vDSO, measured).
#pragma once

#include "reactor/base/instant.h"

namespace xord {

// CLOCK_MONOTONIC: since some moment at or before the host's boot. Only differences mean anything.
Duration monotonic_time();

// CLOCK_REALTIME: since 1970-01-01 UTC. It may step either way at any time; only what is saved over
// a restart and log lines may depend on it.
Duration wall_time();

// Node time (docs/ARCHITECTURE.md, "Time"): an offset and the monotonic clock. A plain value: the
// threads of one node hold copies of the same one, so their instants compare.
class NodeClock {
 public:
  // A clock that reads `now_is` at this moment.
  explicit NodeClock(Instant now_is);
  Instant now() const;

 private:
  Instant at_zero_;  // Node time when the monotonic clock read 0.
};

}  // namespace xord
