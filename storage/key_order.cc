#include "storage/key_order.h"

namespace xord {

KeyOrder::KeyOrder(const Records& records)
    : records_(records), nodes_(records.size()), bits_(records.size()) {
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
  if (free_nodes_ == none) return nodes_touched_++;
  const Link node = free_nodes_;
  free_nodes_ = nodes_[node].children[0];
  return node;
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
  Link behind = none;  // The nearest subtree whose keys are all behind the path.
  while (!is_leaf(at) && bits_[at] < bit) {
    const bool side = key.bit(bits_[at]);
    if (!side) behind = nodes_[at].children[1];
    at = nodes_[at].children[side];
  }
  const Link from = key.bit(bit) ? behind : at;
  return from == none ? no_record : first_leaf(from) & ~leaf_mark;
}

}  // namespace xord
