#include "storage/store.h"

#include <algorithm>
#include <array>
#include <bit>

namespace xord {
namespace {

// Maximum work of one turn: about 0.2 ms of visits.
constexpr uint32_t visits_max = 256;
// What has expired and finds no room for its erasure waits this long for the disk.
constexpr Duration blocked_pause = milliseconds(10);
// A full table looks for this many expired records before it refuses.
constexpr uint32_t visits_when_full = 16;

// Enough that few prefixes share a row; all 65,536, 1 MiB, from 131,076 records on. Fewer for few
// records, since a simulated node holds hundreds.
size_t share_rows(uint32_t records_max) {
  return std::clamp<size_t>(std::bit_ceil(records_max / 4), 64, size_t{UINT16_MAX} + 1);
}

// Records that are republished are visited each period anyway, and a shorter ring has finer
// buckets.
NodeSeconds ring_horizon(const StoreConfig& config) {
  if (config.republish.after == 0) return config.ttl;
  return std::min(config.ttl, 2 * config.republish.after);
}

}  // namespace

Store::Store(const StoreConfig& config)
    : config_(config),
      first_ttl_(config.ttl),
      records_(config.records_max, Filled::from_the_beginning),
      index_(records_, config.hash_seed),
      order_(records_),
      ring_(records_, ring_horizon(config)),
      cache_(records_, config.memory_max),
      pending_(config.writes_max, config.write_bytes_max),
      shares_(share_rows(config.records_max)) {
  CHECK(config.records_max > 0 && config.ttl >= 60 && config.ttl <= ttl_max);
  CHECK(config.value_size_max <= UINT16_MAX);
  CHECK(config.write_bytes_max >= 2 * config.value_size_max);
  due_.reserve(due_max);
}

void Store::change(const StoreLimits& limits) {
  CHECK(limits.records_max > 0 && limits.records_max <= records_.size());
  CHECK(limits.ttl >= 60 && limits.ttl <= ttl_max);
  config_.ttl = limits.ttl;
  config_.records_max = limits.records_max;
  config_.bytes_max = limits.bytes_max;
  config_.shares = limits.shares;
  shares_exceeded_ = 0;
  for (size_t row = 0; row < shares_.size(); ++row) shares_exceeded_ += is_exceeded(shares_[row]);
}

Found Store::view(RecordHandle handle, NodeSeconds at) {
  const Record& record = records_[handle];
  if (!is_served(record, at)) return {};
  Found found;
  found.times = {0, record.published, record.last_store, record.expiry};
  found.presence = Presence::cold;
  if (record.cached_at != not_cached) {
    found.presence = Presence::value;
    found.value = cache_.value(handle);
  }
  return found;
}

Found Store::find(Instant now, const Id& key) {
  const RecordHandle handle = index_.find(key);
  Found found;
  if (handle != no_record) found = view(handle, node_seconds(now));
  if (found.presence == Presence::absent && !is_loaded(key)) found.presence = Presence::loading;
  switch (found.presence) {
    case Presence::absent:
      counters_.add(StoreCount::absent);
      break;
    case Presence::value:
      cache_.use(handle);
      counters_.add(StoreCount::found);
      break;
    case Presence::cold:
      counters_.add(StoreCount::found_cold);
      break;
    case Presence::loading:
      counters_.add(StoreCount::not_loaded);
      break;
  }
  return found;
}

void Store::fetch_ahead(std::span<const Id> keys) const {
  std::array<RecordHandle, keys_ahead_max> likely;
  index_.fetch_records_ahead(keys, std::span(likely).first(keys.size()));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (likely[i] != no_record) cache_.fetch_ahead(likely[i]);
  }
}

std::optional<Ticket> Store::begin_read(Instant now, const Id& key, FrameOutbox& operations) {
  const RecordHandle handle = index_.find(key);
  if (handle == no_record || !is_served(records_[handle], node_seconds(now))) return std::nullopt;
  Operation read;
  // Tickets of writes are handles of a pool, whose low half is never this.
  read.ticket = uint64_t{reads_begun_} << 32 | UINT32_MAX;
  read.kind = OperationKind::read;
  read.store = config_.id;
  read.key = key;
  if (reads_pending_ >= config_.reads_max || !operations.push(0, read)) {
    counters_.add(StoreCount::read_failed);
    return std::nullopt;
  }
  ++reads_begun_;
  ++reads_pending_;
  update_gauges();
  return read.ticket;
}

std::optional<ScannedRecord> Store::first_from(Instant now, const Id& from) {
  const RecordHandle handle = order_.first_from(from);
  if (handle == no_record) return std::nullopt;
  const Record& record = records_[handle];
  return ScannedRecord{record.key, view(handle, node_seconds(now)), record.value_size};
}

RecordHandle Store::take_record(const Id& key) {
  RecordHandle handle = free_records_;
  if (handle != no_record) {
    free_records_ = records_[handle].due_next;
  } else if (records_touched_ < records_.size()) {
    handle = records_touched_++;
  } else {
    return no_record;
  }
  CHECK(records_held_ < records_touched_);
  Record& record = records_[handle];
  record = {};
  record.key = key;
  record.cached_at = not_cached;
  record.due_bucket = not_filed;
  index_.insert(handle);
  order_.insert(handle);
  ++records_held_;
  return handle;
}

void Store::drop(RecordHandle handle) {
  Record& record = records_[handle];
  CHECK(record.pending_count == 0 && records_held_ > 0);
  index_.erase(handle);
  order_.erase(handle);
  ring_.take_out(handle);
  cache_.erase(handle);
  if (record.is_committed != 0) release_value(record);
  record.due_next = free_records_;
  free_records_ = handle;
  --records_held_;
}

