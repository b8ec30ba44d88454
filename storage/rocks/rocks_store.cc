#include "storage/rocks/rocks_store.h"

#include "storage/rocks/rocks_store_impl.h"
#include "storage/rocks/rocks_threads.h"

namespace xord {

RocksStore::RocksStore(const RocksConfig& config, Report report)
    : impl_(std::make_unique<Impl>(config, std::move(report))) {}

RocksStore::~RocksStore() = default;

std::optional<IoError> RocksStore::start_threads() {
  return start_rocks_threads(impl_->env());
}

void RocksStore::set_reclaim_time(NodeSeconds now) {
  impl_->expired_rows().set_time(now);
}

void RocksStore::tell_if_settled() {
  impl_->tell_if_settled();
}

DatabaseCounts RocksStore::counts() const {
  return impl_->counts();
}

}  // namespace xord
