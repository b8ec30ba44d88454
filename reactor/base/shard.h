// A shard: one core's thread with everything it owns. Its index is what messages, transactions and
// sockets name it by.
#pragma once

#include <cstdint>

namespace xord {

using ShardIndex = uint8_t;
// 64 shards are 4,096 mailboxes between them; an index fits the first byte of a transaction.
constexpr uint32_t shards_max = 64;

}  // namespace xord
