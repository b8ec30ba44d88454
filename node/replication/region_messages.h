// Messages about regions between the shards of one node (node/shard_message.h).
#pragma once

#include "node/counters.h"
#include "node/replication/region.h"
#include "node/shard_message.h"
#include "reactor/base/id.h"

namespace xord {

struct RegionWantedMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::region_wanted;
  ShardMessage message;
  LookupPurpose purpose{};  // republish or publish.
  Id key;
};

struct RegionMessage {
  static constexpr ShardMessageKind kind = ShardMessageKind::region;
  ShardMessage message;
  Region region;
};

}  // namespace xord
