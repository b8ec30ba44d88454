// What one shard has to replicate (paper 2.5): regions whose due records are being stored at their
// k nearest nodes, and newcomers that are handed what they should hold. Cursors into the ordered
// index, so that a scan goes on where it stopped; nothing is listed in advance. Plain state of a
// Node; every queue has a maximum, and what finds no room is due again later.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <optional>

#include "node/budget.h"
#include "node/contact.h"
#include "node/replication/region.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/instant.h"

namespace xord {

// A region whose nodes are known, and how far its records were looked through.
struct RegionWork {
  enum class List : uint8_t { records, published };
  Region region;
  List list = List::records;
  Id cursor;
};

// After a start, or the first contact, all contacts are new to us, and none is to the network.
constexpr Duration settling = minutes(2);

// Ranges, by bits shared with our id, in which somebody is known.
using OccupiedRanges = std::bitset<id_bits>;

// Records that a newcomer is given on trust. Each answer to a store buys it two more, up to
// Budget::replications; who never answers gets no more than these.
constexpr uint32_t hand_over_credit = 3;
// So long after its last store a newcomer without credit can answer none any more: a store and its
// repetition, each a transaction.
constexpr Duration hand_over_patience = transaction_lifetime * 2;

// A newcomer that gets the records for which it is among the k nearest and we are the nearest.
struct HandOver {
  Contact newcomer;
  bool has_begun = false;
  Id cursor;
  OccupiedRanges occupied;  // Without the newcomer, when it began.
  uint32_t credit = hand_over_credit;
  Instant given_at;  // Its latest record.
};

// A record whose stores are under way: sent, or repeated, within the adaptive timeout.
struct OpenRecord {
  enum class Task : uint8_t {
    republish,  // A record held here, at the k nearest.
    publish,    // A key of the list, a day after the last time.
    hand_over,  // A record at a newcomer.
  } task{};
  PoolHandle round;      // Its stores.
  PoolHandle hand_over;  // Of a hand-over: which.
  uint32_t room = 0;     // Bytes taken of replication_bytes_max.
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
  // Whether a region that is found beside `surveys` others will be served.
  bool has_room_for_region(uint32_t surveys) const {
    return regions.taken_count() + surveys < regions.slots_max();
  }
  bool is_at(const Id& key) const {
    for (uint32_t i = 0; i < regions.slots_max(); ++i) {
      const auto handle = regions.taken_at(i);
      if (handle && regions[*handle].region.contains(key)) return true;
    }
    return false;
  }
  // False when so many are under way already.
  [[nodiscard]] bool add_newcomer(const Contact& newcomer) {
    const auto handle = hand_overs.take();
    if (!handle) return false;
    hand_overs[*handle] = HandOver{};
    hand_overs[*handle].newcomer = newcomer;
    return true;
  }

  FixedPool<RegionWork> regions;
  FixedPool<HandOver> hand_overs;  // They take turns, a record each.
  uint32_t turn = 0;               // The slot of the one whose turn it is.
  bool hand_overs_first = false;   // Regions and newcomers take turns, too.
  FixedPool<OpenRecord> open;
  uint32_t open_bytes = 0;           // Of their values.
  std::optional<Instant> resume_at;  // There is work, and room for it.
  // Until then whoever arrives was there before us: we are the newcomer.
  Instant settled_at;
};

}  // namespace xord
