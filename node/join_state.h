// Joining a network (paper 2.3, checklist 32): which endpoints are pinged, and when again while
// nobody answers. Plain state of a Node; at most bootstraps_max endpoints.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>

#include "node/contact.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/id.h"
#include "reactor/base/instant.h"

namespace xord {

constexpr uint32_t bootstraps_max = 64;
// While nobody is known the pings are repeated, at first soon, then at ever longer intervals.
constexpr Duration join_retry_min = seconds(2);
constexpr Duration join_retry_max = minutes(1);

struct JoinState {
  std::array<Endpoint, bootstraps_max> endpoints;
  uint32_t endpoints_count = 0;
  uint32_t pings_open = 0;
  Duration retry_after = join_retry_min;
  std::optional<Instant> retry_at;
  std::optional<PoolHandle> operation;     // Who waits for the result; told once.
  bool is_looking_up = false;              // The lookup of the own id runs,
  bool must_repeat = false;                // and began without some who answered since.
  std::optional<Contact> answered;         // Who answered a bootstrap ping last.
  std::bitset<id_bits> ranges_to_refresh;  // By bits shared with the own id.
  uint32_t refreshes_running = 0;
};

}  // namespace xord
