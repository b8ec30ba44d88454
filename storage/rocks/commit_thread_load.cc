// The commit thread at start: delivers every record of the shard's range to the shard, as fast as
// the shard takes them. Between parts it carries out operations on records whose range is already
// loaded.
#include <algorithm>

#include "reactor/base/frames.h"
#include "storage/rocks/commit_thread_impl.h"

namespace xord {
namespace {

// Rows between checks of the mailbox: some 30 ms.
constexpr uint32_t rows_at_a_time = 32'768;

}  // namespace

void CommitThread::Impl::load() {
  for (size_t i = 0; i < database_.config().networks.size(); ++i) {
    const auto network = static_cast<NetworkIndex>(i);
    load_store({network, StoreList::published});
    load_store(network);
  }
}

void CommitThread::Impl::load_store(StoreId store) {
  RowRange left = row_range_of(config_.shard, config_.shards);
  const uint64_t damaged_before = counters_.read(CommitCount::rows_damaged);
  const uint64_t faulty_before = counters_.read(CommitCount::rows_faulty);
  while (!is_stopping_.load(std::memory_order_relaxed)) {
    if (!database_.is_open()) {  // It failed meanwhile, and so did opening it again.
      // Another thread may open it, and that does not ring our doorbell.
      sleep_until_needed(config_.retry);
      turn();
      continue;
    }
    const bool is_done = load_some(store, left);
    completions_.publish();
    if (is_done) break;
    turn();
  }
  report_losses(store, damaged_before);
  report_faulty(counters_.read(CommitCount::rows_faulty) - faulty_before);
  Completion finished;
  finished.kind = CompletionKind::load_finished;
  finished.store = store;
  push(finished, {});
  completions_.publish();
}

// Continues with `left`; true when nothing of it is left.
bool CommitThread::Impl::load_some(StoreId store, RowRange& left) {
  CHECK(staged_.entries().empty());
  const uint32_t before = left.first;
  uint32_t rows = 0;
  uint32_t prefix = UINT32_MAX;
  bool is_paused = false;
  const rocksdb::Status status = database_.scan(store, left, [&](const RowKey& row_key, Bytes row) {
    // The walk can be resumed only between two prefixes.
    const uint32_t row_prefix = load_be16(row_key.data());
    is_paused = rows >= rows_at_a_time && row_prefix != prefix;
    if (is_paused) return false;
    prefix = row_prefix;
    ++rows;
    return load_row(store, row_key, row);
  });
  push_staged();
  if (status.ok()) return !is_paused;
  if (left.first == before) return false;  // Closed by another thread.
  CHECK(left.first > before && left.first <= left.end);
  lost_cause_ = status.ToString();
  // When consecutive ranges are lost, skip more and more of them for later, because each attempt
  // costs.
  const uint32_t step = rows > 0 ? 1 : std::min(lost_in_a_row_ + 1, left.end - left.first + 1);
  lost_in_a_row_ = rows > 0 ? 1 : lost_in_a_row_ + step;
  CHECK(step >= 1 && left.first - 1 + step <= left.end);
  lose(store, {left.first - 1, left.first - 1 + step});
  left.first += step - 1;
  return left.first >= left.end;
}

void CommitThread::Impl::lose(StoreId store, RowRange range) {
  counters_.add(CommitCount::ranges_lost, range.end - range.first);
  lost_.add(store, range);
}

void CommitThread::Impl::report_losses(StoreId store, uint64_t damaged_before) {
  const uint64_t damaged = counters_.read(CommitCount::rows_damaged) - damaged_before;
  const uint32_t ranges = lost_.prefixes_of(store);
  lost_in_a_row_ = 0;
  update_damage({});  // Logs it.
  if (ranges == 0 && damaged == 0) return;
  const RowRange all = row_range_of(config_.shard, config_.shards);
  std::vector<ReportField> fields{{"shard", uint64_t{config_.shard}},
                                  {"records", damaged},
                                  {"key_ranges", uint64_t{ranges}},
                                  {"of_ranges", uint64_t{all.end} - all.first}};
  if (!lost_cause_.empty()) fields.push_back({"error", lost_cause_});
  fields.push_back(
      {"hint",
       "they cannot be read and are not served; everything else is. Restore a backup to "
       "get them back"});
  database_.report(ReportLevel::error, "records damaged", std::move(fields));
}

void CommitThread::Impl::report_faulty(uint64_t rows) {
  if (rows == 0) return;
  database_.report(ReportLevel::error,
                   std::to_string(rows) + " records in " + database_.config().directory +
                       " hold values or times that no peer can have stored, and are left out: "
                       "`xord store check` names them, `xord store purge` removes them");
}

// Retries what loading lost. What was stored meanwhile is newer, and the store keeps it.
void CommitThread::Impl::load_lost() {
  const std::vector<LostRanges::Lost> lost = lost_.take();
  counters_.set(CommitCount::ranges_lost, 0);
  for (const LostRanges::Lost& each : lost) {
    RowRange left = each.range;
    while (left.first < left.end) {
      const uint32_t before = left.first;
      const rocksdb::Status status = database_.scan(
          each.store, left,
          [&](const RowKey& row_key, Bytes row) { return load_row(each.store, row_key, row); });
      push_staged();
      if (status.ok() || is_stopping_.load(std::memory_order_relaxed)) break;
      lost_cause_ = status.ToString();
      if (left.first == before) ++left.first;  // Closed: all of it is still lost.
      lose(each.store, {left.first - 1, left.first});
    }
  }
}

bool CommitThread::Impl::load_row(StoreId store, const RowKey& row_key, Bytes bytes) {
  const std::optional<Row> row = parse_row(row_key, bytes);
  if (!row) {
    counters_.add(CommitCount::rows_damaged);
    return true;
  }
  if (fault_of(*row, database_.config().values) != nullptr) {
    counters_.add(CommitCount::rows_faulty);
    return true;
  }
  Completion loaded;
  loaded.kind = CompletionKind::record_loaded;
  loaded.store = store;
  loaded.source_prefix = row->source_prefix;
  loaded.value_size = static_cast<uint32_t>(row->value.size());
  loaded.has_value = !store.is_published() && row->value.size() <= load_bytes_left_;
  loaded.key = key_of_row(row_key);
  DCHECK(shard_of(loaded.key, config_.shards) == config_.shard);
  loaded.times = row->times;
  loaded.fingerprint = value_fingerprint(database_.config().hash_seed, row->value);
  if (loaded.has_value) load_bytes_left_ -= row->value.size();
  const Bytes value = loaded.has_value ? row->value : Bytes{};
  if (!staged_.push(0, loaded, value)) {
    push_staged();
    CHECK(staged_.push(0, loaded, value));
  }
  staged_keys_.insert(staged_keys_.end(), loaded.key.bytes.begin(), loaded.key.bytes.end());
  if (staged_.entries().size() == keys_ahead_max) push_staged();
  return !is_stopping_.load(std::memory_order_relaxed);
}

// Taking in a record touches some fifty places in memory; given many keys at once, the shard
// overlaps their cache misses. Measured: docs/DECISIONS.md.
void CommitThread::Impl::push_staged() {
  CHECK(staged_keys_.size() == staged_.entries().size() * id_size);
  if (staged_.entries().empty()) return;
  CHECK(staged_.entries().size() <= keys_ahead_max);
  Completion ahead;
  ahead.kind = CompletionKind::keys_ahead;
  ahead.store = frame_header<Completion>(staged_.bytes(staged_.entries().front()))->store;
  push(ahead, staged_keys_);
  for (const FrameOutbox::Entry& entry : staged_.entries()) {
    const Bytes frame = staged_.bytes(entry);
    const Completion& loaded = *frame_header<Completion>(frame);
    CHECK(loaded.store == ahead.store);
    push(loaded, frame_tail<Completion>(frame));
  }
  counters_.add(CommitCount::records_loaded, staged_.entries().size());
  completions_.publish();
  staged_.clear();
  staged_keys_.clear();
}

}  // namespace xord
