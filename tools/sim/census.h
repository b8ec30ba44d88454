// What an omniscient observer knows of a world: which hosts are up, which are nearest to a key,
// which hold what. Lookups and records are compared with this truth. Read-only.
#pragma once

#include <span>
#include <vector>

#include "tools/sim/world.h"

namespace xord::sim {

class Census {
 public:
  explicit Census(const World& world) : world_(world) {}

  // Hosts of honest nodes that are permanently up and that every host can reach.
  std::vector<uint32_t> members() const;
  // The `count` of `members` nearest to `target`, nearest first.
  std::vector<uint32_t> nearest(std::span<const uint32_t> members, const Id& target,
                                size_t count) const;
  // Averages over the tables of about `sample` members: contacts in a table, the share of them that
  // are up, and the share of a node's k nearest that it knows.
  struct Tables {
    double contacts = 0;
    double alive = 0;
    double nearest_known = 0;
  };
  Tables tables(std::span<const uint32_t> members, size_t sample, Rng& rng) const;
  // Whether exactly the k nearest of `members` were found, except for `asker`, which does not name
  // itself. The endpoints of programs, which come and go, are ignored.
  bool is_exact(std::span<const uint32_t> members, uint32_t asker, const Id& target,
                std::span<const Contact> found) const;

 private:
  const World& world_;
};

}  // namespace xord::sim