void Store::charge(uint16_t source_prefix, uint64_t bytes) {
  if (source_prefix == 0) return;
  Share& share = shares_[share_of(source_prefix)];
  const bool was_exceeded = is_exceeded(share);
  share.bytes += bytes;
  ++share.records;
  if (!was_exceeded && is_exceeded(share)) ++shares_exceeded_;
}

void Store::discharge(uint16_t source_prefix, uint64_t bytes) {
  if (source_prefix == 0) return;
  Share& share = shares_[share_of(source_prefix)];
  CHECK(share.records > 0 && share.bytes >= bytes);
  const bool was_exceeded = is_exceeded(share);
  share.bytes -= bytes;
  --share.records;
  if (was_exceeded && !is_exceeded(share)) --shares_exceeded_;
}

void Store::release_value(const Record& record) {
  CHECK(record.is_committed != 0 && value_bytes_ >= record.value_size);
  value_bytes_ -= record.value_size;
  discharge(record.source_prefix, record.value_size);
}

// When the ring should return to a record: to write its times, or to drop it.
NodeSeconds Store::due_of(const Record& record) const {
  if (record.expiry == record.expiry_on_disk) return record.expiry;
  // Loaded from a run whose clock was ahead: the disk must not remember that longer than needed.
  if (record.expiry < record.expiry_on_disk) return 0;
  // Early enough that the write completes before the expiry on disk has passed.
  const NodeSeconds margin =
      std::min(longest_lag(), std::max<NodeSeconds>(30, 3 * ring_.bucket_seconds()));
  return record.expiry_on_disk - margin;
}

NodeSeconds Store::next_visit_of(const Record& record) const {
  return std::min(due_of(record), republish_due_of(record));
}

void Store::visit_due(RecordHandle handle, NodeSeconds at, FrameOutbox& operations) {
  Record& record = records_[handle];
  CHECK(record.is_committed != 0);  // No other is in the ring.
  if (record.pending_count > 0) return ring_.file(handle, at, at + ring_.bucket_seconds());
  if (at >= record.expiry) {
    // A quarter of the room for writes is reserved for callers.
    is_blocked_ =
        pending_.count() >= config_.writes_max * uint64_t{3} / 4 || !expire(handle, operations);
    if (is_blocked_) ring_.file(handle, at, at + ring_.bucket_seconds());
    return;
  }
  if (at < next_visit_of(record)) return ring_.file(handle, at, next_visit_of(record));
  if (at < due_of(record)) return hand_out(handle, at);
  PendingWrite write;
  write.record = handle;
  write.kind = OperationKind::write_times;
  write.purpose = PendingWrite::Purpose::upkeep;
  write.times = {0, record.published, record.last_store, record.expiry};
  // Half of the room for writes is reserved for callers. A record that finds no room is retried
  // soon.
  if (pending_.count() < config_.writes_max / 2) emit(write, {}, operations);
  ring_.file(handle, at, at + ring_.bucket_seconds());
}

void Store::advance(Instant now, FrameOutbox& operations) {
  if (is_behind_ && now == advanced_at_) return;  // The same turn: it has had its share.
  const NodeSeconds at = node_seconds(now);
  advanced_at_ = now;
  uint32_t visits = 0;
  is_blocked_ = false;
  for (; visits < visits_max && due_.size() < due_max && !is_blocked_; ++visits) {
    const RecordHandle handle = ring_.take_due(at);
    if (handle == no_record) break;
    visit_due(handle, at, operations);
  }
  CHECK(due_.size() <= due_max);
  is_behind_ = visits == visits_max || due_.size() == due_max;
  survey_ages(now);
  update_gauges();
}

// Erases the record on disk as well: its row would take room there until a compaction met it, hours
// after its expiry, and whoever stores what expires at once could fill the disk. False when there
// is no room to say so. What this node published itself is never erased but by forget.
bool Store::expire(RecordHandle handle, FrameOutbox& operations) {
  CHECK(records_[handle].is_committed != 0 && records_[handle].pending_count == 0);
  if (!config_.id.is_published()) {
    if (!pending_.has_room(0) || !operations.has_room(sizeof(Operation))) return false;
    erase_and_drop(handle, operations);
  } else {
    drop(handle);
  }
  counters_.add(StoreCount::expired);
  return true;
}

void Store::drop_expired(NodeSeconds at, FrameOutbox& operations) {
  for (uint32_t visits = 0; visits < visits_when_full; ++visits) {
    const RecordHandle handle = ring_.take_due(at);
    if (handle == no_record) return;
    const Record& record = records_[handle];
    const bool is_over = record.pending_count == 0 && at >= record.expiry;
    if (!is_over || !expire(handle, operations)) {
      ring_.file(handle, at, std::max(at + 1, next_visit_of(record)));
    }
  }
}

std::optional<Instant> Store::next_wakeup() const {
  if (is_behind_) return advanced_at_ + nanoseconds(1);
  const NodeSeconds due = ring_.next_due();
  if (due == 0) return std::nullopt;
  if (is_blocked_) return std::max(instant_of(due), advanced_at_ + blocked_pause);
  return instant_of(due);
}

void Store::update_gauges() {
  counters_.set(StoreCount::records, records_held_);
  counters_.set(StoreCount::value_bytes, value_bytes_);
  counters_.set(StoreCount::cached_bytes, cache_.bytes_cached());
  counters_.set(StoreCount::evicted, cache_.evictions());
  counters_.set(StoreCount::writes_pending, pending_.count());
  counters_.set(StoreCount::reads_pending, reads_pending_);
}

}  // namespace xord
