#include "storage/rocks/rocks_store.h"

#include "storage/rocks/rocks_database.h"
#include "storage/rocks/rocks_threads.h"

namespace xord {

RocksStore::RocksStore(const RocksConfig& config, Report report)
    : database_(std::make_unique<RocksDatabase>(config, std::move(report))) {}

RocksStore::~RocksStore() = default;

std::optional<IoError> RocksStore::start_threads() {
  return start_rocks_threads(database_->env());
}

void RocksStore::set_reclaim_time(NodeSeconds now) {
  database_->expired_rows().set_time(now);
}

void RocksStore::set_storage_max(uint64_t bytes) {
  database_->set_storage_max(bytes);
}

void RocksStore::tell_if_settled() {
  database_->tell_if_settled();
}

std::optional<IoError> RocksStore::checkpoint(const std::string& path) {
  return database_->checkpoint(path);
}

DatabaseCounts RocksStore::counts() const {
  return database_->counts();
}

}  // namespace xord
