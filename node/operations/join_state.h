// Joining a network (paper 2.3, checklist 32): which endpoints are pinged, and when the pings are
// repeated while no one answers. Plain state of a Node; at most bootstraps_max endpoints.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>

#include "node/calls/in_flight.h"
#include "node/contact.h"
#include "reactor/base/check.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/id.h"
#include "reactor/base/instant.h"

namespace xord {

// While no node is known the pings are repeated, soon at first, then at ever longer intervals.
constexpr Duration join_retry_min = seconds(2);
constexpr Duration join_retry_max = minutes(1);
static_assert(join_retry_min <= join_retry_max);
// After a join our own id is looked up again, each time this long after the last: otherwise nodes
// that joined at the same moment, or while the network was small, would be unknown to their
// neighbours until the hourly refresh. About 25 calls each.
constexpr std::array<Duration, 3> join_repeats{minutes(1), minutes(5), minutes(20)};

struct JoinState {
  // A ping is retried once when it is slow, so two may be open; the first answer decides.
  struct Ping {
    uint8_t open_count = 0;
    bool decided = false;
  };

  std::array<Endpoint, bootstraps_max> endpoints;
  std::array<Ping, bootstraps_max> pings;  // For the current round.
  uint32_t endpoints_count = 0;
  uint32_t pings_round = 0;  // Pings of earlier rounds no longer count.
  uint32_t pings_open = 0;   // Endpoints of this round that are undecided.
  Duration retry_after = join_retry_min;
  std::optional<Instant> retry_at;
  std::optional<PoolHandle> operation;  // Awaits the join's result; gets it once.
  bool is_looking_up = false;           // A lookup of our own id is running.
  bool must_repeat = false;             // That lookup lacks some that have answered since.
  uint32_t repeats = 0;                 // How many of join_repeats have begun since the join.
  std::optional<Instant> repeat_at;     // When the next of join_repeats begins.
  // The contacts that answered this round's pings. Their buckets may belong to other shards, whose
  // changes may not have arrived here yet.
  std::array<Contact, bootstraps_max> answered;
  uint32_t answered_count = 0;
  std::bitset<id_bits> ranges_to_refresh;  // By bits shared with our own id.
  uint32_t refreshes_running = 0;

  // ping_to(): the ping of endpoint `index` in this round, as a call. ping_of(): the state of a
  // call's ping; null if the call is of an earlier round.
  Call ping_to(uint32_t index) const {
    static_assert(bootstraps_max <= UINT16_MAX, "a call's row is an endpoint's index");
    CHECK(index < endpoints_count);
    return {Purpose::bootstrap,
            Method::ping,
            0,
            endpoints[index],
            std::nullopt,
            {0, pings_round},
            static_cast<uint16_t>(index)};
  }
  Ping* ping_of(const Call& call) {
    CHECK(call.purpose == Purpose::bootstrap);
    if (call.owner.generation != pings_round) return nullptr;
    CHECK(call.row < endpoints_count);
    return &pings[call.row];
  }
};

}  // namespace xord
