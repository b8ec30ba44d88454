// Store: which records are due for republish (paper 2.5, checklist 26 to 28). The expiry ring
// visits a record at the earlier of its two due times, so republishing costs no memory.
#include <algorithm>

#include "storage/store.h"

namespace xord {
namespace {

// A record handed out in vain (no room for a lookup, no peer) is handed out again after this.
constexpr NodeSeconds republish_retry = 300;
constexpr NodeSeconds jitter_share = 6;
constexpr NodeSeconds no_time = UINT32_MAX;
// A megabyte of records, one after the other: 0.1 ms. A list of a million on one shard takes a
// minute.
constexpr uint32_t ages_a_second = 16'384;

}  // namespace

NodeSeconds Store::jitter_of(const Id& key) const {
  const uint64_t mixed = (load_be64(&key.bytes[12]) ^ config_.hash_seed) * 0x9e3779b97f4a7c15u;
  const uint64_t span = config_.republish.after / jitter_share;
  return static_cast<NodeSeconds>(((mixed >> 32) * span) >> 32);
}

NodeSeconds Store::republish_due_of(const Record& record) const {
  if (config_.republish.after == 0) return no_time;
  const NodeSeconds since =
      config_.republish.since_publication ? record.published : record.last_store;
  return since + config_.republish.after + jitter_of(record.key);
}

void Store::hand_out(RecordHandle handle, NodeSeconds at) {
  CHECK(due_.size() < due_max);  // Room was reserved for so many: it must not grow.
  due_.push_back(records_[handle].key);
  counters_.add(StoreCount::republish_due);
  ring_.file(handle, at, std::min(due_of(records_[handle]), at + republish_retry));
}

// It causes no wake-up of its own: a key that is overdue is visited every five minutes anyway.
void Store::survey_ages(Instant now) {
  if (!config_.republish.since_publication || now < ages_at_) return;
  ages_at_ = now + seconds(1);
  const NodeSeconds at = node_seconds(now);
  const uint32_t end = std::min(records_touched_, ages_.visited + ages_a_second);
  for (; ages_.visited < end; ++ages_.visited) {
    const Record& record = records_[ages_.visited];
    if (record.due_bucket == not_filed) continue;  // Free, or not yet committed.
    if (at >= republish_due_of(record)) ++ages_.overdue;
    ages_.oldest = std::min(ages_.oldest, record.published);
  }
  if (ages_.visited < records_touched_) return;
  CHECK(ages_.oldest <= at || ages_.oldest == no_time);
  counters_.set(StoreCount::overdue, ages_.overdue);
  counters_.set(StoreCount::oldest_seconds, ages_.oldest == no_time ? 0 : at - ages_.oldest);
  ages_ = {};
}

std::optional<Id> Store::take_due() {
  if (due_.empty()) return std::nullopt;
  const Id key = due_.back();
  due_.pop_back();
  return key;
}

NodeSeconds Store::republish_since(const RecordTimes& times) const {
  return config_.republish.since_publication ? times.published : times.last_store;
}

bool Store::is_due(const RecordTimes& times, Instant now) const {
  const NodeSeconds after = config_.republish.after;
  return after > 0 && node_seconds(now) >= republish_since(times) + after;
}

bool Store::is_half_due(const RecordTimes& times, Instant now) const {
  const NodeSeconds after = config_.republish.after;
  return after > 0 && node_seconds(now) >= republish_since(times) + after / 2;
}

void Store::renew(Instant now, const Id& key, Bytes value, FrameOutbox& operations) {
  const RecordHandle handle = index_.find(key);
  if (handle == no_record) return;
  const Record& record = records_[handle];
  const NodeSeconds at = node_seconds(now);
  if (record.pending_count > 0 || !is_served(record, at) || !holds(record, handle, value)) return;
  begin_equal(at, handle, {at, at, at, at + config_.ttl}, operations);
}

void Store::note_republished(Instant now, const Id& key) {
  const RecordHandle handle = index_.find(key);
  if (handle == no_record) return;
  Record& record = records_[handle];
  record.last_store = std::max(record.last_store, node_seconds(now));
  if (record.due_bucket != not_filed) ring_.file(handle, node_seconds(now), next_visit_of(record));
}

void Store::put_off(Instant now, const Id& key) {
  const RecordHandle handle = index_.find(key);
  if (handle == no_record || records_[handle].due_bucket == not_filed) return;
  const NodeSeconds at = node_seconds(now);
  ring_.file(handle, at, std::min(due_of(records_[handle]), at + config_.republish.after));
}

}  // namespace xord
