#include "node/server/admin/limited_prefixes.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace xord {
namespace {

static_assert(shards_max <= 64 && limited_prefixes_max >= 8 * shards_max);
uint64_t bit_of(ShardIndex shard) {
  CHECK(shard < shards_max);
  return uint64_t{1} << shard;
}

bool is_within(const Subnet& inner, const Subnet& outer) {
  return inner.prefix_bits >= outer.prefix_bits && outer.contains(inner.address);
}

}  // namespace

bool LimitedPrefixes::began(ShardIndex shard, const Subnet& prefix) {
  const uint64_t bit = bit_of(shard);
  bool is_news = true;
  bool is_kept = false;
  for (Limited& each : limited_) {
    if (each.prefix == prefix) {
      // A shard that limits it already did not say that it ended: the report found no room.
      is_news = (each.shards & ~bit) == 0;
      each.shards |= bit;
      is_kept = true;
    } else if (is_within(prefix, each.prefix)) {
      is_news = false;
    } else if (is_within(each.prefix, prefix)) {
      each.shards &= ~bit;
    }
  }
  std::erase_if(limited_, [](const Limited& each) { return each.shards == 0; });
  if (!is_kept && limited_.size() < limited_prefixes_max) limited_.push_back({prefix, bit, {}});
  DCHECK(limited_.size() <= limited_prefixes_max);
  return is_news;
}

std::optional<LimitedPrefixes::Ended> LimitedPrefixes::ended(ShardIndex shard, const Subnet& prefix,
                                                             uint64_t refused, Duration lasted) {
  const auto at = std::find_if(limited_.begin(), limited_.end(),
                               [&](const Limited& each) { return each.prefix == prefix; });
  if (at == limited_.end()) return std::nullopt;
  CHECK(at->shards != 0);
  at->shards &= ~bit_of(shard);
  at->ended.refused += refused;
  at->ended.lasted = std::max(at->ended.lasted, lasted);
  if (at->shards != 0) return std::nullopt;
  const Ended ended = at->ended;
  limited_.erase(at);
  return ended;
}

}  // namespace xord
