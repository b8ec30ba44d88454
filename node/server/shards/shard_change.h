// What a reload changes on one shard. The admin thread makes it, with all that needs memory, and
// sends its address (CommandKind::change). The shard swaps it in between two datagrams and says so;
// from then on it holds what was there before, for the admin thread to free.
#pragma once

#include <atomic>
#include <vector>

#include "node/node_change.h"
#include "storage/store_config.h"

namespace xord {

struct ShardChange {
  struct OfNetwork {
    NodeChange node;
    StoreLimits store;  // Of the records that other nodes store here.
  };
  std::vector<OfNetwork> networks;  // By NetworkIndex.
  // Set by the shard once it has swapped, with release; read by the admin thread with acquire.
  std::atomic<bool> is_taken{false};
};

}  // namespace xord
