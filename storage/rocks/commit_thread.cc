#include "storage/rocks/commit_thread.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "reactor/base/frames.h"
#include "storage/rocks/commit_thread_impl.h"

namespace xord {
namespace {

constexpr uint32_t batch_max = 4096;  // Operations; a batch also ends when the mailbox is empty.
constexpr Duration retry_longest = seconds(60);
constexpr Duration sync_interval = seconds(1);  // --durability os.
constexpr Duration full_mailbox_pause = microseconds(200);
// Below the shards, which must not wait for it; on Linux each thread has its own nice value
// (sched(7)).
constexpr int niceness = 5;

void pause(Duration duration) {
  CHECK(duration > Duration{});
  const timespec request{duration.whole_seconds(), duration.nanoseconds % 1'000'000'000};
  nanosleep(&request, nullptr);
}

}  // namespace

CommitThread::CommitThread(RocksStore& database, const CommitThreadConfig& config, Doorbell& shard)
    : impl_(std::make_unique<Impl>(database, config, shard)) {}

CommitThread::~CommitThread() = default;

Mailbox& CommitThread::operations() {
  return impl_->operations();
}
Mailbox& CommitThread::completions() {
  return impl_->completions();
}
std::optional<IoError> CommitThread::start() {
  return impl_->start();
}
void CommitThread::stop() {
  impl_->stop();
}
void CommitThread::set_commit_window(Duration window) {
  impl_->set_commit_window(window);
}
void CommitThread::ask_heartbeat() {
  impl_->ask_heartbeat();
}
bool CommitThread::has_answered() const {
  return impl_->has_answered();
}
DatabaseState CommitThread::state() const {
  return impl_->state();
}
bool CommitThread::is_damaged() const {
  return impl_->is_damaged();
}
const Counters<CommitCount>& CommitThread::counters() const {
  return impl_->counters();
}
const Histograms<CommitHistogram>& CommitThread::histograms() const {
  return impl_->histograms();
}

CommitThread::Impl::Impl(RocksStore& database, const CommitThreadConfig& config, Doorbell& shard)
    : database_(database.database()),
      config_(config),
      commit_window_(config.commit_window.nanoseconds),
      operations_(config.operations_bytes, doorbell_),
      completions_(config.completions_bytes, shard),
      load_bytes_left_(config.load_bytes_max) {
  CHECK(config.shard < config.shards && config.shards <= shards_max);
  CHECK(std::min(operations_.frame_size_max(), completions_.frame_size_max()) >=
        UINT16_MAX + std::max(sizeof(Operation), sizeof(Completion)));
  CHECK(database_.config().values.size_max <= UINT16_MAX);
}

std::optional<IoError> CommitThread::Impl::start() {
  return thread_.start("commit-" + std::to_string(config_.shard), [this] { run(); });
}

void CommitThread::Impl::stop() {
  is_stopping_.store(true, std::memory_order_seq_cst);
  doorbell_.ring();
  thread_.join();
}

void CommitThread::Impl::run() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), niceness);
  if (!open_first()) return;
  load();
  serve();
}

bool CommitThread::Impl::open_first() {
  bool is_first_failure = true;
  retry_after_ = config_.retry;
  while (!is_stopping_.load(std::memory_order_relaxed)) {
    if (!database_.open(0)) {
      generation_ = database_.generation();
      state_.store(DatabaseState::open, std::memory_order_release);
      return true;
    }
    state_.store(DatabaseState::unavailable, std::memory_order_release);
    if (is_first_failure) {
      for (size_t i = 0; i < database_.config().networks.size(); ++i) {
        Completion failed;
        failed.kind = CompletionKind::load_failed;
        failed.store = static_cast<NetworkIndex>(i);
        push(failed, {});
        failed.store.list = StoreList::published;
        push(failed, {});
      }
      completions_.publish();
      is_first_failure = false;
    }
    take_operations();
    refuse_batch();
    doorbell_.announce_sleep();
    if (!operations_.has_frames_before_sleep() && !is_stopping_.load(std::memory_order_seq_cst)) {
      doorbell_.wait(retry_after_);
      retry_after_ = std::min(retry_after_ * 2, retry_longest);
    }
    doorbell_.awake();
  }
  return false;
}

void CommitThread::Impl::serve() {
  next_sync_ = monotonic_time();
  for (;;) {
    // Read before the mailbox, so that this turn sees everything published before stop().
    const bool is_last = is_stopping_.load(std::memory_order_seq_cst);
    turn();
    check_invariants();
    if (is_last && !operations_.has_frames_before_sleep()) break;
    sleep_until_needed();
  }
  // The undo ends with this thread: without it, the next start would find the refused writes in the
  // log.
  next_retry_ = {};
  if (state() == DatabaseState::refusing_writes) try_to_open();
}

