// What an all-seeing eye knows of a world: who is up, who is nearest to a key, who holds what. The
// truth that lookups and records are compared with. Reads only.
#pragma once

#include <span>
#include <vector>

#include "tools/sim/world.h"

namespace xord::sim {

class Census {
 public:
  explicit Census(const World& world) : world_(world) {}

  // Hosts of honest nodes that are up to stay, and whom everybody can reach.
  std::vector<uint32_t> members() const;
  // The `count` of `members` nearest to `target`, nearest first.
  std::vector<uint32_t> nearest(std::span<const uint32_t> members, const Id& target,
                                size_t count) const;
  // Of the tables of about `sample` members: contacts a table, the share of them that are up, and
  // the share of a node's k nearest that it knows.
  struct Tables {
    double contacts = 0;
    double alive = 0;
    double nearest_known = 0;
  };
  Tables tables(std::span<const uint32_t> members, size_t sample, Rng& rng) const;
  // Whether exactly the k nearest of `members` were found, but for `asker`, who does not name
  // himself; places of programs, which are here and gone, are passed over.
  bool is_exact(std::span<const uint32_t> members, uint32_t asker, const Id& target,
                std::span<const Contact> found) const;

 private:
  const World& world_;
};

}  // namespace xord::sim
