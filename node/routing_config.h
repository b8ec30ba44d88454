// The bounds and manners of a routing table.
#pragma once

#include <cstdint>

#include "node/subnet_limits.h"
#include "reactor/base/id.h"

namespace xord {

// Places for buckets in a range of ids that share their leading bits with ours: it is split by up
// to four further bits (paper 4.2).
constexpr uint32_t buckets_a_range = 16;

struct RoutingConfig {
  uint32_t contacts_max = 65'536;  // Filed, on all shards together.
  // Of this shard, 1 KB each. 160 ranges of 16 are all there can be.
  uint32_t buckets_max = id_bits * buckets_a_range;
  uint32_t recent_pings = 4'096;  // Newcomers pinged in the last minute.
  // Pings for answers that name contacts, for all contacts of this shard; half a second's worth at
  // once for contacts that are named anyway, a second's for those that are awaited.
  uint32_t named_pings_a_second = 2'000;
  uint64_t seed = 0;  // Secret.
  Id client_id;       // Shared by all xord client commands: never filed.
  SubnetLimits subnets;
  // Whether contacts that answer keep their places (checklist 11). Otherwise a newcomer takes the
  // place of the one seen least recently, unasked: so that a simulation can show what it is worth.
  bool prefers_old_contacts = true;

  // Of the contacts in a network of 100,000 nodes, 400 are filed.
  static RoutingConfig simulated() {
    RoutingConfig config;
    config.contacts_max = 1'000;
    config.buckets_max = 64;
    config.recent_pings = 256;
    return config;
  }
};

}  // namespace xord