void CommitThread::Impl::sleep_until_needed(std::optional<Duration> longest) {
  CHECK(!longest || *longest > Duration{});
  std::optional<Duration> due = time_to_next_duty();
  if (longest && (!due || *longest < *due)) due = longest;
  doorbell_.announce_sleep();
  if (!operations_.has_frames_before_sleep() && !is_stopping_.load(std::memory_order_seq_cst)) {
    doorbell_.wait(due);
  }
  doorbell_.awake();
}

// The order of a turn: a database that came back is repaired before anything else touches it;
// writes precede reads, so that a read sees what was stored before it; the mailbox's room is given
// back last, because the batch lies in it.
void CommitThread::Impl::turn() {
  is_asked_.store(false, std::memory_order_relaxed);
  if (state() == DatabaseState::refusing_writes) try_to_open();
  const Duration window = nanoseconds(commit_window_.load(std::memory_order_relaxed));
  if (window > Duration{} && operations_.has_frames_before_sleep()) pause(window);
  if (take_operations() > 0) {
    write_batch();
    read_batch();
    completions_.publish();
    operations_.release();
  }
  sync_if_due();
  if (is_damaged()) try_unreadable();
}

uint32_t CommitThread::Impl::take_operations() {
  taken_.clear();
  return operations_.read(batch_max, [this](Bytes frame) {
    const Operation* operation = frame_header<Operation>(frame);
    CHECK(operation != nullptr && operation->store.network < database_.config().networks.size());
    const Bytes value = frame_tail<Operation>(frame);
    CHECK(operation->kind <= OperationKind::erase);
    CHECK(operation->value_size == value.size());
    CHECK(operation->kind == OperationKind::write || value.empty());
    taken_.push_back({operation, value});
  });
}

void CommitThread::Impl::answer(const Operation& operation, CompletionKind kind) {
  const bool ends_read = kind == CompletionKind::read_failed || kind == CompletionKind::value_lost;
  CHECK(ends_read == (operation.kind == OperationKind::read));
  CHECK(ends_read || kind == CompletionKind::written || kind == CompletionKind::write_failed);
  Completion completion;
  completion.ticket = operation.ticket;
  completion.kind = kind;
  completion.store = operation.store;
  completion.key = operation.key;
  completion.times = operation.times;
  push(completion, {});
}

void CommitThread::Impl::push(const Completion& completion, Bytes value) {
  CHECK(completion.has_value ? value.size() == completion.value_size
                             : value.empty() || completion.kind == CompletionKind::keys_ahead);
  if (completions_.push(completion, value)) return;
  counters_.add(CommitCount::completions_waited);
  while (!completions_.push(completion, value)) {
    completions_.publish();
    if (is_stopping_.load(std::memory_order_relaxed)) return;
    pause(full_mailbox_pause);
  }
}

void CommitThread::Impl::refuse_batch() {
  for (const Taken& taken : taken_) {
    const bool is_read = taken.operation->kind == OperationKind::read;
    answer(*taken.operation, is_read ? CompletionKind::read_failed : CompletionKind::write_failed);
  }
  completions_.publish();
  operations_.release();
}

// A write of times needs the value, and only the disk is sure to have it: the row is read and
// written again. A merge operator would save the read, but the compaction filter sees a row without
// its pending merges and would reclaim records whose later expiry is in one.
void CommitThread::Impl::add_times_changes() {
  names_.clear();
  for (const Taken& taken : taken_) {
    if (taken.operation->kind != OperationKind::write_times) continue;
    names_.push_back({taken.operation->store, row_key_of(taken.operation->key)});
  }
  database_.read(names_, statuses_, rows_);
  for (size_t i = 0; i < names_.size(); ++i) {
    const rocksdb::Status& status = statuses_[i];
    if (!status.ok() && !status.IsNotFound()) note_unreadable(names_[i], status.ToString());
  }
}

