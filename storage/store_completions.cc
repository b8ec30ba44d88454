// Store: taking in completions, and the records loaded at start.
#include <algorithm>

#include "storage/store.h"

namespace xord {

Finished Store::complete(Instant now, const Completion& completion, Bytes value) {
  const NodeSeconds at = node_seconds(now);
  Finished finished;
  if (completion.store != config_.id) return finished;  // Belongs to another store.
  switch (completion.kind) {
    case CompletionKind::written:
    case CompletionKind::write_failed:
      finished = complete_write(at, completion);
      break;
    case CompletionKind::value_read:
    case CompletionKind::read_failed:
    case CompletionKind::value_lost:
      finished = complete_read(at, completion, value);
      break;
    case CompletionKind::keys_ahead:
      index_.fetch_ahead(value);
      order_.fetch_ahead(value);
      return finished;
    case CompletionKind::record_loaded:
      load(at, completion, value);
      break;
    case CompletionKind::load_finished:
      load_state_ = LoadState::loaded;
      finished.kind = Finished::Kind::loaded;
      break;
    case CompletionKind::load_failed:
      if (load_state_ == LoadState::loading) load_state_ = LoadState::failed;
      finished.kind = Finished::Kind::load_failed;
      break;
  }
  update_gauges();
  return finished;
}

void Store::move_times(Record& record, const RecordTimes& times) {
  record.published = times.published;
  record.last_store = times.last_store;
  record.expiry = times.expiry;
}

void Store::commit(RecordHandle handle, const PendingWrite& write, NodeSeconds at) {
  Record& record = records_[handle];
  if (write.kind == OperationKind::write) {
    if (record.is_committed != 0) release_value(record);
    const Bytes value = pending_.value(write);
    value_bytes_ += value.size();
    record.is_committed = 1;
    record.value_size = static_cast<uint16_t>(value.size());
    record.source_prefix = write.source_prefix;
    record.fingerprint = value_fingerprint(config_.hash_seed, value);
    move_times(record, write.times);
    cache_.erase(handle);
    cache_.insert(handle, value);
    counters_.add(StoreCount::stored);
  } else if (write.kind == OperationKind::erase) {
    return commit_removal(handle);
  } else {
    // Upkeep may have written times that equal stores have advanced since.
    move_times(record, {0, std::max(record.published, write.times.published),
                        std::max(record.last_store, write.times.last_store),
                        std::max(record.expiry, write.times.expiry)});
    counters_.add(StoreCount::times_written);
  }
  record.expiry_on_disk = write.times.expiry;
  ring_.file(handle, at, next_visit_of(record));
}

// Unless another store is pending, the record is dropped once this completion is taken in.
void Store::commit_removal(RecordHandle handle) {
  Record& record = records_[handle];
  counters_.add(StoreCount::removed);
  if (record.is_committed == 0) return;
  release_value(record);
  record.is_committed = 0;
  cache_.erase(handle);
  ring_.take_out(handle);
}

Finished Store::complete_write(NodeSeconds at, const Completion& completion) {
  Finished finished;
  const PendingWrite* found = pending_.find(completion.ticket);
  if (found == nullptr) {
    counters_.add(StoreCount::stale_completions);
    return finished;
  }
  const PendingWrite write = *found;
  if (write.record == no_record) {  // The record is gone already.
    CHECK(write.kind == OperationKind::erase && erasing_ > 0);
    --erasing_;
    if (completion.kind != CompletionKind::written) counters_.add(StoreCount::write_failed);
    pending_.remove(completion.ticket);
    return finished;
  }
  Record& record = records_[write.record];
  CHECK(record.pending_count > 0);
  const bool is_written = completion.kind == CompletionKind::written;
  if (write.purpose == PendingWrite::Purpose::for_caller) {
    finished.kind = is_written ? Finished::Kind::stored : Finished::Kind::store_failed;
    finished.ticket = completion.ticket;
  }
  --record.pending_count;
  if (is_written) {
    commit(write.record, write, at);
  } else {
    counters_.add(StoreCount::write_failed);
    if (write.kind == OperationKind::write) discharge(write.source_prefix, write.value_size);
  }
  pending_.remove(completion.ticket);
  if (record.is_committed == 0 && record.pending_count == 0) drop(write.record);
  return finished;
}

Finished Store::complete_read(NodeSeconds at, const Completion& completion, Bytes value) {
  Finished finished;
  if (reads_pending_ == 0) {
    counters_.add(StoreCount::stale_completions);
    return finished;
  }
  CHECK(reads_pending_ <= config_.reads_max);
  --reads_pending_;
  finished.kind = Finished::Kind::read;
  finished.ticket = completion.ticket;
  const RecordHandle handle = index_.find(completion.key);
  if (handle == no_record) return finished;
  finished.found = view(handle, at);
  if (finished.found.presence != Presence::cold) return finished;  // Gone, or read meanwhile.

  const Record& record = records_[handle];
  if (completion.kind != CompletionKind::value_read || value.size() != record.value_size ||
      value_fingerprint(config_.hash_seed, value) != record.fingerprint) {
    counters_.add(StoreCount::read_failed);
    // A lost or different value counts as absent; a failed read does not.
    if (completion.kind == CompletionKind::read_failed) finished.kind = Finished::Kind::read_failed;
    finished.found = {};
    return finished;
  }
  cache_.insert(handle, value);
  finished.found.presence = Presence::value;
  finished.found.value = value;
  return finished;
}

void Store::load(NodeSeconds at, const Completion& completion, Bytes value) {
  loading_prefix_ = std::max(loading_prefix_, load_prefix(completion.key));
  RecordTimes times = completion.times;
  // A run whose clock was ahead may have left times in the future: that must not give a record a
  // longer life than an ordinary store would give it now.
  times.published = std::min(times.published, at);
  times.last_store = std::min(times.last_store, at);
  times.expiry = std::min(times.expiry, at + config_.ttl);
  const bool is_expired = at >= times.expiry;
  const bool is_hidden = config_.loaded == LoadedRecords::hidden;
  if (is_expired || is_hidden) counters_.add(StoreCount::loaded_expired);
  // One that has expired is taken in all the same, until its row is erased: it takes room on disk.
  if (is_hidden || (is_expired && config_.id.is_published())) return;
  // The database was opened a second time: the record held is newer.
  if (index_.find(completion.key) != no_record) return;
  const RecordHandle handle =
      completion.value_size <= config_.value_size_max ? take_record(completion.key) : no_record;
  if (handle == no_record) {
    if (!is_expired) counters_.add(StoreCount::loaded_refused);
    return;
  }
  Record& record = records_[handle];
  move_times(record, times);
  record.expiry_on_disk = completion.times.expiry;
  record.is_committed = 1;
  record.value_size = static_cast<uint16_t>(completion.value_size);
  record.source_prefix = completion.source_prefix;
  record.fingerprint = completion.fingerprint;
  value_bytes_ += record.value_size;
  charge(record.source_prefix, record.value_size);
  if (is_expired) return ring_.file(handle, at, at);
  if (completion.has_value) cache_.insert_if_free(handle, value);
  // After a long absence all records are due at once: spread them out.
  const NodeSeconds spread = config_.republish.after == 0 ? at : at + jitter_of(record.key);
  ring_.file(handle, at, std::min(due_of(record), std::max(republish_due_of(record), spread)));
  counters_.add(StoreCount::loaded);
}

}  // namespace xord
