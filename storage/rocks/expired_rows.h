// Reclaims the disk space of expired records: during compaction, RocksDB turns their rows into
// tombstones and, at the bottom level, drops them. Not before ttl/24 after the expiry on disk,
// because a record's later expiry may be known in memory only (storage/store.h). Compares with the
// node time that the shards publish, never with the system clock, and does nothing until there is
// one.
#pragma once

#include <rocksdb/compaction_filter.h>

#include <atomic>
#include <string>

#include "storage/rocks/row.h"

namespace xord {

class ExpiredRows : public rocksdb::CompactionFilter {
 public:
  explicit ExpiredRows(NodeSeconds ttl) : grace_(ttl / 24) {}
  void set_time(NodeSeconds now) { now_.store(now, std::memory_order_relaxed); }
  uint64_t reclaimed() const { return reclaimed_.load(std::memory_order_relaxed); }

  const char* Name() const override { return "xord.ExpiredRows"; }
  bool Filter(int, const rocksdb::Slice&, const rocksdb::Slice& row, std::string*,
              bool*) const override {
    const auto expiry = expiry_of_row({reinterpret_cast<const uint8_t*>(row.data()), row.size()});
    const NodeSeconds now = now_.load(std::memory_order_relaxed);
    if (!expiry || now < uint64_t{*expiry} + grace_) return false;
    reclaimed_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }

 private:
  const NodeSeconds grace_;
  std::atomic<NodeSeconds> now_{0};
  mutable std::atomic<uint64_t> reclaimed_{0};
};

}  // namespace xord
