// RocksStore: the node's one RocksDB, whatever the number of shards: column families, rows
// (docs/STORAGE.md) and the rules for opening, failing and reclaiming. Commit threads call it, and
// whoever makes a snapshot; it blocks as long as the disk does, and never runs on a shard.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "reactor/io_error.h"
#include "storage/durability.h"
#include "storage/operation.h"
#include "storage/rocks/row.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace xord {

struct RocksConfig {
  std::string directory;              // The data directory (storage/files/data_directory.h).
  std::vector<std::string> networks;  // Dialect names; the index is the NetworkIndex.
  NodeSeconds ttl = 7 * 86'400;       // Rows are reclaimed ttl/24 after their expiry.
  Durability durability = Durability::sync;
  uint64_t hash_seed = 0;  // StoreConfig::hash_seed, for value_fingerprint().
  ValueRules values{};     // What is against them is not loaded.
  // Of the write-ahead log and of unwritten tables: bounds memory, and the time that opening takes
  // (measured: 0.3 s for 16 MB, 1.5 s for 64).
  uint64_t log_bytes_max = 32 << 20;
  uint64_t block_bytes_max = 16 << 20;  // Of the cache of data blocks.
  uint32_t files_max = 512;             // Tables that are open at once.
  // What lies below RocksDB, borrowed; null: the host's. Tests put a failing disk there.
  rocksdb::Env* env = nullptr;
};

// What the one database counts, whatever the number of commit threads.
enum class DatabaseCount : uint8_t {
  bytes_logged,  // Written to disk since the start: the write-ahead log,...
  bytes_flushed,
  bytes_compacted,
  write_amplification_percent,  // ...and the sum of them, to the bytes of rows that were stored.
  rows_reclaimed,               // Expired ones that compactions left out.
  openings,
  records_expected,  // RocksDB's estimate when it was opened last: the end of loading.
  table_bytes,       // Gauges: on disk beside the log,...
  memory_bytes,      // ...and what RocksDB says it holds in memory.
  count
};
using DatabaseCounts = std::array<uint64_t, static_cast<size_t>(DatabaseCount::count)>;

// What happened, for the log: a message of a word or two, and what goes with it, name by name.
// Called from commit threads, by one at a time.
enum class ReportLevel : uint8_t { info, error };
struct ReportField {
  std::string_view name;
  std::variant<uint64_t, std::string> value;
};
using Report =
    std::function<void(ReportLevel, std::string_view message, const std::vector<ReportField>&)>;

class RocksStore {
 public:
  // Touches nothing. `report` outlives the store.
  RocksStore(const RocksConfig& config, Report report);
  // Syncs and closes. No commit thread runs any more.
  ~RocksStore();
  RocksStore(const RocksStore&) = delete;
  RocksStore& operator=(const RocksStore&) = delete;

  // Starts RocksDB's own threads, which opening the database does otherwise, and says so when the
  // host grants too few: RocksDB would end the process.
  [[nodiscard]] std::optional<IoError> start_threads();

  // The node time that reclaiming compares with: any thread, each second or so. Until it is called
  // nothing is reclaimed (nor while the clock is doubted: storage/files/clock_file.h).
  void set_reclaim_time(NodeSeconds now);

  // Any thread, each second or so: tells the log when a database that failed again and again has
  // held for a minute.
  void tell_if_settled();
  // Any thread. Never waits: while the database is being opened its gauges are those of before.
  DatabaseCounts counts() const;

  class Impl;  // Shared with CommitThread; storage/rocks/rocks_store_impl.h.
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace xord
