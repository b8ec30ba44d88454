// Store: taking in a store, until its operation is emitted.
#include <algorithm>

#include "storage/store.h"

namespace xord {
namespace {

// Of equal values: neither time goes back.
RecordTimes later_of(const RecordTimes& a, const RecordTimes& b) {
  return {a.first_seen, std::max(a.published, b.published), std::max(a.last_store, b.last_store),
          std::max(a.expiry, b.expiry)};
}

RecordTimes times_of(NodeSeconds at, NodeSeconds age, NodeSeconds ttl) {
  const NodeSeconds published = at > age ? at - age : 0;
  return {at, published, at, published + ttl};
}

}  // namespace

bool Store::holds(const Record& record, RecordHandle handle, Bytes value) const {
  if (record.value_size != value.size()) return false;
  if (record.cached_at != not_cached) return equal(cache_.value(handle), value);
  return record.fingerprint == value_fingerprint(config_.hash_seed, value);
}

StoreRefusal Store::refusal_of(const StoreRequest& request) const {
  if (request.age >= config_.ttl) return StoreRefusal::too_old;
  if (request.value.size() > config_.value_size_max) return StoreRefusal::too_large;
  if (!is_loaded(request.key)) return StoreRefusal::loading;
  if (load_state_ == LoadState::failed) return StoreRefusal::disk_failed;
  return StoreRefusal::none;
}

// For a store whose value will be written.
StoreRefusal Store::budget_refusal(const StoreRequest& request) const {
  const uint64_t size = request.value.size();
  const RecordHandle handle = index_.find(request.key);
  uint64_t replaced = 0;
  uint64_t replaced_of_prefix = 0;
  if (handle != no_record && records_[handle].is_committed != 0) {
    replaced = records_[handle].value_size;
    if (records_[handle].source_prefix == request.source_prefix) replaced_of_prefix = replaced;
  }
  if (value_bytes_ + pending_.value_bytes() + size - replaced > config_.bytes_max) {
    return StoreRefusal::bytes_full;
  }
  if (!prefix_bytes_.empty() &&
      prefix_bytes_[request.source_prefix] + size - replaced_of_prefix > config_.prefix_bytes_max) {
    return StoreRefusal::prefix_full;
  }
  return pending_.has_room(request.value.size()) ? StoreRefusal::none : StoreRefusal::busy;
}

StoreOutcome Store::refuse(StoreRefusal refusal) {
  static constexpr StoreCount counts[] = {StoreCount::count,
                                          StoreCount::refused_too_old,
                                          StoreCount::refused_older,
                                          StoreCount::refused_too_large,
                                          StoreCount::refused_records_full,
                                          StoreCount::refused_bytes_full,
                                          StoreCount::refused_prefix_full,
                                          StoreCount::refused_busy,
                                          StoreCount::refused_loading,
                                          StoreCount::refused_failed};
  static_assert(std::size(counts) == static_cast<size_t>(StoreRefusal::disk_failed) + 1);
  counters_.add(counts[static_cast<size_t>(refusal)]);
  return {StoreOutcome::Kind::refused, refusal, 0};
}

StoreOutcome Store::begin_store(Instant now, const StoreRequest& request, FrameOutbox& operations) {
  const StoreRefusal refusal = refusal_of(request);
  if (refusal != StoreRefusal::none) return refuse(refusal);
  const NodeSeconds at = node_seconds(now);
  const RecordTimes times = times_of(at, request.age, config_.ttl);
  const RecordHandle handle = index_.find(request.key);
  if (handle == no_record) return begin_new(at, request, times, operations);

  // Is it equal to what will be held once all pending writes are committed? If so, its times count
  // too. After a removal nothing will be held, and an equal value is a new one.
  const Record& record = records_[handle];
  const PendingWrite* newest = newest_pending(handle);
  if (newest != nullptr && newest->kind == OperationKind::write) {
    if (equal(pending_.value(*newest), request.value)) {
      return begin_replacing(handle, request, later_of(times, newest->times), operations);
    }
  } else if (newest == nullptr || newest->kind == OperationKind::write_times) {
    if (is_served(record, at) && holds(record, handle, request.value)) {
      return begin_equal(at, handle, times, operations);
    }
  }
  if (config_.order == StoreConfig::Order::by_publication &&
      times.published < latest_publication(handle, at)) {
    return refuse(StoreRefusal::older);
  }
  return begin_replacing(handle, request, times, operations);
}

const PendingWrite* Store::newest_pending(RecordHandle handle) const {
  return records_[handle].pending_count > 0 ? pending_.newest_of(handle) : nullptr;
}

// Over everything that may end up being held: a pending write may fail, and so may a pending
// removal.
NodeSeconds Store::latest_publication(RecordHandle handle, NodeSeconds at) const {
  const Record& record = records_[handle];
  const NodeSeconds held = is_served(record, at) ? record.published : 0;
  if (record.pending_count == 0) return held;
  return std::max(held, pending_.latest_publication(handle, at));
}

StoreOutcome Store::begin_new(NodeSeconds at, const StoreRequest& request, const RecordTimes& times,
                              FrameOutbox& operations) {
  if (records_held_ == records_.size()) drop_expired(at);
  if (records_held_ == records_.size()) return refuse(StoreRefusal::records_full);
  const StoreRefusal refusal = budget_refusal(request);
  if (refusal != StoreRefusal::none) return refuse(refusal);
  const RecordHandle handle = take_record(request.key);
  const StoreOutcome outcome = begin_replacing(handle, request, times, operations);
  if (outcome.kind == StoreOutcome::Kind::refused) drop(handle);
  return outcome;
}

StoreOutcome Store::begin_equal(NodeSeconds at, RecordHandle handle, const RecordTimes& times,
                                FrameOutbox& operations) {
  Record& record = records_[handle];
  const RecordTimes held{0, record.published, record.last_store, record.expiry};
  const RecordTimes later = later_of(held, times);
  if (later.expiry <= record.expiry_on_disk + times_lag()) {
    move_times(record, later);
    if (record.pending_count == 0) ring_.file(handle, at, next_visit_of(record));
    counters_.add(StoreCount::unchanged);
    return {StoreOutcome::Kind::unchanged, StoreRefusal::none, 0};
  }
  PendingWrite write;
  write.record = handle;
  write.kind = OperationKind::write_times;
  // No write may undo on disk what a pending one will have put there.
  const PendingWrite* newest = newest_pending(handle);
  write.times = newest != nullptr ? later_of(later, newest->times) : later;
  const std::optional<Ticket> ticket = emit(write, {}, operations);
  if (!ticket) return refuse(StoreRefusal::busy);
  return {StoreOutcome::Kind::pending, StoreRefusal::none, *ticket};
}

StoreOutcome Store::begin_replacing(RecordHandle handle, const StoreRequest& request,
                                    RecordTimes times, FrameOutbox& operations) {
  const StoreRefusal refusal = budget_refusal(request);
  if (refusal != StoreRefusal::none) return refuse(refusal);
  PendingWrite write;
  write.record = handle;
  write.kind = OperationKind::write;
  write.source_prefix = request.source_prefix;
  write.times = times;
  const std::optional<Ticket> ticket = emit(write, request.value, operations);
  if (!ticket) return refuse(StoreRefusal::busy);
  charge(request.source_prefix, static_cast<int64_t>(request.value.size()));
  return {StoreOutcome::Kind::pending, StoreRefusal::none, *ticket};
}

StoreOutcome Store::begin_remove(Instant now, const Id& key, FrameOutbox& operations) {
  if (load_state_ == LoadState::loading) return refuse(StoreRefusal::loading);
  if (load_state_ == LoadState::failed) return refuse(StoreRefusal::disk_failed);
  const RecordHandle handle = index_.find(key);
  if (handle == no_record || !is_served(records_[handle], node_seconds(now))) return {};
  PendingWrite write;
  write.record = handle;
  write.kind = OperationKind::erase;
  const std::optional<Ticket> ticket = emit(write, {}, operations);
  if (!ticket) return refuse(StoreRefusal::busy);
  return {StoreOutcome::Kind::pending, StoreRefusal::none, *ticket};
}

// Emits the write and remembers it; empty, with no effect, when there is no room for it.
std::optional<Ticket> Store::emit(const PendingWrite& write, Bytes value, FrameOutbox& operations) {
  Record& record = records_[write.record];
  if (!pending_.has_room(value.size()) || record.pending_count == UINT8_MAX ||
      !operations.has_room(sizeof(Operation) + value.size())) {
    return std::nullopt;
  }
  DCHECK(write.kind == OperationKind::write || value.empty());
  Operation operation;
  operation.ticket = pending_.add(write, value);
  operation.kind = write.kind;
  operation.store = config_.id;
  operation.source_prefix = write.source_prefix;
  operation.value_size = static_cast<uint32_t>(value.size());
  operation.key = record.key;
  operation.times = write.times;
  CHECK(operations.push(0, operation, value));
  ++record.pending_count;
  update_gauges();
  return operation.ticket;
}

}  // namespace xord
