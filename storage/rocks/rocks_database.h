// The database itself, for those who read and write rows: the commit threads of a node (through
// RocksStore, which hides RocksDB's headers from everybody else), and commands on a stopped node.
// One handle shared by all, behind a lock that is exclusive only while it is opened or closed.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/statistics.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "reactor/base/check.h"
#include "storage/rocks/expired_rows.h"
#include "storage/rocks/rocks_store.h"
#include "storage/rocks/row_scan.h"

namespace xord {

// A database that was opened again and took writes for this long is healthy.
constexpr Duration settled_after = minutes(1);
constexpr char takes_writes[] = "stores accepted again";

class RowLog;  // RocksDB's messages, watched for what recovery dropped.

class RocksDatabase {
 public:
  // Touches nothing. `report` outlives the database.
  RocksDatabase(const RocksConfig& config, Report report);
  ~RocksDatabase();  // Syncs and closes.

  const RocksConfig& config() const { return config_; }
  rocksdb::Env& env() const;
  void report(ReportLevel level, std::string_view message, std::vector<ReportField> fields = {});
  ExpiredRows& expired_rows() { return expired_rows_; }

  // Opens the database if it is not open and writable. A caller knows which opening it works with
  // by a number that each success raises; 0: never opened. Blocks while another thread opens. Logs
  // the first failure at start, and its end.
  std::optional<IoError> open(uint64_t seen_generation);
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  bool is_writable() const { return writable_.load(std::memory_order_acquire); }
  bool is_open();  // At least for reading.

  void set_storage_max(uint64_t bytes);
  void tell_if_settled();
  DatabaseCounts counts();
  // Bytes of rows, as the caller counts them: the base of write amplification.
  void count_stored(uint64_t bytes) { bytes_stored_.fetch_add(bytes, std::memory_order_relaxed); }

  // A commit thread cannot read some of its rows, or can again. The first begin and the last end
  // are logged; a begin without a cause is not, because the caller has logged what it lost.
  void begin_unreadable(const std::string& cause);
  void end_unreadable();

  // One row to be changed; an empty row erases.
  struct Change {
    StoreId store;
    RowKey key{};
    std::optional<std::string> row;
  };
  // Whether the tables leave room for new values (tables_max). If not, compactions are asked for
  // that push erasures down to what they erase. Cheap: looks every 20 ms.
  bool has_room();
  // Writes all or none, as durable as configured once it returns success. An error ends the
  // handle's writes: is_writable() is false until open() succeeds again. The log may hold the
  // failed batch all the same, and opening then revives it. So `undo` gets the rows as they were
  // before, to be written first thing after opening, without an undo of their own (null), followed
  // by end_undo().
  rocksdb::Status write(std::span<const Change> changes, std::vector<Change>* undo);
  void end_undo() { CHECK(undos_left_.fetch_sub(1, std::memory_order_release) > 0); }
  // On success, everything written before is on disk.
  rocksdb::Status sync();

  struct RowName {
    StoreId store;
    RowKey key{};
  };
  // One status and one row for each name, in the same order.
  void read(std::span<const RowName> names, std::vector<rocksdb::Status>& statuses,
            std::vector<std::string>& rows);

  // scan_rows() of a store's records.
  rocksdb::Status scan(StoreId store, RowRange& range, const VisitRow& visit);
  // Compacts all records, which drops expired rows and returns their disk space.
  rocksdb::Status compact();
  // Makes the directory `path` a database of its own, equal to this one now: it holds everything
  // written before, and nothing that was refused. Its tables are shared with this one by hard links
  // where possible. Any thread; reads and writes continue meanwhile, opening waits for it.
  std::optional<IoError> checkpoint(const std::string& path);

 private:
  std::optional<IoError> check_format();
  std::optional<IoError> open_locked();
  std::optional<IoError> check_meta();
  std::optional<IoError> probe_disk() const;
  void read_gauges();
  uint64_t sum_of(const std::string& property) const;  // Over the records of all networks.
  void close_locked();
  rocksdb::ColumnFamilyHandle* family_of(StoreId store) const {
    CHECK(store.network < records_.size() && published_.size() == records_.size());
    return (store.is_published() ? published_ : records_)[store.network];
  }
  rocksdb::Options options();
  rocksdb::ColumnFamilyOptions records_options();
  std::string database_path() const { return config_.directory + "/db"; }
  void fail_writes(const rocksdb::Status& status);
  void push_erasures_down();

  const RocksConfig config_;
  Report report_;
  std::mutex report_mutex_;
  ExpiredRows expired_rows_;  // Outlives the handle.
  std::shared_ptr<RowLog> log_;

  std::mutex opening_mutex_;       // One thread at a time tries to open; taken before mutex_.
  bool has_failed_first_ = false;  // Guarded by opening_mutex_: the first opening failed.
  std::shared_mutex mutex_;        // Guards the handle and the families.
  std::unique_ptr<rocksdb::DB> database_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;  // All families, to be closed.
  std::vector<rocksdb::ColumnFamilyHandle*> records_;   // By network, like published_.
  std::vector<rocksdb::ColumnFamilyHandle*> published_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;
  std::atomic<uint64_t> generation_{0};
  std::atomic<bool> writable_{false};
  // A database that fails soon after each opening is logged once, not each time.
  std::atomic<int64_t> opened_at_{0};  // Monotonic nanoseconds.
  std::atomic<bool> is_flapping_{false};
  std::atomic<uint32_t> unreadable_threads_{0};
  // Of has_room(). Monotonic nanoseconds: when to look next, and when to ask again.
  std::atomic<uint64_t> storage_max_{config_.storage_max};
  std::atomic<bool> has_room_{true};
  std::atomic<int64_t> next_look_{0};
  std::atomic<int64_t> next_push_{0};
  std::atomic<uint32_t> undos_left_{0};  // Commit threads that have rows to write back.

  const std::shared_ptr<rocksdb::Statistics> statistics_;  // Over all openings.
  const std::shared_ptr<rocksdb::Cache> blocks_;
  std::atomic<uint64_t> bytes_stored_{0};
  std::atomic<uint64_t> records_expected_{0};
  std::atomic<uint64_t> table_bytes_{0};
  std::atomic<uint64_t> memory_bytes_{0};
};

}  // namespace xord
