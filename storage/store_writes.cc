// Store: taking in a store, until its operation is emitted.
#include <algorithm>
#include <array>

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

bool Store::is_exceeded(const Share& share) const {
  return share.records > (config_.records_max + 1) / 2 ||
         share.bytes + rows_bytes(share.records) > config_.bytes_max / 2;
}

bool Store::exceeds_share(uint16_t source_prefix) const {
  DCHECK(share_of(source_prefix) < shares_.size());
  return source_prefix != 0 && is_exceeded(shares_[share_of(source_prefix)]);
}

// Whether the source's prefix would hold more than half of the records, or of the bytes. So nothing
// is refused for its prefix while the store is less than half full.
StoreRefusal Store::share_refusal(const StoreRequest& request, RecordHandle replaced) const {
  if (config_.shares == Shares::unlimited || request.source_prefix == 0) return StoreRefusal::none;
  Share share = shares_[share_of(request.source_prefix)];
  if (replaced != no_record && records_[replaced].is_committed != 0 &&
      share_of(records_[replaced].source_prefix) == share_of(request.source_prefix)) {
    CHECK(share.records > 0 && share.bytes >= records_[replaced].value_size);
    --share.records;
    share.bytes -= records_[replaced].value_size;
  }
  const bool has_room =
      share.records < (config_.records_max + 1) / 2 &&
      share.bytes + request.value.size() + rows_bytes(share.records + 1) <= config_.bytes_max / 2;
  return has_room ? StoreRefusal::none : StoreRefusal::prefix_full;
}

StoreRefusal Store::room_refusal(const StoreRequest& request, RecordHandle replaced) const {
  if (replaced == no_record && records_held_ >= config_.records_max) {
    return StoreRefusal::records_full;
  }
  const bool replaces = replaced != no_record && records_[replaced].is_committed != 0;
  const uint64_t freed = replaces ? records_[replaced].value_size : 0;
  const uint64_t bytes = value_bytes_ + pending_.value_bytes() + request.value.size() - freed +
                         rows_bytes(records_held_ + (replaced == no_record ? 1 : 0));
  return bytes > config_.bytes_max ? StoreRefusal::bytes_full : StoreRefusal::none;
}

// For a store whose value will be written: whether there is room for it, made if need be.
StoreRefusal Store::admit(NodeSeconds at, const StoreRequest& request, RecordHandle replaced,
                          FrameOutbox& operations) {
  const StoreRefusal share = share_refusal(request, replaced);
  if (share != StoreRefusal::none) {
    if (config_.shares == Shares::enforced) return share;
    counters_.add(StoreCount::refused_prefix_full);
  }
  StoreRefusal refusal = room_refusal(request, replaced);
  if (refusal != StoreRefusal::none && replaced == no_record) {
    drop_expired(at, operations);
    refusal = room_refusal(request, replaced);
  }
  if (refusal != StoreRefusal::none && request.neighbourhood != nullptr) {
    make_room(request, replaced, operations);
    refusal = room_refusal(request, replaced);
  }
  if (refusal != StoreRefusal::none) return refusal;
  if (!pending_.has_room(request.value.size())) return StoreRefusal::busy;
  if (config_.shares != Shares::unlimited &&
      !pending_.leaves_room(request.source_prefix, request.value.size())) {
    if (config_.shares == Shares::enforced) return StoreRefusal::busy;
    counters_.add(StoreCount::refused_busy);
  }
  return StoreRefusal::none;
}

// An erasure and the write need room: nothing is given up for a store that would be refused.
bool Store::may_displace(const StoreRequest& request, const FrameOutbox& operations) const {
  return pending_.count() + 2 <= config_.writes_max && pending_.has_room(request.value.size()) &&
         operations.has_room(2 * sizeof(Operation) + request.value.size());
}

void Store::make_room(const StoreRequest& request, RecordHandle replaced, FrameOutbox& operations) {
  if (shares_exceeded_ > 0) displace_excess(request, replaced, operations);
  if (!request.neighbourhood->is_self_among_nearest(request.key)) return;
  std::array<RecordHandle, victims_max> farthest;
  const size_t count = order_.farthest_from(config_.self, farthest);
  for (size_t i = 0; i < count; ++i) {
    if (room_refusal(request, replaced) == StoreRefusal::none) return;
    if (!may_displace(request, operations)) return;
    const Record& record = records_[farthest[i]];
    if (farthest[i] == replaced || record.pending_count > 0) continue;
    if (!request.neighbourhood->is_self_among_nearest(record.key)) {
      displace(farthest[i], operations);
    }
  }
}

// A prefix that holds more than half is met at every second place.
void Store::displace_excess(const StoreRequest& request, RecordHandle replaced,
                            FrameOutbox& operations) {
  CHECK(records_touched_ > 0);
  uint64_t mixed = load_be64(&request.key.bytes[12]) ^ config_.hash_seed;
  for (uint32_t probe = 0; probe < excess_probes; ++probe) {
    if (room_refusal(request, replaced) == StoreRefusal::none) return;
    if (!may_displace(request, operations)) return;
    mixed = mixed * 0xd1342543de82ef95u + 0x9e3779b97f4a7c15u;
    const auto handle = static_cast<RecordHandle>(((mixed >> 32) * records_touched_) >> 32);
    const Record& record = records_[handle];
    // What is committed, and only that, is in the ring.
    if (handle == replaced || record.due_bucket == not_filed || record.pending_count > 0) continue;
    if (exceeds_share(record.source_prefix)) displace(handle, operations);
  }
}

// The record is gone at once. Its erasure precedes whatever takes its room, on disk as well.
void Store::displace(RecordHandle handle, FrameOutbox& operations) {
  counters_.add(StoreCount::displaced);
  erase_and_drop(handle, operations);
}

void Store::erase_and_drop(RecordHandle handle, FrameOutbox& operations) {
  PendingWrite write;
  write.kind = OperationKind::erase;
  write.purpose = PendingWrite::Purpose::upkeep;
  Operation operation;
  operation.ticket = pending_.add(write, {});
  operation.kind = write.kind;
  operation.store = config_.id;
  operation.key = records_[handle].key;
  CHECK(records_[handle].pending_count == 0);
  CHECK(operations.push(0, operation));
  ++erasing_;
  drop(handle);
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
      return begin_replacing(at, handle, request, later_of(times, newest->times), operations);
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
  return begin_replacing(at, handle, request, times, operations);
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
  const StoreRefusal refusal = admit(at, request, no_record, operations);
  if (refusal != StoreRefusal::none) return refuse(refusal);
  const RecordHandle handle = take_record(request.key);
  CHECK(handle != no_record);
  const StoreOutcome outcome = write_value(handle, request, times, operations);
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

StoreOutcome Store::begin_replacing(NodeSeconds at, RecordHandle handle,
                                    const StoreRequest& request, const RecordTimes& times,
                                    FrameOutbox& operations) {
  const StoreRefusal refusal = admit(at, request, handle, operations);
  if (refusal != StoreRefusal::none) return refuse(refusal);
  return write_value(handle, request, times, operations);
}

StoreOutcome Store::write_value(RecordHandle handle, const StoreRequest& request,
                                const RecordTimes& times, FrameOutbox& operations) {
  PendingWrite write;
  write.record = handle;
  write.kind = OperationKind::write;
  write.source_prefix = request.source_prefix;
  write.times = times;
  const std::optional<Ticket> ticket = emit(write, request.value, operations);
  if (!ticket) return refuse(StoreRefusal::busy);
  charge(request.source_prefix, request.value.size());
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
