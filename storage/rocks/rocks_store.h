// RocksStore: the node's one RocksDB, whatever the number of shards: column families, rows
// (docs/STORAGE.md) and the rules for opening, failing and reclaiming. Called by commit threads and
// by snapshots; it blocks as long as the disk does, and never runs on a shard.
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

#include "reactor/base/counters.h"
#include "reactor/io_error.h"
#include "storage/durability.h"
#include "storage/operation.h"
#include "storage/rocks/row.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace xord {

class RocksDatabase;  // storage/rocks/rocks_database.h

struct RocksConfig {
  std::string directory;              // The data directory (storage/files/data_directory.h).
  std::vector<std::string> networks;  // Dialect names; the index is the NetworkIndex.
  NodeSeconds ttl = 7 * 86'400;       // Rows are reclaimed ttl/24 after their expiry.
  Durability durability = Durability::sync;
  uint64_t hash_seed = 0;  // StoreConfig::hash_seed, for value_fingerprint().
  ValueRules values{};     // Rows that break them are not loaded.
  // Size of the write-ahead log and of unwritten tables: bounds memory, and the time that opening
  // takes (measured: 0.3 s for 16 MB, 1.5 s for 64).
  uint64_t log_bytes_max = 32 << 20;
  // The tables of all records may take a fifth more than this, and twice the log (tables_max).
  // While they take more, new values are refused. 0: no limit. The stores' bytes_max together, at
  // least. RocksStore::set_storage_max() changes it.
  uint64_t storage_max = 0;
  uint64_t block_bytes_max = 16 << 20;  // Size of the cache of data blocks.
  uint32_t files_max = 512;             // Maximum number of open tables.
  // What lies below RocksDB, borrowed; null: the host's. Tests put a failing disk there.
  rocksdb::Env* env = nullptr;
};

// The size of tables beyond which no value is taken: what is live, a fifth for what is dead and not
// yet compacted, and eight flushed write buffers of log_bytes_max / 4.
inline uint64_t tables_max(uint64_t storage_max, uint64_t log_bytes_max) {
  return storage_max + storage_max / 5 + 2 * log_bytes_max;
}

// Counters of the one database, whatever the number of commit threads.
#define XORD_DATABASE_COUNTS(X)                                                                 \
  X(bytes_logged, counter, "Bytes written to the write-ahead log.")                             \
  X(bytes_flushed, counter, "Bytes written by flushes.")                                        \
  X(bytes_compacted, counter, "Bytes written by compactions.")                                  \
  X(write_amplification_percent, gauge,                                                         \
    "The sum of the three, relative to the bytes of rows stored.")                              \
  X(rows_reclaimed, counter, "Expired rows that compactions left out.")                         \
  X(openings, counter, "Times that the database was opened.")                                   \
  X(records_expected, gauge, "RocksDB's estimate when it was last opened: the end of loading.") \
  X(table_bytes, gauge, "Bytes of tables on disk, without the log.")                            \
  X(memory_bytes, gauge, "Bytes that RocksDB says it holds in memory.")

enum class DatabaseCount : uint8_t { XORD_DATABASE_COUNTS(XORD_COUNT_ENUMERATOR) count };

// In the order of the enum.
inline std::span<const CountInfo> info_of(DatabaseCount) {
  static constexpr CountInfo infos[] = {XORD_DATABASE_COUNTS(XORD_COUNT_INFO)};
  return infos;
}
using DatabaseCounts = std::array<uint64_t, static_cast<size_t>(DatabaseCount::count)>;

// An event for the log: a message of a word or two, and its fields by name. Called from commit
// threads, one at a time.
enum class ReportLevel : uint8_t { info, warning, error };
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
  // Syncs and closes. All commit threads must have stopped.
  ~RocksStore();
  RocksStore(const RocksStore&) = delete;
  RocksStore& operator=(const RocksStore&) = delete;

  // Starts RocksDB's own threads, which opening the database would otherwise do. An error when the
  // host grants too few: RocksDB itself would end the process.
  [[nodiscard]] std::optional<IoError> start_threads();

  // Sets the node time that reclaiming compares with: any thread, each second or so. Nothing is
  // reclaimed until it is called (nor while the clock is doubted: storage/files/clock_file.h).
  void set_reclaim_time(NodeSeconds now);

  // Another RocksConfig::storage_max from now on: any thread. The log keeps its size.
  void set_storage_max(uint64_t bytes);

  // Any thread, each second or so: logs when a repeatedly failing database has worked for a
  // minute.
  void tell_if_settled();
  // Any thread. Never blocks: while the database is being opened, the gauges keep their last
  // values.
  DatabaseCounts counts() const;

  // RocksDatabase::checkpoint(): makes the directory `path` a database equal to this one now.
  std::optional<IoError> checkpoint(const std::string& path);

  RocksDatabase& database() { return *database_; }  // For commit threads.

 private:
  std::unique_ptr<RocksDatabase> database_;
};

}  // namespace xord
