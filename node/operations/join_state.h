// Joining a network (paper 2.3, checklist 32): which endpoints are pinged, and when again while
// nobody answers. Plain state of a Node; at most bootstraps_max endpoints.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>

#include "node/calls/in_flight.h"
#include "node/contact.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/id.h"
#include "reactor/base/instant.h"

namespace xord {

// While nobody is known the pings are repeated, at first soon, then at ever longer intervals.
constexpr Duration join_retry_min = seconds(2);
constexpr Duration join_retry_max = minutes(1);
// After a join the own id is looked up again, each so long after the last time: nodes that joined
// at the same moment, or while the network was small, are else unknown to their neighbours until
// the hourly refresh. Some 25 calls each.
constexpr std::array<Duration, 3> join_repeats{minutes(1), minutes(5), minutes(20)};

struct JoinState {
  // A ping is sent once more when it is slow, so two may be open; the first answer decides.
  struct Ping {
    uint8_t open_count = 0;
    bool decided = false;
  };

  std::array<Endpoint, bootstraps_max> endpoints;
  std::array<Ping, bootstraps_max> pings;  // Of the current round.
  uint32_t endpoints_count = 0;
  uint32_t pings_round = 0;  // What an earlier round's pings bring is nobody's any more.
  uint32_t pings_open = 0;   // Endpoints of this round that are undecided.
  Duration retry_after = join_retry_min;
  std::optional<Instant> retry_at;
  std::optional<PoolHandle> operation;  // Who waits for the result; told once.
  bool is_looking_up = false;           // The lookup of the own id runs,
  bool must_repeat = false;             // and began without some who answered since.
  uint32_t repeats = 0;                 // Of join_repeats, those begun since the join;
  std::optional<Instant> repeat_at;     // the next one.
  // Who answered this round's pings. Their buckets may be other shards', and not here yet.
  std::array<Contact, bootstraps_max> answered;
  uint32_t answered_count = 0;
  std::bitset<id_bits> ranges_to_refresh;  // By bits shared with the own id.
  uint32_t refreshes_running = 0;

  // The ping of endpoint `index` in this round, as a call, and the state of a call's ping; null
  // when it is of an earlier round.
  Call ping_to(uint32_t index) const {
    return {Purpose::bootstrap,
            Method::ping,
            0,
            endpoints[index],
            std::nullopt,
            {0, pings_round},
            static_cast<uint16_t>(index)};
  }
  Ping* ping_of(const Call& call) {
    return call.owner.generation == pings_round ? &pings[call.row] : nullptr;
  }
};

}  // namespace xord
