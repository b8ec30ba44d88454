// The commit thread at start: every record of the shard's range goes to the shard, at the pace at
// which the shard takes them.
#include <algorithm>

#include "storage/rocks/commit_thread_impl.h"

namespace xord {

void CommitThread::Impl::load() {
  for (size_t i = 0; i < database_.config().networks.size(); ++i) {
    const auto network = static_cast<NetworkIndex>(i);
    load_network(network | published_list_bit);
    load_network(network);
  }
}

void CommitThread::Impl::load_network(NetworkIndex network) {
  RowRange range = row_range_of(config_.shard, config_.shards);
  const uint64_t damaged_before = counters_.read(CommitCount::rows_damaged);
  uint32_t ranges_lost = 0;
  std::string cause;
  while (range.first < range.end && !is_stopping_.load(std::memory_order_relaxed)) {
    const rocksdb::Status status = database_.scan(
        network, range,
        [&](const RowKey& row_key, Bytes row) { return load_row(network, row_key, row); });
    if (status.ok()) break;
    ++ranges_lost;
    cause = describe(status);
  }
  const uint64_t damaged = counters_.read(CommitCount::rows_damaged) - damaged_before;
  if (ranges_lost > 0 || damaged > 0) {
    database_.report(
        ReportLevel::error,
        "the database in " + database_.config().directory + " is damaged: " +
            std::to_string(damaged) + " records and " + std::to_string(ranges_lost) + " of " +
            std::to_string(row_range_of(config_.shard, config_.shards).end -
                           row_range_of(config_.shard, config_.shards).first) +
            " key ranges of shard " + std::to_string(config_.shard) + " cannot be read" +
            (cause.empty() ? "" : " (" + cause + ")") +
            "; they are not served, the rest is: put a backup in its place to have them back");
  }
  Completion finished;
  finished.kind = CompletionKind::load_finished;
  finished.network = network;
  push(finished, {});
  completions_.publish();
}

bool CommitThread::Impl::load_row(NetworkIndex network, const RowKey& row_key, Bytes bytes) {
  const std::optional<Row> row = parse_row(row_key, bytes);
  if (!row) {
    counters_.add(CommitCount::rows_damaged);
    return true;
  }
  Completion loaded;
  loaded.kind = CompletionKind::record_loaded;
  loaded.network = network;
  loaded.source_prefix = row->source_prefix;
  loaded.value_size = static_cast<uint32_t>(row->value.size());
  loaded.has_value = !is_published_list(network) && row->value.size() <= load_bytes_left_;
  loaded.key = key_of_row(row_key);
  loaded.times = row->times;
  loaded.fingerprint = value_fingerprint(database_.config().hash_seed, row->value);
  if (loaded.has_value) load_bytes_left_ -= row->value.size();
  push(loaded, loaded.has_value ? row->value : Bytes{});
  const uint64_t count = counters_.read(CommitCount::records_loaded) + 1;
  counters_.set(CommitCount::records_loaded, count);
  if (count % 64 == 0) completions_.publish();
  return !is_stopping_.load(std::memory_order_relaxed);
}

}  // namespace xord
