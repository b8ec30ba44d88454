// Publisher: one host that keeps many keys published (`xord set --keep`), spread evenly, and what
// its list costs: lookups a cycle, and whether each key is on its k nearest nodes. Keeps a few at a
// time, as many as the host's operations allow. Holds every key.
#pragma once

#include <vector>

#include "tools/sim/census.h"
#include "tools/sim/checkers.h"
#include "tools/sim/operations.h"

namespace xord::sim {

struct PublisherCounts {
  uint64_t keys = 0;            // Kept.
  uint64_t published = 0;       // Publications of a key, since all were kept...
  uint64_t region_lookups = 0;  // ...and the lookups made for them...
  uint64_t regions_alone = 0;   // ...of which served one key alone.
  uint64_t sampled = 0;         // Keys looked at in the end...
  uint64_t placed = 0;          // ...and those on all of their k nearest.
};

class Publisher {
 public:
  // `host` is a xord node that is never down.
  Publisher(World& world, Operations& operations, Checkers& checkers, uint32_t host);

  void keep(uint64_t keys);
  // Now, since all were kept.
  PublisherCounts counts();

 private:
  void keep_next();
  void keep_one(const Id& key);  // Until the node has room for it.
  bool is_placed(const std::vector<uint32_t>& members, const Id& key);

  World& world_;
  Operations& operations_;
  Checkers& checkers_;
  uint32_t host_;
  Census census_;
  Rng rng_;
  uint64_t wanted_ = 0;
  std::vector<Id> keys_;
  PublisherCounts since_;
};

}  // namespace xord::sim