bool CommitThread::Impl::gather_changes() {
  writes_.clear();
  changes_.clear();
  changes_bytes_ = 0;
  add_times_changes();
  size_t times_at = 0;
  const bool has_room = database_.has_room();
  for (const Taken& taken : taken_) {
    const Operation& operation = *taken.operation;
    if (operation.kind == OperationKind::read) continue;
    // Erasures make room, and a change of times takes none that a compaction does not give back.
    const bool is_new_value =
        operation.kind == OperationKind::write && !operation.store.is_published();
    if (is_new_value && !has_room) {
      counters_.add(CommitCount::rows_refused);
      answer(operation, CompletionKind::write_failed);
      continue;
    }
    RocksDatabase::Change change;
    change.store = operation.store;
    change.key = row_key_of(operation.key);
    Row row{operation.times, operation.source_prefix, taken.value};
    if (operation.kind == OperationKind::write_times) {
      const size_t at = times_at++;
      CHECK(at < names_.size() && names_[at].key == change.key);
      const auto held =
          statuses_[at].ok() ? parse_row(change.key, bytes_of(rows_[at])) : std::nullopt;
      if (!held) {
        answer(operation, CompletionKind::write_failed);
        continue;
      }
      row = *held;
      row.times = operation.times;
      row.times.first_seen = held->times.first_seen;
    }
    if (operation.kind != OperationKind::erase) {
      encode_row(change.key, row, change.row.emplace());
      changes_bytes_ += change.row->size();
    }
    changes_.push_back(std::move(change));
    writes_.push_back(&operation);
  }
  CHECK(times_at == names_.size() && changes_.size() == writes_.size());
  return !changes_.empty();
}

void CommitThread::Impl::write_batch() {
  if (!gather_changes()) return;
  bool is_written = false;
  if (state() == DatabaseState::open) {
    const MonotonicTime begun = monotonic_time();
    is_written = database_.write(changes_, &undo_).ok();
    count_commit(monotonic_time() - begun);
    if (!is_written) {
      counters_.add(CommitCount::commits_failed);
      begin_refusing();
    }
  }
  is_sync_due_ |= is_written;
  if (is_written) {
    counters_.add(CommitCount::rows_written, changes_.size());
    counters_.add(CommitCount::bytes_written, changes_bytes_);
    database_.count_stored(changes_bytes_);
  }
  for (const Operation* operation : writes_) {
    answer(*operation, is_written ? CompletionKind::written : CompletionKind::write_failed);
  }
}

void CommitThread::Impl::count_commit(Duration took) {
  histograms_.observe(CommitHistogram::commit_duration_seconds, took);
  const auto nanoseconds = static_cast<uint64_t>(took.nanoseconds);
  if (nanoseconds > counters_.read(CommitCount::commit_nanoseconds_max)) {
    counters_.set(CommitCount::commit_nanoseconds_max, nanoseconds);
  }
  if (took <= config_.slow_commit) return;
  database_.report(ReportLevel::warning, "slow commit",
                   {{"shard", uint64_t{config_.shard}},
                    {"ms", static_cast<uint64_t>(took.whole_milliseconds())},
                    {"rows", uint64_t{changes_.size()}},
                    {"bytes", changes_bytes_}});
}

void CommitThread::Impl::read_batch() {
  names_.clear();
  for (const Taken& taken : taken_) {
    if (taken.operation->kind != OperationKind::read) continue;
    names_.push_back({taken.operation->store, row_key_of(taken.operation->key)});
  }
  if (names_.empty()) return;
  database_.read(names_, statuses_, rows_);
  counters_.add(CommitCount::rows_read, names_.size());
  size_t at = 0;
  for (const Taken& taken : taken_) {
    const Operation& operation = *taken.operation;
    if (operation.kind != OperationKind::read) continue;
    CHECK(at < names_.size() && names_[at].store == operation.store);
    const rocksdb::Status& status = statuses_[at];
    const auto row = status.ok() ? parse_row(names_[at].key, bytes_of(rows_[at])) : std::nullopt;
    if (status.ok() && !row) counters_.add(CommitCount::rows_damaged);
    if (!row && !status.IsNotFound()) {
      counters_.add(CommitCount::rows_unreadable);
      note_unreadable(names_[at], status.ok() ? "wrong checksum" : status.ToString());
    }
    ++at;
    if (!row) {
      const bool is_lost = status.ok() || status.IsNotFound() || status.IsCorruption();
      answer(operation, is_lost ? CompletionKind::value_lost : CompletionKind::read_failed);
      continue;
    }
    Completion completion;
    completion.ticket = operation.ticket;
    completion.kind = CompletionKind::value_read;
    completion.store = operation.store;
    completion.source_prefix = row->source_prefix;
    completion.value_size = static_cast<uint32_t>(row->value.size());
    completion.has_value = true;
    completion.key = operation.key;
    completion.times = row->times;
    push(completion, row->value);
  }
  CHECK(at == names_.size());
}

