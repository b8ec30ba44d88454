// The bounds and policies of a routing table.
#pragma once

#include <cstdint>

#include "node/subnet_limits.h"
#include "reactor/base/id.h"

namespace xord {

// Buckets that a range of ids with common leading bits may be split into: four further bits (paper
// 4.2).
constexpr uint32_t buckets_a_range = 16;

struct RoutingConfig {
  uint32_t contacts_max = 65'536;  // Filed, on all shards together.
  // For this shard, 1 KB each. 160 ranges of 16 are the most possible.
  uint32_t buckets_max = id_bits * buckets_a_range;
  uint32_t recent_pings = 4'096;  // Newcomers pinged in the last minute.
  // Pings for answers that name contacts, for all contacts of this shard. Half a second's worth may
  // go out at once for contacts that are named anyway, a second's worth for awaited ones.
  uint32_t named_pings_a_second = 2'000;
  uint64_t seed = 0;  // Secret.
  Id client_id;       // Shared by all xord client commands: never filed.
  SubnetLimits subnets;
  // Whether contacts that answer keep their places (checklist 11). If not, a newcomer takes the
  // place of the one seen least recently without a ping: lets a simulation show what the rule is
  // worth.
  bool prefers_old_contacts = true;

  // In a network of 100,000 nodes, 400 contacts are filed.
  static RoutingConfig simulated() {
    RoutingConfig config;
    config.contacts_max = 1'000;
    config.buckets_max = 64;
    config.recent_pings = 256;
    return config;
  }
};

}  // namespace xord
