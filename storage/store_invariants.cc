// Store: what holds between any two of its calls, for tests and the simulator.
#include "storage/store.h"

namespace xord {

// What is held of one record agrees with itself, and with the index, the ring and the cache.
void Store::check_record(RecordHandle handle) const {
  const Record& record = records_[handle];
  const bool is_committed = record.is_committed != 0;
  CHECK(index_.find(record.key) == handle);
  CHECK(is_committed || record.pending_count > 0);
  CHECK(is_committed == (record.due_bucket != not_filed));
  CHECK((record.pending_count > 0) == (pending_.newest_of(handle) != nullptr));
  if (is_committed) {
    CHECK(record.published <= record.last_store && record.published < record.expiry);
    CHECK(record.value_size <= config_.value_size_max);
  }
  if (record.cached_at == not_cached) return;
  const Bytes value = cache_.value(handle);
  CHECK(is_committed && value.size() == record.value_size);
  CHECK(value_fingerprint(config_.hash_seed, value) == record.fingerprint);
}

// What is kept as a sum agrees with what it is the sum of.
void Store::check_sums(uint64_t value_bytes, uint32_t pending, const Share& charged) const {
  CHECK(value_bytes == value_bytes_ && pending + erasing_ == pending_.count());
  CHECK(pending_.count() <= config_.writes_max && reads_pending_ <= config_.reads_max);
  CHECK(due_.size() <= due_max);
  // A source prefix is charged for what is held and for what may come to be held.
  uint64_t bytes = 0;
  uint64_t records = 0;
  uint32_t exceeded = 0;
  for (size_t row = 0; row < shares_.size(); ++row) {
    bytes += shares_[row].bytes;
    records += shares_[row].records;
    exceeded += is_exceeded(shares_[row]) ? 1 : 0;
  }
  CHECK(exceeded == shares_exceeded_);
  CHECK(bytes >= charged.bytes && bytes <= charged.bytes + pending_.value_bytes());
  CHECK(records >= charged.records && records <= charged.records + pending_.count());
  uint32_t free = 0;
  for (RecordHandle at = free_records_; at != no_record; at = records_[at].due_next) {
    CHECK(free < records_touched_);
    ++free;
  }
  CHECK(records_touched_ <= records_.size() && free + records_held_ == records_touched_);
}

void Store::check_invariants() const {
  index_.check_invariants(records_held_);
  order_.check_invariants(records_held_);
  ring_.check_invariants();
  pending_.check_invariants();
  uint32_t held = 0;
  uint32_t committed = 0;
  uint32_t cached = 0;
  uint32_t pending = 0;
  uint64_t value_bytes = 0;
  Share charged{};  // To source prefixes, without what is pending.
  for (std::optional<Id> from = Id{}; from;) {
    const RecordHandle handle = order_.first_from(*from);
    if (handle == no_record) break;
    const Record& record = records_[handle];
    check_record(handle);
    ++held;
    committed += record.is_committed != 0 ? 1 : 0;
    cached += record.cached_at != not_cached ? 1 : 0;
    pending += record.pending_count;
    value_bytes += record.is_committed != 0 ? record.value_size : 0;
    if (record.is_committed != 0 && record.source_prefix != 0) {
      charged.bytes += record.value_size;
      ++charged.records;
    }
    from = next_id(record.key);
  }
  CHECK(held == records_held_ && committed == ring_.filed_count());
  CHECK(cached == cache_.check_invariants());
  check_sums(value_bytes, pending, charged);
}

}  // namespace xord