// A database that fails soon after it was opened is retried less and less often.
void CommitThread::Impl::begin_refusing() {
  CHECK(state() == DatabaseState::open);
  state_.store(DatabaseState::refusing_writes, std::memory_order_release);
  const MonotonicTime now = monotonic_time();
  const bool is_again = reopened_at_ && now < *reopened_at_ + settled_after;
  retry_after_ = is_again ? std::min(retry_after_ * 2, retry_longest) : config_.retry;
  next_retry_ = now + retry_after_;
}

void CommitThread::Impl::try_to_open() {
  CHECK(state() == DatabaseState::refusing_writes);
  if (monotonic_time() < next_retry_) return;
  if (!database_.is_writable() && database_.open(generation_)) {
    retry_after_ = std::min(retry_after_ * 2, retry_longest);
    next_retry_ = monotonic_time() + retry_after_;
    return;
  }
  generation_ = database_.generation();
  if (!apply_undo()) {
    next_retry_ = monotonic_time() + retry_after_;
    return;
  }
  reopened_at_ = monotonic_time();
  state_.store(DatabaseState::open, std::memory_order_release);
}

bool CommitThread::Impl::apply_undo() {
  is_sync_due_ = true;
  if (undo_.empty()) return true;
  if (!database_.write(undo_, nullptr).ok()) return false;
  database_.end_undo();
  undo_.clear();
  return true;
}

void CommitThread::Impl::sync_if_due() {
  if (database_.config().durability == Durability::sync || !is_sync_due_) return;
  const MonotonicTime now = monotonic_time();
  if (now < next_sync_ || state() != DatabaseState::open) return;
  next_sync_ = now + sync_interval;
  is_sync_due_ = !database_.sync().ok();
  if (is_sync_due_) begin_refusing();
}

// ---- Ranges and rows that cannot be read.

void CommitThread::Impl::note_unreadable(const RocksDatabase::RowName& name,
                                         const std::string& cause) {
  if (!unreadable_) unreadable_ = name;
  update_damage(cause);
}

void CommitThread::Impl::update_damage(const std::string& cause) {
  const bool was_damaged = is_damaged();
  const bool is_so = unreadable_ || !lost_.is_empty();
  is_damaged_.store(is_so, std::memory_order_relaxed);
  if (is_so == was_damaged) return;
  if (is_so) {
    try_unreadable_after_ = config_.retry;
    next_try_unreadable_ = monotonic_time() + try_unreadable_after_;
    database_.begin_unreadable(cause);
  } else {
    database_.end_unreadable();
  }
}

void CommitThread::Impl::try_unreadable() {
  CHECK(unreadable_ || !lost_.is_empty());
  const MonotonicTime now = monotonic_time();
  if (now < next_try_unreadable_) return;
  try_unreadable_after_ = std::min(try_unreadable_after_ * 2, retry_longest);
  if (unreadable_) {
    database_.read({&*unreadable_, 1}, statuses_, rows_);
    const bool is_there = statuses_[0].ok() && parse_row(unreadable_->key, bytes_of(rows_[0]));
    if (is_there || statuses_[0].IsNotFound()) unreadable_.reset();
  }
  if (!lost_.is_empty()) load_lost();
  // Retrying many lost ranges takes long: at most a tenth of this thread's time.
  const Duration took = monotonic_time() - now;
  next_try_unreadable_ = now + took + std::max(try_unreadable_after_, took * 10);
  update_damage(lost_cause_);
}

// How long to sleep if no operation arrives.
std::optional<Duration> CommitThread::Impl::time_to_next_duty() const {
  std::optional<MonotonicTime> due;
  if (state() == DatabaseState::refusing_writes) due = next_retry_;
  const bool syncs = is_sync_due_ && database_.config().durability == Durability::os &&
                     state() == DatabaseState::open;
  if (syncs && (!due || next_sync_ < *due)) due = next_sync_;
  if (is_damaged() && (!due || next_try_unreadable_ < *due)) due = next_try_unreadable_;
  if (!due) return std::nullopt;
  return std::max(*due - monotonic_time(), Duration{});
}

void CommitThread::Impl::check_invariants() const {
  const DatabaseState now = state();
  CHECK(now == DatabaseState::open || now == DatabaseState::refusing_writes);
  CHECK(generation_ > 0 && generation_ <= database_.generation());
  // What a failed batch replaced is written back before anything else is written.
  CHECK(undo_.empty() || now == DatabaseState::refusing_writes);
  CHECK(is_damaged() == (unreadable_.has_value() || !lost_.is_empty()));
  CHECK(staged_.entries().empty() && staged_keys_.empty());
  CHECK(load_bytes_left_ <= config_.load_bytes_max && lost_in_a_row_ == 0);
  lost_.check_invariants();
}

}  // namespace xord
