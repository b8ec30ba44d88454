#include "storage/rocks/rocks_database.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/experimental.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "reactor/monotonic.h"
#include "storage/files/small_file.h"
#include "storage/rocks/rocks_format.h"
#include "storage/rocks/rocks_threads.h"
#include "storage/rocks/row_log.h"

namespace xord {
namespace {

constexpr char format_key[] = "format";  // In family `meta`.
// How often the size of the tables is looked at, and compactions are asked for while it is too
// large.
constexpr Duration look_interval = milliseconds(20);
constexpr Duration push_interval = seconds(1);
// A table of which so many rows are erasures is compacted soon: what they erase is larger.
constexpr double erasures_share = 0.2;

}  // namespace

RocksDatabase::RocksDatabase(const RocksConfig& config, Report report)
    : config_(config),
      report_(std::move(report)),
      expired_rows_(config.ttl),
      statistics_(rocksdb::CreateDBStatistics()),
      blocks_(rocksdb::NewLRUCache(config.block_bytes_max)) {
  CHECK(config_.networks.size() <= UINT8_MAX + 1);  // A NetworkIndex is a byte.
  CHECK(config_.log_bytes_max > 0 && config_.storage_max <= UINT64_MAX / 2);
  CHECK(!config_.directory.empty() && config_.files_max <= INT32_MAX);
  statistics_->set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers);
}

RocksDatabase::~RocksDatabase() {
  close_locked();
}

void RocksDatabase::report(ReportLevel level, std::string_view message,
                           std::vector<ReportField> fields) {
  fields.insert(fields.begin(), {"path", database_path()});
  const std::lock_guard lock(report_mutex_);
  if (report_) report_(level, message, fields);
}

rocksdb::ColumnFamilyOptions RocksDatabase::records_options() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = blocks_;
  // Indices and filters stay in memory, 2 to 3 bytes a record: in a cache of this size they would
  // evict each other, and a cold read would have to read them first.
  table.cache_index_and_filter_blocks = false;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = std::max<uint64_t>(config_.log_bytes_max / 4, 1 << 20);
  family.max_write_buffer_number = 3;
  family.level_compaction_dynamic_level_bytes = true;
  // Only keys that the index knows are looked up: the last level needs no filter.
  family.optimize_filters_for_hits = true;
  family.compaction_filter = &expired_rows_;
  family.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(0, 0, erasures_share));
  const auto known = rocksdb::GetSupportedCompressions();
  const bool has_lz4 =
      std::find(known.begin(), known.end(), rocksdb::kLZ4Compression) != known.end();
  family.compression = has_lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  // A row that is never overwritten must still meet the compaction filter some day. RocksDB
  // schedules that by the system clock; whether the row is dropped is decided by node time.
  family.periodic_compaction_seconds = std::max<uint64_t>(config_.ttl, 86'400);
  return family;
}

rocksdb::Options RocksDatabase::options() {
  rocksdb::Options options;
  options.env = &env();
  options.statistics = statistics_;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.max_total_wal_size = config_.log_bytes_max;
  options.db_write_buffer_size = config_.log_bytes_max;
  options.max_open_files = static_cast<int>(config_.files_max);
  // One: the others would be started and ended during the opening, and crash the process where none
  // is granted.
  options.max_file_opening_threads = 1;
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1 << 20;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.info_log = log_;
  return options;
}

// The file is written before RocksDB creates anything, so a database without it is not ours.
std::optional<IoError> RocksDatabase::check_format() {
  auto format = read_format(config_.directory);
  if (auto* error = std::get_if<IoError>(&format)) return *error;
  if (std::get<std::optional<uint32_t>>(format)) return std::nullopt;
  uint8_t payload[4];
  store_le(payload, disk_format);
  return write_small_file(config_.directory + "/format", FileKind::format, 1, payload);
}

