// RocksReader: the records of a stopped node as they lie on disk, for tools. The database is opened
// read-only: nothing is written, created or repaired, and its write-ahead log is read into memory.
// Rows that cannot be read are reported and skipped. Memory: the log (RocksConfig::log_bytes_max)
// and RocksDB's caches, whatever the number of records.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/io_error.h"
#include "storage/rocks/row_scan.h"

namespace xord {

// What a walk could not read: the number of two-byte ranges of row keys (row.h), and the cause for
// the last one.
struct UnreadableRows {
  uint32_t ranges = 0;
  std::string cause;
};

class RocksReader {
 public:
  // A directory without a database (a node that never got that far) has no networks. An error: a
  // newer format, or a database that cannot be opened at all.
  static std::variant<std::unique_ptr<RocksReader>, IoError> open(const std::string& directory);
  ~RocksReader();
  RocksReader(const RocksReader&) = delete;
  RocksReader& operator=(const RocksReader&) = delete;

  // The networks that have records, by NetworkIndex. The calls below may be asked about what the
  // node itself published in one only if has_published_list().
  const std::vector<std::string>& networks() const { return networks_; }
  bool has_published_list(NetworkIndex network) const {
    CHECK(network < published_.size());
    return published_[network] != nullptr;
  }

  UnreadableRows walk(StoreId store, RowRange range, const VisitRow& visit) const;
  // One row by its key, through the tables' indices and filters as a node finds it: its bytes,
  // nothing when it does not exist, or why it cannot be read.
  std::variant<std::string, std::nullopt_t, IoError> read(StoreId store,
                                                          const RowKey& row_key) const;

  uint64_t rows_estimate(StoreId store) const;  // RocksDB's own, for a progress bar.
  uint64_t table_bytes(StoreId store) const;
  // Bytes of the write-ahead log that could not be used, beyond a tail torn by a crash.
  uint64_t log_bytes_dropped() const { return log_bytes_dropped_; }

  // Visits every table file: visit(path, bytes, damage), where `damage` is empty when the checksums
  // of all its blocks match. Returning false ends the walk.
  using VisitTable = std::function<bool(const std::string& path, uint64_t bytes,
                                        const std::optional<std::string>& damage)>;
  void verify_tables(const VisitTable& visit) const;

 private:
  explicit RocksReader(std::string path) : path_(std::move(path)) {}
  std::optional<IoError> open_families();
  rocksdb::ColumnFamilyHandle* family_of(StoreId store) const {
    CHECK(database_ != nullptr && store.network < records_.size());
    rocksdb::ColumnFamilyHandle* family =
        (store.is_published() ? published_ : records_)[store.network];
    CHECK(family != nullptr);  // has_published_list()
    return family;
  }

  const std::string path_;  // Of db/.
  std::unique_ptr<rocksdb::DB> database_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;  // All that were opened.
  std::vector<std::string> networks_;
  std::vector<rocksdb::ColumnFamilyHandle*> records_;    // By network, like published_.
  std::vector<rocksdb::ColumnFamilyHandle*> published_;  // Null where there is no list.
  uint64_t log_bytes_dropped_ = 0;
};

}  // namespace xord
