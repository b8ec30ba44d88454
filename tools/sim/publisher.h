// Publisher: one host that keeps many keys published. They are listed on its disk as if by an
// earlier run, and come due one after another over its first cycle. It measures what the list
// costs: lookups per cycle, and whether each key is on its k nearest nodes. Holds every key.
#pragma once

#include <vector>

#include "tools/sim/census.h"
#include "tools/sim/checkers.h"

namespace xord::sim {

struct PublisherCounts {
  uint64_t keys = 0;            // Keys in the list.
  uint64_t published = 0;       // Publications of a key.
  uint64_t region_lookups = 0;  // Lookups made for publications.
  uint64_t regions_alone = 0;   // Lookups that served a single key.
  uint64_t sampled = 0;         // Keys checked at the end.
  uint64_t placed = 0;          // Those of them on all of their k nearest.
};

class Publisher {
 public:
  // `host` is a xord node. While it is down, it publishes nothing and its counts are 0.
  Publisher(World& world, Checkers& checkers, uint32_t host);

  // To be called before the host starts: lists `keys` keys, due evenly within the host's
  // publish_after from `from` on.
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
