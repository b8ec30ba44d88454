#include "storage/rocks/rocks_reader.h"

#include <rocksdb/convenience.h>
#include <unistd.h>

#include <algorithm>

#include "storage/files/small_file.h"
#include "storage/rocks/rocks_format.h"
#include "storage/rocks/rocks_threads.h"
#include "storage/rocks/row_log.h"

namespace xord {
namespace {

IoError unreadable(const std::string& path, const rocksdb::Status& status) {
  return {"the database " + path + " cannot be read (" + status.ToString() +
              "): put a backup in its place",
          0};
}

}  // namespace

std::variant<std::unique_ptr<RocksReader>, IoError> RocksReader::open(
    const std::string& directory) {
  std::unique_ptr<RocksReader> reader(new RocksReader(directory + "/db"));
  auto format = read_format(directory);
  if (auto* error = std::get_if<IoError>(&format)) return *error;
  if (access(reader->path_.c_str(), F_OK) != 0) return reader;
  if (auto error = reader->open_families()) return *error;
  return reader;
}

std::optional<IoError> RocksReader::open_families() {
  rocksdb::DBOptions options;
  const auto log = std::make_shared<RowLog>();
  options.info_log = log;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.max_open_files = 512;
  options.max_file_opening_threads = 1;  // storage/rocks/rocks_threads.h
  if (auto error = start_rocks_threads(*options.env)) return error;
  std::vector<std::string> names;
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(options, path_, &names);
  if (!status.ok()) return unreadable(path_, status);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) {
    descriptors.emplace_back(name, rocksdb::ColumnFamilyOptions());
  }
  rocksdb::DB* opened = nullptr;
  status = rocksdb::DB::OpenForReadOnly(options, path_, descriptors, &families_, &opened);
  if (!status.ok()) {
    families_.clear();
    return unreadable(path_, status);
  }
  database_.reset(opened);
  CHECK(database_ != nullptr && families_.size() == names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (!names[i].starts_with(records_prefix)) continue;
    networks_.push_back(names[i].substr(records_prefix.size()));
    records_.push_back(families_[i]);
    const auto list = std::find(names.begin(), names.end(), published_family(networks_.back()));
    published_.push_back(
        list == names.end() ? nullptr : families_[static_cast<size_t>(list - names.begin())]);
  }
  CHECK(records_.size() == networks_.size() && published_.size() == networks_.size());
  log_bytes_dropped_ = log->take_bytes_dropped();
  return std::nullopt;
}

RocksReader::~RocksReader() {
  if (database_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    database_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
  database_->Close().PermitUncheckedError();
}

UnreadableRows RocksReader::walk(StoreId store, RowRange range, const VisitRow& visit) const {
  CHECK(range.first <= range.end && range.end <= UINT16_MAX + 1);
  UnreadableRows unreadable_rows;
  bool goes_on = true;
  while (goes_on && range.first < range.end) {
    const rocksdb::Status status =
        scan_rows(*database_, family_of(store), range, [&](const RowKey& row_key, Bytes row) {
          goes_on = visit(row_key, row);
          return goes_on;
        });
    if (status.ok()) break;
    ++unreadable_rows.ranges;
    unreadable_rows.cause = status.ToString();
  }
  return unreadable_rows;
}

std::variant<std::string, std::nullopt_t, IoError> RocksReader::read(StoreId store,
                                                                     const RowKey& row_key) const {
  std::string row;
  const rocksdb::Status status =
      database_->Get(rocksdb::ReadOptions(), family_of(store), slice_of(row_key), &row);
  if (status.ok()) return row;
  if (status.IsNotFound()) return std::nullopt;
  return unreadable(path_, status);
}

uint64_t RocksReader::rows_estimate(StoreId store) const {
  uint64_t rows = 0;
  database_->GetIntProperty(family_of(store), rocksdb::DB::Properties::kEstimateNumKeys, &rows);
  return rows;
}

uint64_t RocksReader::table_bytes(StoreId store) const {
  uint64_t bytes = 0;
  database_->GetIntProperty(family_of(store), rocksdb::DB::Properties::kLiveSstFilesSize, &bytes);
  return bytes;
}

void RocksReader::verify_tables(const VisitTable& visit) const {
  if (database_ == nullptr) return;
  std::vector<rocksdb::LiveFileMetaData> files;
  database_->GetLiveFilesMetaData(&files);
  for (const rocksdb::LiveFileMetaData& file : files) {
    const std::string path = path_ + file.name;  // "/000012.sst"
    const rocksdb::Status status =
        rocksdb::VerifySstFileChecksum(rocksdb::Options(), rocksdb::EnvOptions(), path);
    const auto damage = status.ok() ? std::nullopt : std::optional(status.ToString());
    if (!visit(path, file.size, damage)) return;
  }
}

}  // namespace xord
