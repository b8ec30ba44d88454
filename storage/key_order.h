// All records in key order, for scans of key ranges: a crit-bit tree (Morrison's PATRICIA, 1968;
// Bernstein's formulation) over record handles. A node names the first bit in which the keys below
// it differ. 9 bytes a record; a step is O(depth), about log2(records) for evenly spread keys and
// never above 160.
#pragma once

#include <span>

#include "storage/record.h"

namespace xord {

class KeyOrder {
 public:
  explicit KeyOrder(const Records& records);  // Outlives the tree.

  // Prefetches what insert() of these keys (laid end to end, at most keys_ahead_max) will touch,
  // walking all paths level by level so that their cache misses overlap.
  void fetch_ahead(Bytes keys) const;
  // The record's key is set, and the tree holds no record with that key.
  void insert(RecordHandle record);
  // The record is in the tree.
  void erase(RecordHandle record);
  // The first record whose key is `key` or after it; no_record at the end.
  RecordHandle first_from(const Id& key) const;
  // Fills `out` with the records whose keys are farthest from `id`, farthest first; returns how
  // many. O(depth + out).
  size_t farthest_from(const Id& id, std::span<RecordHandle> out) const;
  // For tests and the simulator: aborts unless the tree holds exactly `records` records, in order.
  void check_invariants(uint32_t records) const;

 private:
  using Link = uint32_t;  // A record (with leaf_mark), a node, or none.
  static constexpr Link leaf_mark = uint32_t{1} << 31;
  static constexpr Link none = UINT32_MAX;
  struct Node {
    Link children[2];
  };

  static bool is_leaf(Link link) { return (link & leaf_mark) != 0; }
  const Id& key_of(Link leaf) const { return records_[leaf & ~leaf_mark].key; }
  // The leaf that `key` leads to. No other key in the tree shares a longer prefix with `key`.
  Link nearest_leaf(const Id& key) const;
  Link first_leaf(Link below) const;
  Link take_node();
  // Checks the tree below `at`, whose parent names bit `above` (-1: none), and returns its leaves.
  uint32_t check_below(Link at, int above) const;

  const Records& records_;
  LazyArray<Node> nodes_;
  LazyArray<uint8_t> bits_;  // One per node; a separate array, to waste no padding.
  Link root_ = none;
  Link free_nodes_ = none;  // A list linked through children[0].
  uint32_t nodes_touched_ = 0;
};

}  // namespace xord
