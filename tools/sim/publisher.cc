#include "tools/sim/publisher.h"

#include <algorithm>

#include "tools/sim/draw.h"

namespace xord::sim {
namespace {

constexpr int at_once = 64;  // Of its operations: a quarter.
constexpr size_t sample_max = 1000;

}  // namespace

Publisher::Publisher(World& world, Operations& operations, Checkers& checkers, uint32_t host)
    : world_(world),
      operations_(operations),
      checkers_(checkers),
      host_(host),
      census_(world),
      rng_(world.rng("publisher")) {}

void Publisher::keep(uint64_t keys) {
  wanted_ = keys;
  for (int i = 0; i < at_once; ++i) keep_next();
}

void Publisher::keep_next() {
  if (keys_.size() >= wanted_) return;
  const Id key = random_id(rng_);
  keys_.push_back(key);
  keep_one(key);
}

void Publisher::keep_one(const Id& key) {
  std::vector<uint8_t> value = {0xc4, id_size};  // msgpack: bytes.
  value.insert(value.end(), key.bytes.begin(), key.bytes.end());
  checkers_.note_kept(host_, key, value);
  operations_.keep(host_, key, value, [this, key](const Outcome& outcome) {
    if (!outcome.is_done()) return world_.plan(seconds(1), [this, key] { keep_one(key); });
    ++since_.keys;
    const XordNode& node = *world_.host(host_).node;
    since_.published = node.count(NodeCounter::records_published);
    since_.region_lookups = node.count(NodeCounter::region_lookups);
    since_.regions_alone = node.count(NodeCounter::regions_alone);
    keep_next();
  });
}

bool Publisher::is_placed(const std::vector<uint32_t>& members, const Id& key) {
  // The publisher is not among those that its stores go to, but keeps a copy if it is near.
  const std::vector<uint32_t> nearest = census_.nearest(members, key, bucket_size);
  return std::all_of(nearest.begin(), nearest.end(), [&](uint32_t host) {
    return world_.host(host).actor->holds(world_.local_now(host), key);
  });
}

PublisherCounts Publisher::counts() {
  PublisherCounts counts = since_;
  const XordNode& node = *world_.host(host_).node;
  counts.published = node.count(NodeCounter::records_published) - since_.published;
  counts.region_lookups = node.count(NodeCounter::region_lookups) - since_.region_lookups;
  counts.regions_alone = node.count(NodeCounter::regions_alone) - since_.regions_alone;
  const std::vector<uint32_t> members = census_.members();
  for (; counts.sampled < std::min(sample_max, keys_.size()); ++counts.sampled) {
    counts.placed += is_placed(members, keys_[rng_.bounded(keys_.size())]);
  }
  return counts;
}

}  // namespace xord::sim
