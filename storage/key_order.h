// All records in order of their keys, for scans of key ranges: a crit-bit tree (Morrison's
// PATRICIA, 1968; Bernstein's formulation) over record handles. A node names the first bit in which
// the keys below it differ. 9 bytes a record; a step is O(depth), about log2(records) for spread
// keys and never above 160.
#pragma once

#include "storage/record.h"

namespace xord {

class KeyOrder {
 public:
  explicit KeyOrder(const Records& records);  // Outlives the tree.

  // Loads what insert() of these keys, one behind the other and keys_ahead_max at most, will look
  // at: all paths a level at a time, so that their memory is waited for together.
  void fetch_ahead(Bytes keys) const;
  // The record's key is in place and no record of that key is in the tree.
  void insert(RecordHandle record);
  // The record is in the tree.
  void erase(RecordHandle record);
  // The record whose key is `key` or the first behind it; no_record at the end.
  RecordHandle first_from(const Id& key) const;

 private:
  using Link = uint32_t;  // A record (with leaf_mark), or a node, or none.
  static constexpr Link leaf_mark = uint32_t{1} << 31;
  static constexpr Link none = UINT32_MAX;
  struct Node {
    Link children[2];
  };

  static bool is_leaf(Link link) { return (link & leaf_mark) != 0; }
  const Id& key_of(Link leaf) const { return records_[leaf & ~leaf_mark].key; }
  // The leaf that `key` leads to: if any key in the tree shares a longest prefix with it, this one.
  Link nearest_leaf(const Id& key) const;
  Link first_leaf(Link below) const;
  Link take_node();

  const Records& records_;
  LazyArray<Node> nodes_;
  LazyArray<uint8_t> bits_;  // Of each node; beside it and not in it, to waste no padding.
  Link root_ = none;
  Link free_nodes_ = none;  // Linked by children[0].
  uint32_t nodes_touched_ = 0;
};

}  // namespace xord
