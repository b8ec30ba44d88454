// A shard: one core's thread with everything it owns. Messages, transactions and sockets name it by
// its index.
#pragma once

#include <cstdint>

namespace xord {

using ShardIndex = uint8_t;
// 64 shards need 4,096 mailboxes between them; an index fits the first byte of a transaction.
constexpr uint32_t shards_max = 64;
static_assert(shards_max <= UINT8_MAX + 1);

}  // namespace xord