std::optional<IoError> RocksDatabase::open(uint64_t seen_generation) {
  // Not under the handle's lock: a thread that opened it first may already be loading under it.
  const std::lock_guard opening(opening_mutex_);
  CHECK(seen_generation <= generation());
  if (generation() != seen_generation && is_writable()) return std::nullopt;
  const std::unique_lock lock(mutex_);
  const bool is_first = generation() == 0;
  std::optional<IoError> error = check_format();
  // The old handle can still read; it is given up only for a disk that takes writes again.
  if (!error && !is_first) error = probe_disk();
  if (!error) {
    close_locked();
    error = open_locked();
    if (error) close_locked();
  }
  if (error) {
    const bool is_told = !is_first || std::exchange(has_failed_first_, true);
    if (!is_told) report(ReportLevel::error, "database not opened", {{"error", error->sentence}});
    return error;
  }
  CHECK(database_ != nullptr && records_.size() == config_.networks.size());
  opened_at_.store(monotonic_time().nanoseconds, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  writable_.store(true, std::memory_order_release);
  const bool is_again =
      is_first ? has_failed_first_ : !is_flapping_.load(std::memory_order_relaxed);
  if (is_again) report(ReportLevel::info, takes_writes);
  return std::nullopt;
}

bool RocksDatabase::is_open() {
  const std::shared_lock lock(mutex_);
  return database_ != nullptr;
}

rocksdb::Env& RocksDatabase::env() const {
  return config_.env != nullptr ? *config_.env : *rocksdb::Env::Default();
}

std::optional<IoError> RocksDatabase::open_locked() {
  CHECK(database_ == nullptr && families_.empty() && records_.empty() && published_.empty());
  if (auto error = start_rocks_threads(env())) return error;
  log_ = std::make_shared<RowLog>();
  const rocksdb::Options all = options();
  std::vector<std::string> names;
  // Fails where no database exists yet.
  if (!rocksdb::DB::ListColumnFamilies(all, database_path(), &names).ok()) names.clear();
  // Networks that are no longer configured keep their records.
  std::vector<std::string> wanted{rocksdb::kDefaultColumnFamilyName, "meta"};
  for (const std::string& network : config_.networks) {
    wanted.push_back(records_family(network));
    wanted.push_back(published_family(network));
  }
  for (const std::string& name : wanted) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) {
    const bool is_records = name.starts_with(records_prefix);
    descriptors.emplace_back(name, is_records ? records_options() : rocksdb::ColumnFamilyOptions());
  }
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(all, database_path(), descriptors, &families_, &opened);
  if (!status.ok()) {
    families_.clear();
    return IoError{"the database " + database_path() + " cannot be opened (" + status.ToString() +
                       "): stores are refused until it can; free disk space, or give the directory "
                       "back to this user, or put a backup in its place",
                   0};
  }
  database_.reset(opened);
  CHECK(database_ != nullptr && families_.size() == names.size());
  const auto family = [&](const std::string& name) {
    return families_[static_cast<size_t>(std::find(names.begin(), names.end(), name) -
                                         names.begin())];
  };
  meta_ = family("meta");
  for (const std::string& network : config_.networks) {
    records_.push_back(family(records_family(network)));
    published_.push_back(family(published_family(network)));
  }
  read_gauges();
  records_expected_.store(sum_of("rocksdb.estimate-num-keys"), std::memory_order_relaxed);
  const uint64_t dropped = log_->take_bytes_dropped();
  if (dropped > 0) {
    report(ReportLevel::error, "write-ahead log damaged",
           {{"bytes_dropped", dropped}, {"hint", "every store after them is lost"}});
  }
  const uint64_t torn = log_->take_bytes_torn();
  if (torn > 0) {
    report(ReportLevel::info, "write-ahead log torn",
           {{"bytes", torn},
            {"hint", "it ended in the middle of a batch of stores, which is left out"}});
  }
  return check_meta();
}

std::optional<IoError> RocksDatabase::check_meta() {
  CHECK(meta_ != nullptr);
  std::string payload;
  const rocksdb::Status status =
      database_->Get(rocksdb::ReadOptions(), meta_, format_key, &payload);
  if (status.ok()) {
    const uint32_t format = format_in(bytes_of(payload));
    if (format != disk_format) return format_refusal(database_path(), format);
    return std::nullopt;
  }
  if (!status.IsNotFound()) {
    return IoError{"the database " + database_path() + " cannot be read (" + status.ToString() +
                       "): put a backup in its place",
                   0};
  }
  uint8_t bytes[4];
  store_le(bytes, disk_format);
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status written =
      database_->Put(options, meta_, format_key, slice_of(Bytes(bytes)));
  // RocksDB syncs what is in its directory, but not the name of that directory.
  if (written.ok()) return sync_directory(config_.directory);
  return IoError{"the database " + database_path() + " cannot be written (" + written.ToString() +
                     "): free disk space, or give the directory back to this user",
                 0};
}

