// RocksDatabase: what it reports to the log and the counters.
#include "reactor/monotonic.h"
#include "storage/rocks/rocks_database.h"

namespace xord {

void RocksDatabase::tell_if_settled() {
  if (!is_flapping_.load(std::memory_order_relaxed) || !is_writable()) return;
  const MonotonicTime opened_at{opened_at_.load(std::memory_order_relaxed)};
  if (monotonic_time() < opened_at + settled_after ||
      !is_flapping_.exchange(false, std::memory_order_relaxed))
    return;
  report(ReportLevel::info, takes_writes);
}

void RocksDatabase::begin_unreadable(const std::string& cause) {
  if (unreadable_threads_.fetch_add(1, std::memory_order_relaxed) > 0 || cause.empty()) return;
  report(
      ReportLevel::error, "records unreadable",
      {{"error", cause},
       {"hint",
        "requests for a record that cannot be read are not answered, a damaged record counts as "
        "absent; everything else is served, and reading is retried; replace the disk, or restore a "
        "backup"}});
}

void RocksDatabase::end_unreadable() {
  const uint32_t before = unreadable_threads_.fetch_sub(1, std::memory_order_relaxed);
  CHECK(before > 0);
  if (before > 1) return;
  report(ReportLevel::info, "records readable again");
}

uint64_t RocksDatabase::sum_of(const std::string& property) const {
  CHECK(database_ != nullptr);
  uint64_t sum = 0;
  for (rocksdb::ColumnFamilyHandle* family : records_) {
    uint64_t one = 0;
    if (database_->GetIntProperty(family, property, &one)) sum += one;
  }
  return sum;
}

void RocksDatabase::read_gauges() {
  table_bytes_.store(sum_of("rocksdb.total-sst-files-size"), std::memory_order_relaxed);
  memory_bytes_.store(sum_of("rocksdb.cur-size-all-mem-tables") +
                          sum_of("rocksdb.estimate-table-readers-mem") + blocks_->GetUsage(),
                      std::memory_order_relaxed);
}

DatabaseCounts RocksDatabase::counts() {
  {
    const std::shared_lock lock(mutex_, std::try_to_lock);
    if (lock.owns_lock() && database_ != nullptr) read_gauges();
  }
  DatabaseCounts counts{};
  const auto count = [&](DatabaseCount which) -> uint64_t& {
    return counts[static_cast<size_t>(which)];
  };
  count(DatabaseCount::bytes_logged) = statistics_->getTickerCount(rocksdb::WAL_FILE_BYTES);
  count(DatabaseCount::bytes_flushed) = statistics_->getTickerCount(rocksdb::FLUSH_WRITE_BYTES);
  count(DatabaseCount::bytes_compacted) = statistics_->getTickerCount(rocksdb::COMPACT_WRITE_BYTES);
  const uint64_t written = count(DatabaseCount::bytes_logged) +
                           count(DatabaseCount::bytes_flushed) +
                           count(DatabaseCount::bytes_compacted);
  const uint64_t stored = bytes_stored_.load(std::memory_order_relaxed);
  count(DatabaseCount::write_amplification_percent) = stored > 0 ? written * 100 / stored : 0;
  count(DatabaseCount::rows_reclaimed) = expired_rows_.reclaimed();
  count(DatabaseCount::openings) = generation();
  count(DatabaseCount::records_expected) = records_expected_.load(std::memory_order_relaxed);
  count(DatabaseCount::table_bytes) = table_bytes_.load(std::memory_order_relaxed);
  count(DatabaseCount::memory_bytes) = memory_bytes_.load(std::memory_order_relaxed);
  return counts;
}

}  // namespace xord
