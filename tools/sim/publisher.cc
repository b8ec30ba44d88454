#include "tools/sim/publisher.h"

#include <algorithm>

#include "reactor/base/check.h"
#include "tools/sim/draw.h"

namespace xord::sim {
namespace {

constexpr size_t sample_max = 1000;

}  // namespace

Publisher::Publisher(World& world, Checkers& checkers, uint32_t host)
    : world_(world),
      checkers_(checkers),
      host_(host),
      census_(world),
      rng_(world.rng("publisher")) {}

void Publisher::list(uint32_t keys, Instant from) {
  Host& host = world_.host(host_);
  CHECK(!host.is_up() && host.disk != nullptr);
  CHECK(keys <= world_.config_of(host_).published_max);
  const auto after =
      static_cast<NodeSeconds>(world_.config_of(host_).publish_after.whole_seconds());
  const NodeSeconds begin = node_seconds(host.clock.local(from));
  CHECK(begin >= after);
  const NodeSeconds first = begin - after;
  for (uint32_t i = 0; i < keys; ++i) {
    const Id& key = keys_.emplace_back(random_id(rng_));
    std::vector<uint8_t> value = {0xc4, id_size};  // msgpack: bytes.
    value.insert(value.end(), key.bytes.begin(), key.bytes.end());
    const auto at = static_cast<NodeSeconds>(first + uint64_t{after} * i / keys);
    host.disk->list_published(world_.config_of(host_).node.network, key, {at, at, at, at + ttl_max},
                              value);
    checkers_.note_kept(host_, key, value);
  }
}

bool Publisher::is_placed(const std::vector<uint32_t>& members, const Id& key) {
  // The publisher's stores do not go to itself, but it keeps a copy if it is near.
  const std::vector<uint32_t> nearest = census_.nearest(members, key, bucket_size);
  return std::all_of(nearest.begin(), nearest.end(), [&](uint32_t host) {
    return world_.host(host).actor->holds(world_.local_now(host), key);
  });
}

PublisherCounts Publisher::counts() {
  PublisherCounts counts;
  counts.keys = keys_.size();
  if (const XordNode* node = world_.host(host_).node) {
    counts.published = node->count(NodeCounter::records_published);
    counts.region_lookups = node->count(NodeCounter::region_lookups);
    counts.regions_alone = node->count(NodeCounter::regions_alone);
  }
  const std::vector<uint32_t> members = census_.members();
  for (; counts.sampled < std::min(sample_max, keys_.size()); ++counts.sampled) {
    counts.placed += is_placed(members, keys_[rng_.bounded(keys_.size())]);
  }
  return counts;
}

}  // namespace xord::sim