// Whether the disk takes and syncs a write: tried with a file next to the database.
std::optional<IoError> RocksDatabase::probe_disk() const {
  const std::string path = config_.directory + "/probe";
  env().DeleteFile(path).PermitUncheckedError();  // RocksDB would follow a link.
  const rocksdb::Status written =
      rocksdb::WriteStringToFile(&env(), std::string(64 << 10, 'x'), path, true);
  env().DeleteFile(path).PermitUncheckedError();
  if (written.ok()) return std::nullopt;
  return IoError{"cannot write " + path + " (" + written.ToString() + ")", 0};
}

void RocksDatabase::close_locked() {
  const bool was_writable = writable_.exchange(false, std::memory_order_acq_rel);
  CHECK(database_ != nullptr || (families_.empty() && !was_writable));
  if (database_ == nullptr) return;
  if (was_writable) database_->SyncWAL().PermitUncheckedError();
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    database_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
  families_.clear();
  records_.clear();
  published_.clear();
  meta_ = nullptr;
  database_->Close().PermitUncheckedError();
  database_.reset();
}

void RocksDatabase::fail_writes(const rocksdb::Status& status) {
  if (!writable_.exchange(false, std::memory_order_acq_rel)) return;
  const MonotonicTime opened_at{opened_at_.load(std::memory_order_relaxed)};
  const bool is_again = generation() > 1 && monotonic_time() < opened_at + settled_after;
  const bool is_told = is_flapping_.exchange(is_again, std::memory_order_relaxed) && is_again;
  if (is_told) return;
  if (is_again) {
    return report(
        ReportLevel::error, "stores refused again",
        {{"error", status.ToString()},
         {"hint",
          "writing failed soon after the database was opened: it is reopened less and less often, "
          "and nothing more is logged until it has worked for a minute; free disk space, replace "
          "the disk or restore a backup"}});
  }
  report(
      ReportLevel::error, "stores refused",
      {{"error", status.ToString()},
       {"hint",
        "the disk refused a write: reads continue, and reopening the database is tried every few "
        "seconds; free disk space or replace the disk"}});
}

void RocksDatabase::set_storage_max(uint64_t bytes) {
  CHECK(bytes <= UINT64_MAX / 2);
  storage_max_.store(bytes, std::memory_order_relaxed);
}

bool RocksDatabase::has_room() {
  const uint64_t storage_max = storage_max_.load(std::memory_order_relaxed);
  if (storage_max == 0) return true;
  const int64_t now = monotonic_time().nanoseconds;
  int64_t due = next_look_.load(std::memory_order_relaxed);
  // One thread looks, the others take what the last one saw.
  const bool looks =
      now >= due && next_look_.compare_exchange_strong(due, now + look_interval.nanoseconds,
                                                       std::memory_order_relaxed);
  if (!looks) return has_room_.load(std::memory_order_relaxed);
  const std::shared_lock lock(mutex_);
  if (database_ == nullptr) return true;  // The write will say so.
  const bool fits =
      sum_of("rocksdb.total-sst-files-size") <= tables_max(storage_max, config_.log_bytes_max);
  has_room_.store(fits, std::memory_order_relaxed);
  if (!fits && now >= next_push_.load(std::memory_order_relaxed)) {
    next_push_.store(now + push_interval.nanoseconds, std::memory_order_relaxed);
    push_erasures_down();
  }
  return fits;
}

// Does not wait. Once nothing is above the last level, nothing there is dead, except for rows that
// no store knows of (docs/STORAGE.md).
void RocksDatabase::push_erasures_down() {
  CHECK(database_ != nullptr);
  rocksdb::FlushOptions flush;
  flush.wait = false;
  flush.allow_write_stall = true;
  for (rocksdb::ColumnFamilyHandle* family : records_) {
    // Erasures may be in memory still, and without stores nothing would flush them.
    database_->Flush(flush, family).PermitUncheckedError();
    rocksdb::experimental::SuggestCompactRange(database_.get(), family, nullptr, nullptr)
        .PermitUncheckedError();
  }
}

