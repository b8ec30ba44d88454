// Endpoints at which somebody has our own id: is it us, by another of our addresses, or a node with
// a copy of our data directory? A ping finds out, since one to ourselves comes back to us. This
// says which endpoints are worth a ping, and remembers what was found. Fixed size; the endpoint
// looked at longest ago makes room.
#pragma once

#include <array>
#include <cstdint>

#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord {

class OwnIdChecks {
 public:
  static constexpr uint32_t endpoints_max = 8;
  // Between two pings, whoever named the endpoint.
  static constexpr Duration pace = seconds(10);
  // Until an endpoint is pinged again: one with another node; one that did not answer, perhaps
  // because it pinged us instead.
  static constexpr Duration again = minutes(10);
  static constexpr Duration silent = seconds(30);

  // Whether to ping `endpoint` now; it counts as pinged. Never again one that is our own.
  bool should_ping(const Endpoint& endpoint, Instant now);
  // It is our own; true the first time.
  bool found_own(const Endpoint& endpoint, Instant now);
  // Another node is there; true when that was not found in the last `again`.
  bool found_other(const Endpoint& endpoint, Instant now);

 private:
  enum class Found : uint8_t { nobody, own, other };
  struct Row {
    Endpoint endpoint;
    Found found = Found::nobody;
    Instant looked_at = Instant::never();
    Instant told_at = Instant::never();
  };
  // The row of `endpoint`, a new one if there is none.
  Row& row_of(const Endpoint& endpoint);

  std::array<Row, endpoints_max> rows_;
  Instant next_ping_ = Instant::never();
};

}  // namespace xord
