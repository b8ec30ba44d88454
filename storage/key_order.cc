#include "storage/key_order.h"

#include <algorithm>
#include <array>

namespace xord {

KeyOrder::KeyOrder(const Records& records)
    : records_(records),
      nodes_(records.size(), Filled::from_the_beginning),
      bits_(records.size(), Filled::from_the_beginning) {
  CHECK(records.size() < leaf_mark);
}

KeyOrder::Link KeyOrder::nearest_leaf(const Id& key) const {
  Link at = root_;
  while (!is_leaf(at)) at = nodes_[at].children[key.bit(bits_[at])];
  return at;
}

KeyOrder::Link KeyOrder::first_leaf(Link below) const {
  while (!is_leaf(below)) below = nodes_[below].children[0];
  return below;
}

KeyOrder::Link KeyOrder::take_node() {
  CHECK(free_nodes_ != none || nodes_touched_ < nodes_.size());
  if (free_nodes_ == none) return nodes_touched_++;
  const Link node = free_nodes_;
  free_nodes_ = nodes_[node].children[0];
  return node;
}

void KeyOrder::fetch_ahead(Bytes keys) const {
  DCHECK(keys.size() % id_size == 0);
  const size_t count = std::min(keys.size() / id_size, keys_ahead_max);
  if (root_ == none) return;
  std::array<Link, keys_ahead_max> at;
  at.fill(root_);
  for (size_t left = count; left > 0;) {
    left = 0;
    for (size_t i = 0; i < count; ++i) {
      if (is_leaf(at[i])) continue;
      const uint8_t bit = bits_[at[i]];
      const bool side = ((keys[i * id_size + bit / 8] >> (7 - bit % 8)) & 1) != 0;
      at[i] = nodes_[at[i]].children[side];
      if (is_leaf(at[i])) {
        __builtin_prefetch(&key_of(at[i]));
        continue;
      }
      __builtin_prefetch(&nodes_[at[i]], 1);
      __builtin_prefetch(&bits_[at[i]]);
      ++left;
    }
  }
}

void KeyOrder::insert(RecordHandle record) {
  const Link leaf = record | leaf_mark;
  if (root_ == none) {
    root_ = leaf;
    return;
  }
  const Id& key = records_[record].key;
  const uint32_t bit = shared_prefix(key, key_of(nearest_leaf(key)));
  CHECK(bit < id_bits);
  Link* at = &root_;
  while (!is_leaf(*at) && bits_[*at] < bit) at = &nodes_[*at].children[key.bit(bits_[*at])];
  const Link node = take_node();
  bits_[node] = static_cast<uint8_t>(bit);
  nodes_[node].children[key.bit(bit)] = leaf;
  nodes_[node].children[!key.bit(bit)] = *at;
  *at = node;
}

void KeyOrder::erase(RecordHandle record) {
  const Id& key = records_[record].key;
  Link* at = &root_;
  Link* above = nullptr;
  while (!is_leaf(*at)) {
    above = at;
    at = &nodes_[*at].children[key.bit(bits_[*at])];
  }
  CHECK(*at == (record | leaf_mark));
  if (above == nullptr) {
    root_ = none;
    return;
  }
  const Link node = *above;
  *above = nodes_[node].children[!key.bit(bits_[node])];
  nodes_[node].children[0] = free_nodes_;
  free_nodes_ = node;
}

RecordHandle KeyOrder::first_from(const Id& key) const {
  if (root_ == none) return no_record;
  const Link nearest = nearest_leaf(key);
  const uint32_t bit = shared_prefix(key, key_of(nearest));
  if (bit == id_bits) return nearest & ~leaf_mark;
  // Every key below the place where `key` would branch off is on one side of it.
  Link at = root_;
  Link behind = none;  // The nearest subtree whose keys are all after the path.
  while (!is_leaf(at) && bits_[at] < bit) {
    const bool side = key.bit(bits_[at]);
    if (!side) behind = nodes_[at].children[1];
    at = nodes_[at].children[side];
  }
  const Link from = key.bit(bit) ? behind : at;
  if (from == none) return no_record;
  const Link first = first_leaf(from);
  DCHECK(key_of(first) > key);
  return first & ~leaf_mark;
}

// The keys below a node agree in all bits before the one it names, so that bit decides which of
// them are farther.
size_t KeyOrder::farthest_from(const Id& id, std::span<RecordHandle> out) const {
  if (root_ == none) return 0;
  std::array<Link, id_bits + 1> waiting;  // At most one a level, and the deepest is next.
  size_t count = 0;
  size_t depth = 0;
  waiting[depth++] = root_;
  while (depth > 0 && count < out.size()) {
    Link at = waiting[--depth];
    while (!is_leaf(at)) {
      const bool far_side = !id.bit(bits_[at]);
      CHECK(depth < waiting.size());
      waiting[depth++] = nodes_[at].children[!far_side];
      at = nodes_[at].children[far_side];
    }
    out[count++] = at & ~leaf_mark;
  }
  return count;
}

// No deeper than a key has bits: a node below another names a later one.
uint32_t KeyOrder::check_below(Link at, int above) const {
  if (is_leaf(at)) return 1;
  CHECK(at < nodes_touched_ && bits_[at] > above);
  const Link* children = nodes_[at].children;
  const Id& left = key_of(first_leaf(children[0]));
  const Id& right = key_of(first_leaf(children[1]));
  CHECK(shared_prefix(left, right) == bits_[at] && left < right);
  return check_below(children[0], bits_[at]) + check_below(children[1], bits_[at]);
}

void KeyOrder::check_invariants(uint32_t records) const {
  CHECK((root_ == none) == (records == 0));
  if (root_ == none) return;
  CHECK(check_below(root_, -1) == records);
  uint32_t free = 0;
  for (Link at = free_nodes_; at != none; at = nodes_[at].children[0]) {
    CHECK(free < nodes_touched_);
    ++free;
  }
  CHECK(nodes_touched_ - free == records - 1);  // A node for each leaf but one.
}

}  // namespace xord
