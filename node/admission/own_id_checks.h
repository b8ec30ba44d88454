// Endpoints that claim our own id: is each one us, by another of our addresses, or a node with a
// copy of our data directory? A ping finds out, because a ping to ourselves comes back to us. This
// class says which endpoints are worth a ping, and remembers what was found. Fixed size; the
// endpoint checked longest ago makes room.
#pragma once

#include <array>
#include <cstdint>

#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord {

class OwnIdChecks {
 public:
  static constexpr uint32_t endpoints_max = 8;
  // Minimum time between two pings, no matter who named the endpoint.
  static constexpr Duration pace = seconds(10);
  // Time before an endpoint is pinged again: `again` if another node is there; `silent` if it did
  // not answer, perhaps because it pinged us instead.
  static constexpr Duration again = minutes(10);
  static constexpr Duration silent = seconds(30);
  static_assert(pace < silent && silent < again);

  // Whether to ping `endpoint` now; if so, it counts as pinged. Never again for one that is our
  // own.
  bool should_ping(const Endpoint& endpoint, Instant now);
  // `endpoint` is our own; true the first time.
  bool found_own(const Endpoint& endpoint, Instant now);
  // Another node is at `endpoint`; true unless that was found within the last `again`.
  bool found_other(const Endpoint& endpoint, Instant now);

 private:
  enum class Found : uint8_t { nobody, own, other };
  struct Row {
    Endpoint endpoint;
    Found found = Found::nobody;
    Instant looked_at = Instant::min();
    Instant told_at = Instant::min();
  };
  // The row of `endpoint`, newly added if it had none.
  Row& row_of(const Endpoint& endpoint);

  std::array<Row, endpoints_max> rows_;
  Instant next_ping_ = Instant::min();
};

}  // namespace xord
