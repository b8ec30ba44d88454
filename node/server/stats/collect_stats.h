// Gathers what a running server counts, from the parts that count it. Any thread may: no part waits
// for it.
#pragma once

#include "node/server/calls/call_counters.h"
#include "node/server/http/http_counters.h"
#include "node/server/shards/shards.h"
#include "node/server/stats/server_stats.h"
#include "reactor/base/id.h"
#include "storage/rocks/rocks_store.h"

namespace xord {

StorageState storage_state(const Shards& shards);
// Reads all counters of running shards.
ServerStats collect_stats(const Shards& shards, const RocksStore& database,
                          const HttpCounters& http, const Id& id);
void add_calls(const CallCounters& calls, ServerStats* stats);

}  // namespace xord
