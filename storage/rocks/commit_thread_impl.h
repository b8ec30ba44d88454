// Internals of a commit thread: one batch of a shard's operations, and the delivery of its
// completions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reactor/base/frames.h"
#include "reactor/monotonic.h"
#include "reactor/thread.h"
#include "storage/rocks/commit_thread.h"
#include "storage/rocks/lost_ranges.h"
#include "storage/rocks/rocks_database.h"

namespace xord {

class CommitThread::Impl {
 public:
  Impl(RocksStore& database, const CommitThreadConfig& config, Doorbell& shard);
  ~Impl() { stop(); }

  std::optional<IoError> start();
  void stop();
  Mailbox& operations() { return operations_; }
  Mailbox& completions() { return completions_; }
  void set_commit_window(Duration window) {
    CHECK(window >= Duration{});
    commit_window_.store(window.nanoseconds, std::memory_order_relaxed);
  }
  void ask_heartbeat() {
    is_asked_.store(true, std::memory_order_relaxed);
    // One that waits before it opens the database again must not be woken for this.
    if (state() == DatabaseState::open) doorbell_.ring();
  }
  bool has_answered() const { return !is_asked_.load(std::memory_order_relaxed); }
  DatabaseState state() const { return state_.load(std::memory_order_acquire); }
  bool is_damaged() const { return is_damaged_.load(std::memory_order_relaxed); }
  const Counters<CommitCount>& counters() const { return counters_; }
  const Histograms<CommitHistogram>& histograms() const { return histograms_; }

 private:
  // An operation as it lies in the mailbox.
  struct Taken {
    const Operation* operation;
    Bytes value;
  };

  void run();
  // Retries until the database is open; false when stopped before that.
  bool open_first();
  void load();
  void load_store(StoreId store);
  bool load_some(StoreId store, RowRange& left);
  bool load_row(StoreId store, const RowKey& row_key, Bytes bytes);
  void push_staged();
  void lose(StoreId store, RowRange range);
  void report_faulty(uint64_t rows);
  void report_losses(StoreId store, uint64_t damaged_before);
  void load_lost();
  void serve();
  void turn();
  void sleep_until_needed(std::optional<Duration> longest = std::nullopt);

  // One batch: everything that has queued.
  uint32_t take_operations();
  void write_batch();
  bool gather_changes();
  void add_times_changes();
  void read_batch();
  void refuse_batch();
  void answer(const Operation& operation, CompletionKind kind);
  // Waits for room in the shard's mailbox; gives up only when stopping.
  void push(const Completion& completion, Bytes value);

  // Handling of disk errors.
  void begin_refusing();
  void try_to_open();
  bool apply_undo();
  void note_unreadable(const RocksDatabase::RowName& name, const std::string& cause);
  void update_damage(const std::string& cause);
  void try_unreadable();
  void sync_if_due();
  std::optional<Duration> time_to_next_duty() const;
  void count_commit(Duration took);
  // Between two turns, once everything is loaded. Aborts if an invariant is broken.
  void check_invariants() const;

  RocksDatabase& database_;
  const CommitThreadConfig config_;
  std::atomic<int64_t> commit_window_;  // Nanoseconds.
  Doorbell doorbell_;
  Mailbox operations_;
  Mailbox completions_;
  Thread thread_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> is_asked_{false};  // For a heartbeat.
  std::atomic<DatabaseState> state_{DatabaseState::opening};
  Counters<CommitCount> counters_;
  Histograms<CommitHistogram> histograms_;

  uint64_t generation_ = 0;  // The opening that this thread works with.
  Duration retry_after_{};   // Grows from 5 s to a minute while opening fails.
  MonotonicTime next_retry_{};
  MonotonicTime next_sync_{};
  bool is_sync_due_ = false;
  std::optional<MonotonicTime> reopened_at_;  // Empty: never.

  // What cannot be read is retried: one row that a read met, and the ranges that loading lost.
  std::optional<RocksDatabase::RowName> unreadable_;
  LostRanges lost_;
  std::string lost_cause_;
  uint32_t lost_in_a_row_ = 0;
  std::atomic<bool> is_damaged_{false};
  Duration try_unreadable_after_{};
  MonotonicTime next_try_unreadable_{};
  uint64_t load_bytes_left_ = 0;
  // Loaded records being delivered, with their keys: pushed keys_ahead_max at a time.
  FrameOutbox staged_{keys_ahead_max, 256 << 10};
  std::vector<uint8_t> staged_keys_;

  // State of the current batch; kept to reuse its memory.
  std::vector<Taken> taken_;
  std::vector<const Operation*> writes_;  // Answered together once the batch is committed.
  std::vector<RocksDatabase::Change> changes_;
  uint64_t changes_bytes_ = 0;
  std::vector<RocksDatabase::RowName> names_;
  std::vector<rocksdb::Status> statuses_;
  std::vector<std::string> rows_;
  // The rows as they were before a failed batch.
  std::vector<RocksDatabase::Change> undo_;
};

}  // namespace xord
