#include "tools/sim/disk.h"

#include <algorithm>

#include "reactor/base/check.h"
#include "reactor/base/frames.h"
#include "reactor/base/id.h"
#include "tools/sim/draw.h"

namespace xord::sim {
namespace {

std::vector<uint8_t> frame_of(const Completion& completion, Bytes value) {
  std::vector<uint8_t> frame(sizeof completion + value.size());
  std::memcpy(frame.data(), &completion, sizeof completion);
  if (!value.empty()) std::memcpy(frame.data() + sizeof completion, value.data(), value.size());
  return frame;
}

}  // namespace

// A disk serves in order: no operation completes before earlier ones.
Instant Disk::due(Instant now) {
  const Instant at = now + exponential(rng_, options_.delay_mean);
  return in_progress_.empty() ? at : std::max(at, in_progress_.back().at);
}

void Disk::take(Instant now, uint32_t shard, Bytes operation_frame) {
  const Operation* operation = frame_header<Operation>(operation_frame);
  CHECK(operation != nullptr);
  const Bytes value = frame_tail<Operation>(operation_frame);
  CHECK(value.size() == operation->value_size);
  InProgress in_progress;
  in_progress.at = due(now);
  in_progress.shard = shard;
  in_progress.operation = *operation;
  in_progress.value.assign(value.begin(), value.end());
  in_progress_.push_back(std::move(in_progress));
}

void Disk::put(const Operation& operation, Bytes value) {
  const Place place{operation.store, operation.key};
  if (operation.kind == OperationKind::erase) {
    rows_.erase(place);
    return;
  }
  if (operation.kind == OperationKind::write) {
    Row& row = rows_[place];
    row.times = operation.times;
    row.source_prefix = operation.source_prefix;
    row.value.assign(value.begin(), value.end());
    return;
  }
  CHECK(operation.kind == OperationKind::write_times);
  const auto found = rows_.find(place);
  if (found == rows_.end()) return;
  const NodeSeconds first_seen = found->second.times.first_seen;
  found->second.times = operation.times;
  found->second.times.first_seen = first_seen;
}

std::vector<uint8_t> Disk::carry_out(const InProgress& in_progress) {
  if (!in_progress.operation) {
    const Completion& loaded = in_progress.completion;
    CHECK(in_progress.value.size() == (loaded.has_value ? loaded.value_size : 0));
    return frame_of(loaded, in_progress.value);
  }
  const Operation& operation = *in_progress.operation;
  Completion completion;
  completion.ticket = operation.ticket;
  completion.store = operation.store;
  completion.key = operation.key;
  completion.times = operation.times;
  if (operation.kind != OperationKind::read) {
    if (works_) put(operation, in_progress.value);
    completion.kind = works_ ? CompletionKind::written : CompletionKind::write_failed;
    return frame_of(completion, {});
  }
  const auto found = rows_.find(Place{operation.store, operation.key});
  if (found == rows_.end()) {
    completion.kind = CompletionKind::value_lost;
    return frame_of(completion, {});
  }
  completion.kind = CompletionKind::value_read;
  completion.has_value = true;
  completion.times = found->second.times;
  completion.value_size = static_cast<uint32_t>(found->second.value.size());
  return frame_of(completion, found->second.value);
}

void Disk::crash() {
  // Writes become durable in order, so what survives is a prefix.
  const size_t survivors = rng_.bounded(in_progress_.size() + 1);
  for (size_t i = 0; i < survivors && works_; ++i) {
    const InProgress& in_progress = in_progress_[i];
    if (in_progress.operation && in_progress.operation->kind != OperationKind::read) {
      put(*in_progress.operation, in_progress.value);
    }
  }
  in_progress_.clear();
}

void Disk::list_published(NetworkIndex network, const Id& key, const RecordTimes& times,
                          Bytes value) {
  CHECK(in_progress_.empty());
  rows_[{StoreId(network, StoreList::published), key}] = {times, 0, {value.begin(), value.end()}};
}

void Disk::load_row(Instant at, ShardIndex shard, uint64_t fingerprint_seed, const Place& place,
                    const Row& row) {
  InProgress record;
  record.at = at;
  record.shard = shard;
  record.completion.kind = CompletionKind::record_loaded;
  record.completion.store = place.store;
  record.completion.source_prefix = row.source_prefix;
  record.completion.key = place.key;
  record.completion.times = row.times;
  record.completion.value_size = static_cast<uint32_t>(row.value.size());
  record.completion.fingerprint = value_fingerprint(fingerprint_seed, row.value);
  record.completion.has_value = rng_.chance(options_.keep_values_share);
  if (record.completion.has_value) record.value = row.value;
  in_progress_.push_back(std::move(record));
}

void Disk::load(Instant now, NetworkIndex network, uint32_t shards, uint64_t fingerprint_seed) {
  CHECK(in_progress_.empty() && shards >= 1 && shards <= shards_max);
  Instant at = now;
  for (const auto& [place, row] : rows_) {
    at = at + exponential(rng_, options_.delay_mean / 16);
    load_row(at, shard_of(place.key, shards), fingerprint_seed, place, row);
  }
  for (uint32_t shard = 0; shard < shards; ++shard) {
    for (const StoreList list : {StoreList::records, StoreList::published}) {
      InProgress end;
      end.at = at = at + exponential(rng_, options_.delay_mean);
      end.shard = shard;
      end.completion.kind = CompletionKind::load_finished;
      end.completion.store = {network, list};
      in_progress_.push_back(std::move(end));
    }
  }
}

}  // namespace xord::sim
