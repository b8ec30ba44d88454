// Publisher: one host that keeps many keys published, listed on its disk as by an earlier run and
// due one after another over its first cycle; and what its list costs: lookups a cycle, and whether
// each key is on its k nearest nodes. Holds every key.
#pragma once

#include <vector>

#include "tools/sim/census.h"
#include "tools/sim/checkers.h"

namespace xord::sim {

struct PublisherCounts {
  uint64_t keys = 0;            // Listed.
  uint64_t published = 0;       // Publications of a key...
  uint64_t region_lookups = 0;  // ...and the lookups made for them...
  uint64_t regions_alone = 0;   // ...of which served one key alone.
  uint64_t sampled = 0;         // Keys looked at in the end...
  uint64_t placed = 0;          // ...and those on all of their k nearest.
};

class Publisher {
 public:
  // `host` is a xord node that is never down.
  Publisher(World& world, Checkers& checkers, uint32_t host);

  // Before the host starts: so many keys, due evenly within the host's publish_after from `from`
  // on.
  void list(uint32_t keys, Instant from);
  PublisherCounts counts();

 private:
  bool is_placed(const std::vector<uint32_t>& members, const Id& key);

  World& world_;
  Checkers& checkers_;
  uint32_t host_;
  Census census_;
  Rng rng_;
  std::vector<Id> keys_;
};

}  // namespace xord::sim
