// What one shard has to replicate (paper 2.5): regions whose due records are being stored at their
// k nearest nodes, and newcomers that are handed what they should hold. Cursors into the ordered
// index, so that a scan goes on where it stopped; nothing is listed in advance. Plain state of a
// Node; every queue has a maximum, and what finds no room is due again later.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/budget.h"
#include "node/contact.h"
#include "node/region.h"
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

// A newcomer that gets the records for which it is among the k nearest and we are the nearest.
struct HandOver {
  Contact newcomer;
  Id cursor;
  OccupiedRanges occupied;  // Without the newcomer.
};

struct Replication {
  Replication(const Budget& budget, Instant start)
      : regions(budget.regions),
        newcomers_max(budget.newcomers),
        open_max(budget.replications),
        settled_at(start + settling) {
    newcomers.reserve(newcomers_max);
  }

  // For one record more, as large as there is.
  bool has_slot() const {
    return open_count < open_max && open_bytes + value_size_max <= replication_bytes_max;
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
  // False when so many wait already.
  [[nodiscard]] bool add_newcomer(const Contact& newcomer) {
    if (newcomers.size() == newcomers_max) return false;
    newcomers.push_back(newcomer);
    return true;
  }

  FixedPool<RegionWork> regions;
  std::optional<HandOver> hand_over;  // Under way.
  std::vector<Contact> newcomers;     // Waiting, the oldest first; reserved at construction.
  size_t newcomers_max;
  uint32_t open_count = 0;  // Records whose stores are under way.
  uint32_t open_max;
  uint32_t open_bytes = 0;           // Of their values.
  std::optional<Instant> resume_at;  // There is work, and room for it.
  // Until then whoever arrives was there before us: we are the newcomer.
  Instant settled_at;
};

}  // namespace xord
