// The replication state of one shard (paper 2.5): regions whose due records are being stored at
// their k nearest nodes, and newcomers that are being handed the records they should hold. Cursors
// into the ordered index, so that a scan continues where it stopped; nothing is listed in advance.
// Plain state of a Node; every queue has a maximum, and work that finds no room is due again later.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>

#include "node/budget.h"
#include "node/contact.h"
#include "node/replication/region.h"
#include "node/subnet_limits.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/instant.h"

namespace xord {

// A region whose nodes are known, and how far its records have been scanned.
struct RegionWork {
  enum class List : uint8_t { records, published };
  Region region;
  List list = List::records;
  Id cursor;
};

// After a start, or the first contact, all contacts are new to us, but none is new to the network.
constexpr Duration settling = minutes(2);

// Ranges, by bits shared with our id, with at least one known contact.
using OccupiedRanges = std::bitset<id_bits>;

// Records that a newcomer is given on credit. Each answer to a store earns it two more, up to
// Budget::replications; a newcomer that never answers gets only these.
constexpr uint32_t hand_over_credit = 3;
// This long after its last store, a newcomer without credit can no longer answer any: a store and
// its retry, each one transaction.
constexpr Duration hand_over_patience = transaction_lifetime * 2;

// A newcomer that gets the records for which it is among the k nearest and we are nearest.
struct HandOver {
  Contact newcomer;
  bool has_begun = false;
  Id cursor;
  OccupiedRanges occupied;  // Without the newcomer, when the hand-over began.
  uint32_t credit = hand_over_credit;
  Instant given_at;  // When it was last given a record.
};

// A record whose stores are in progress: sent, or retried, within the adaptive timeout.
struct OpenRecord {
  enum class Task : uint8_t {
    republish,  // A record held here, at the k nearest.
    publish,    // A key of the list, a day after it was last published.
    hand_over,  // A record at a newcomer.
  } task{};
  PoolHandle round;      // Its stores.
  PoolHandle hand_over;  // For a hand-over: which one.
  uint32_t room = 0;     // Bytes counted against replication_bytes_max.
};

struct Replication {
  Replication(const Budget& budget, Instant start)
      : regions(budget.regions),
        hand_overs(budget.newcomers),
        open(budget.replications),
        settled_at(start + settling) {}

  // Whether one more record of the largest size may be sent now.
  bool has_slot() const {
    return open.taken_count() < open.slots_max() &&
           open_bytes + value_size_max <= replication_bytes_max;
  }
  // Whether a region will be served if it is found while `surveys` others are being found.
  bool has_room_for_region(uint32_t surveys) const {
    return regions.taken_count() + surveys < regions.slots_max();
  }
  bool is_serving(const Id& key) const {
    for (uint32_t i = 0; i < regions.slots_max(); ++i) {
      const auto handle = regions.taken_at(i);
      if (handle && regions[*handle].region.contains(key)) return true;
    }
    return false;
  }
  // Whether the widest prefix of `address` has a quarter of a queue that is more than half full:
  // the other half is for those who do not arrive by the hundred. No narrower one has more.
  bool has_its_share(const IpAddress& address, const SubnetLimits& limits) const {
    CHECK(hand_overs.taken_count() <= hand_overs.slots_max());
    if (hand_overs.taken_count() <= hand_overs.slots_max() / 2) return false;
    if (!limits.apply_to(address)) return false;
    const size_t widest = subnet_levels(address) - 1;
    uint32_t count = 0;
    for (uint32_t i = 0; i < hand_overs.slots_max(); ++i) {
      const auto handle = hand_overs.taken_at(i);
      if (!handle) continue;
      count += same_prefix(address, hand_overs[*handle].newcomer.endpoint.address, widest);
    }
    return count >= hand_overs.slots_max() / 4;
  }
  // False when the maximum is in progress already, or the share of its prefix.
  [[nodiscard]] bool add_newcomer(const Contact& newcomer, const SubnetLimits& limits) {
    if (has_its_share(newcomer.endpoint.address, limits)) return false;
    const auto handle = hand_overs.take();
    if (!handle) return false;
    hand_overs[*handle] = HandOver{};
    hand_overs[*handle].newcomer = newcomer;
    return true;
  }

  FixedPool<RegionWork> regions;
  FixedPool<HandOver> hand_overs;  // They take turns, one record each.
  uint32_t turn = 0;               // The slot of the newcomer whose turn it is.
  bool hand_overs_first = false;   // Regions and newcomers take turns, too.
  FixedPool<OpenRecord> open;
  uint32_t open_bytes = 0;           // The sum of their values.
  std::optional<Instant> resume_at;  // Set when there is work, and room for it.
  // Until then, nodes that seem to arrive were there before us: we are the newcomer.
  Instant settled_at;
};

}  // namespace xord