rocksdb::Status RocksDatabase::write(std::span<const Change> changes, std::vector<Change>* undo) {
  CHECK(undo == nullptr || undo->empty());  // A refused batch is written back before another.
  const std::shared_lock lock(mutex_);
  if (!is_writable()) return rocksdb::Status::IOError("not open for writing");
  CHECK(database_ != nullptr);
  rocksdb::WriteBatch batch;
  for (const Change& change : changes) {
    const rocksdb::Slice key = slice_of(change.key);
    const rocksdb::Status status = change.row ? batch.Put(family_of(change.store), key, *change.row)
                                              : batch.Delete(family_of(change.store), key);
    if (!status.ok()) return status;
  }
  rocksdb::WriteOptions options;
  options.sync = config_.durability == Durability::sync;
  const rocksdb::Status status = database_->Write(options, &batch);
  if (status.ok()) return status;
  fail_writes(status);
  if (undo == nullptr) return status;
  // The failed handle still shows the rows as they were. They are read under the same lock, since
  // another thread's opening may make the batch visible.
  for (const Change& change : changes) {
    Change before{change.store, change.key, std::string()};
    const rocksdb::Status read = database_->Get(rocksdb::ReadOptions(), family_of(change.store),
                                                slice_of(change.key), &*before.row);
    if (read.IsNotFound()) before.row.reset();
    // Unreadable now: left as opening will find it.
    if (read.ok() || read.IsNotFound()) undo->push_back(std::move(before));
  }
  if (!undo->empty()) undos_left_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

rocksdb::Status RocksDatabase::sync() {
  const std::shared_lock lock(mutex_);
  if (!is_writable()) return rocksdb::Status::OK();
  CHECK(database_ != nullptr && meta_ != nullptr);
  // A synced write syncs everything before it. Not SyncWAL(): it may run on a log whose write just
  // failed in another thread, and Debian's RocksDB asserts on that.
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status status = database_->Put(options, meta_, "synced", rocksdb::Slice());
  if (!status.ok()) fail_writes(status);
  return status;
}

void RocksDatabase::read(std::span<const RowName> names, std::vector<rocksdb::Status>& statuses,
                         std::vector<std::string>& rows) {
  rows.clear();
  statuses.clear();
  if (names.empty()) return;
  const std::shared_lock lock(mutex_);
  if (database_ == nullptr) {
    rows.resize(names.size());
    statuses.assign(names.size(), rocksdb::Status::IOError("not open"));
    return;
  }
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  std::vector<rocksdb::Slice> keys;
  for (const RowName& name : names) {
    families.push_back(family_of(name.store));
    keys.push_back(slice_of(name.key));
  }
  statuses.resize(names.size());
  std::vector<rocksdb::PinnableSlice> found(names.size());
  database_->MultiGet(rocksdb::ReadOptions(), names.size(), families.data(), keys.data(),
                      found.data(), statuses.data());
  for (const rocksdb::PinnableSlice& row : found) rows.push_back(row.ToString());
  CHECK(rows.size() == names.size() && statuses.size() == names.size());
}

rocksdb::Status RocksDatabase::scan(StoreId store, RowRange& range, const VisitRow& visit) {
  const std::shared_lock lock(mutex_);
  if (database_ == nullptr) return rocksdb::Status::IOError("not open");
  return scan_rows(*database_, family_of(store), range, visit);
}

std::optional<IoError> RocksDatabase::checkpoint(const std::string& path) {
  const std::shared_lock lock(mutex_);
  if (database_ == nullptr) return IoError{"the database is not open: try again later", 0};
  // The log may hold a refused batch until its undo is written. No opening comes between the two
  // checks, because opening takes the lock exclusively.
  const auto may_hold_refused = [this] {
    return !is_writable() || undos_left_.load(std::memory_order_acquire) > 0;
  };
  const IoError refused{"the database is not accepting writes: try again when it is", 0};
  if (may_hold_refused()) return refused;
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(database_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(path);
  if (may_hold_refused()) return refused;
  if (status.ok()) return std::nullopt;
  return IoError{
      "cannot save the database to " + path + " (" + status.ToString() + "): that disk may be full",
      0};
}

rocksdb::Status RocksDatabase::compact() {
  const std::shared_lock lock(mutex_);
  CHECK(database_ != nullptr);
  rocksdb::CompactRangeOptions options;
  // Otherwise rows already at the bottom level would stay.
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  for (rocksdb::ColumnFamilyHandle* family : records_) {
    const rocksdb::Status status = database_->CompactRange(options, family, nullptr, nullptr);
    if (!status.ok()) return status;
  }
  return rocksdb::Status::OK();
}

}  // namespace xord
