// RocksStore: the node's one RocksDB, whatever the number of shards: column families, rows
// (docs/STORAGE.md) and the rules for opening, failing and reclaiming. Only commit threads call it;
// it blocks as long as the disk does, and never runs on a shard.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reactor/io_error.h"
#include "storage/durability.h"
#include "storage/operation.h"

namespace xord {

struct RocksConfig {
  std::string directory;              // The data directory (storage/files/data_directory.h).
  std::vector<std::string> networks;  // Dialect names; the index is the NetworkIndex.
  NodeSeconds ttl = 7 * 86'400;       // Rows are reclaimed ttl/24 after their expiry.
  Durability durability = Durability::sync;
  uint64_t hash_seed = 0;  // StoreConfig::hash_seed, for value_fingerprint().
  // Of the write-ahead log and of unwritten tables: bounds memory, and the time that opening takes
  // (measured: 0.3 s for 16 MB, 1.5 s for 64).
  uint64_t log_bytes_max = 32 << 20;
};

// What happened, for the log: one sentence. Called from commit threads, by one at a time.
enum class ReportLevel : uint8_t { info, warning, error };
using Report = std::function<void(ReportLevel, const std::string&)>;

class RocksStore {
 public:
  // Touches nothing. `report` outlives the store.
  RocksStore(const RocksConfig& config, Report report);
  // Syncs and closes. No commit thread runs any more.
  ~RocksStore();
  RocksStore(const RocksStore&) = delete;
  RocksStore& operator=(const RocksStore&) = delete;

  // The node time that reclaiming compares with: any thread, each second or so. Until it is called
  // nothing is reclaimed (nor while the clock is doubted: storage/files/clock_file.h).
  void set_reclaim_time(NodeSeconds now);

  class Impl;  // Shared with CommitThread; storage/rocks/rocks_store_impl.h.
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace xord
