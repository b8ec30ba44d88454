// The store with a disk that is slow, fails, and is restarted, against a plain map.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "reactor/base/rng.h"
#include "storage/store.h"

namespace xord {
namespace {

using Value = std::vector<uint8_t>;

struct Row {
  RecordTimes times;
  Value value;
};

// What the model guarantees for a key: the last committed value and its times.
struct Held {
  Value value;
  RecordTimes times;
};

struct Waiting {
  Operation operation;
  Value value;
  bool is_callers = false;
};

// Every second key belongs here.
class SomeKeys final : public Neighbourhood {
 public:
  bool is_self_among_nearest(const Id& key) const override { return key.bytes[7] % 2 == 0; }
};

class StoreModel {
 public:
  explicit StoreModel(uint64_t seed) : rng_(seed) {
    config_.hash_seed = rng_.next();
    config_.ttl = static_cast<NodeSeconds>(60 + rng_.bounded(rng_.chance(0.5) ? 500 : 604'800));
    config_.records_max = static_cast<uint32_t>(1 + rng_.bounded(60));
    config_.memory_max = rng_.bounded(3) * rng_.bounded(4000);
    config_.value_size_max = 300;
    config_.bytes_max = 200 + rng_.bounded(8000);
    config_.writes_max = static_cast<uint32_t>(2 + rng_.bounded(20));
    config_.write_bytes_max = 600 + static_cast<uint32_t>(rng_.bounded(4000));
    config_.reads_max = 4;
    config_.self = key_of(rng_.next());
    config_.shares = rng_.chance(0.5) ? Shares::enforced : Shares::unlimited;
    displaces_ = rng_.chance(0.5);
    keys_ = 1 + rng_.bounded(80);
    failure_ = rng_.chance(0.5) ? 0.2 : 0.0;
    restart();
  }

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFatalFailure(); ++i) {
      switch (rng_.bounded(9)) {
        case 0:
        case 1:
        case 2:
          store_one();
          break;
        case 3:
        case 4:
          for (uint64_t count = rng_.bounded(4); count > 0 && !queue_.empty(); --count) disk_turn();
          break;
        case 5:
          find_one();
          break;
        case 6:
          pass_time();
          break;
        case 7:
          if (rng_.chance(0.02)) restart();
          break;
        case 8:
          remove_one();
          break;
      }
      drain();
      if (i % 10 == 0) store_->check_invariants();
    }
    while (!queue_.empty()) disk_turn();
    store_->check_invariants();
    for (uint64_t i = 0; i < keys_; ++i) expect_agreement(key_of(i));
    expect_scan_agrees();
  }

 private:
  Id key_of(uint64_t number) const {
    Id key;
    store_be64(&key.bytes[6], number * 0x9e3779b97f4a7c15);
    return key;
  }
  NodeSeconds at() const { return node_seconds(now_); }
  bool is_served(const Held& held) const { return at() < held.times.expiry; }

  // Moves what the store emitted into the disk's queue.
  void drain() {
    for (const auto& entry : operations_.entries()) {
      const Bytes frame = operations_.bytes(entry);
      const Bytes tail = frame_tail<Operation>(frame);
      queue_.push_back({*frame_header<Operation>(frame), Value(tail.begin(), tail.end())});
      const Operation& operation = queue_.back().operation;
      // A record that nobody removed made room for another, and is gone at once.
      const bool is_callers = callers_.contains(operation.ticket);
      if (operation.kind == OperationKind::erase && !is_callers) held_.erase(operation.key);
    }
    operations_.clear();
  }

  void store_one() {
    const Id key = key_of(rng_.bounded(keys_));
    Value value(rng_.bounded(rng_.chance(0.1) ? 310 : 20));
    rng_.fill(value);
    if (held_.contains(key) && rng_.chance(0.6)) value = held_[key].value;
    const auto age = static_cast<uint32_t>(rng_.chance(0.5) ? 0 : rng_.bounded(config_.ttl + 9));
    const bool is_older = age < config_.ttl && at() - age < latest_publication_before(key, value);
    const auto prefix = static_cast<uint16_t>(rng_.bounded(3));
    const Neighbourhood* neighbourhood = displaces_ ? &some_keys_ : nullptr;
    const StoreOutcome outcome =
        store_->begin_store(now_, {key, value, age, prefix, neighbourhood}, operations_);
    if (age >= config_.ttl || value.size() > config_.value_size_max) {
      ASSERT_EQ(outcome.kind, StoreOutcome::Kind::refused);
    }
    if (is_older && value.size() <= config_.value_size_max) {
      ASSERT_EQ(outcome.refusal, StoreRefusal::older);
    } else {
      ASSERT_NE(outcome.refusal, StoreRefusal::older);
    }
    if (outcome.kind == StoreOutcome::Kind::pending) callers_[outcome.ticket] = key;
    if (outcome.kind != StoreOutcome::Kind::unchanged) return;
    // Acknowledged from memory: only for an equal value, and only if the disk lags by at most
    // ttl/24.
    ASSERT_TRUE(held_.contains(key) && is_served(held_[key]));
    Held& held = held_[key];
    ASSERT_EQ(held.value, value);
    held.times.published = std::max(held.times.published, at() - age);
    held.times.expiry = std::max(held.times.expiry, at() - age + config_.ttl);
    held.times.last_store = at();
    ASSERT_LE(held.times.expiry, disk_[key].times.expiry + config_.ttl / 24);
  }

  // The latest publication of everything that may be held once the disk has worked off its queue; 0
  // when the last of it is this value.
  NodeSeconds latest_publication_before(const Id& key, const Value& value) {
    const auto held = held_.find(key);
    const bool is_held = held != held_.end() && is_served(held->second);
    std::optional<Value> last = is_held ? std::optional(held->second.value) : std::nullopt;
    NodeSeconds latest = is_held ? held->second.times.published : 0;
    for (const Waiting& waiting : queue_) {
      const Operation& operation = waiting.operation;
      if (operation.key != key || operation.kind == OperationKind::read) continue;
      if (operation.kind == OperationKind::write) last = waiting.value;
      if (operation.kind == OperationKind::erase) last.reset();
      if (at() < operation.times.expiry) latest = std::max(latest, operation.times.published);
    }
    return last == value ? 0 : latest;
  }

  // Like a store of nothing: it takes effect when the disk has completed it.
  void remove_one() {
    const Id key = key_of(rng_.bounded(keys_));
    const StoreOutcome outcome = store_->begin_remove(now_, key, operations_);
    ASSERT_NE(outcome.kind, StoreOutcome::Kind::unchanged);
    if (outcome.kind == StoreOutcome::Kind::pending) callers_[outcome.ticket] = key;
  }

  void disk_turn() {
    drain();
    const Waiting waiting = queue_.front();
    queue_.pop_front();
    const Operation& operation = waiting.operation;
    Completion completion;
    completion.ticket = operation.ticket;
    completion.key = operation.key;
    Value read;
    const bool fails = rng_.chance(failure_) ||
                       (operation.kind == OperationKind::read && !disk_.contains(operation.key));
    if (operation.kind == OperationKind::read) {
      completion.kind = fails ? CompletionKind::read_failed : CompletionKind::value_read;
      if (!fails) read = disk_[operation.key].value;
    } else {
      completion.kind = fails ? CompletionKind::write_failed : CompletionKind::written;
      if (!fails) write(waiting);
    }
    const Finished finished = store_->complete(now_, completion, read);
    const bool is_store =
        finished.kind == Finished::Kind::stored || finished.kind == Finished::Kind::store_failed;
    ASSERT_EQ(is_store, callers_.erase(operation.ticket) == 1);
    if (is_store) {
      ASSERT_EQ(finished.kind == Finished::Kind::stored, !fails);
    }
    if (finished.kind == Finished::Kind::read && finished.found.presence == Presence::value) {
      ASSERT_TRUE(equal(finished.found.value, held_[operation.key].value));
      ASSERT_TRUE(is_served(held_[operation.key]));
    }
    expect_agreement(operation.key);
  }

  void write(const Waiting& waiting) {
    const Operation& operation = waiting.operation;
    if (operation.kind == OperationKind::erase) {
      disk_.erase(operation.key);
      held_.erase(operation.key);
      return;
    }
    ASSERT_TRUE(operation.kind == OperationKind::write || disk_.contains(operation.key));
    Row& row = disk_[operation.key];
    Held& held = held_[operation.key];
    row.times = operation.times;
    if (operation.kind == OperationKind::write) {
      row.value = waiting.value;
      held = {waiting.value, operation.times};
      return;
    }
    held.times.published = std::max(held.times.published, operation.times.published);
    held.times.last_store = std::max(held.times.last_store, operation.times.last_store);
    held.times.expiry = std::max(held.times.expiry, operation.times.expiry);
  }

  void find_one() {
    const Id key = key_of(rng_.bounded(keys_));
    expect_agreement(key);
    if (store_->find(now_, key).presence == Presence::cold) {
      store_->begin_read(now_, key, operations_);
    }
  }

  void expect_agreement(const Id& key) {
    const Found found = store_->find(now_, key);
    const auto held = held_.find(key);
    if (held == held_.end() || !is_served(held->second)) {
      ASSERT_EQ(found.presence, Presence::absent);
      return;
    }
    ASSERT_TRUE(found.presence == Presence::value || found.presence == Presence::cold) << key.hex();
    ASSERT_EQ(found.times.expiry, held->second.times.expiry);
    ASSERT_EQ(found.times.published, held->second.times.published);
    if (found.presence == Presence::value) {
      ASSERT_TRUE(equal(found.value, held->second.value));
    }
    ASSERT_TRUE(disk_.contains(key));
    ASSERT_EQ(disk_[key].value, held->second.value);
  }

  void expect_scan_agrees() {
    std::vector<Id> met;
    for (Id from{};;) {
      const auto next = store_->first_from(now_, from);
      if (!next) break;
      if (next->found.presence != Presence::absent) met.push_back(next->key);
      from = next->key;
      for (size_t i = id_size; i-- > 0 && ++from.bytes[i] == 0;) {
      }
    }
    std::vector<Id> expected;
    for (const auto& [key, held] : held_) {
      if (is_served(held)) expected.push_back(key);
    }
    ASSERT_EQ(met, expected);
  }

  void pass_time() {
    now_ = now_ + seconds(static_cast<int64_t>(rng_.bounded(config_.ttl / 20 + 2)));
    // A shard that keeps up writes upkeep before the expiry on disk passes.
    for (int calls = 0; calls < 50; ++calls) {
      store_->advance(now_, operations_);
      now_ = now_ + nanoseconds(1);
    }
    if (rng_.chance(0.5)) {
      drain();
      while (!queue_.empty()) disk_turn();
    }
  }

  // What was not committed is lost, and what was committed is on disk.
  void restart() {
    queue_.clear();
    operations_.clear();
    callers_.clear();
    store_.emplace(config_);
    held_.clear();
    std::vector<Id> keys;
    for (const auto& [key, row] : disk_) keys.push_back(key);
    rng_.shuffle(keys);
    for (const Id& key : keys) load(key);
    Completion finished;
    finished.kind = CompletionKind::load_finished;
    store_->complete(now_, finished, {});
  }

  void load(const Id& key) {
    const Row& row = disk_[key];
    Completion completion;
    completion.kind = CompletionKind::record_loaded;
    completion.key = key;
    completion.times = row.times;
    completion.value_size = static_cast<uint32_t>(row.value.size());
    completion.fingerprint = value_fingerprint(config_.hash_seed, row.value);
    completion.has_value = rng_.chance(0.5);
    const uint64_t refused = store_->counters().read(StoreCount::loaded_refused);
    store_->complete(now_, completion, completion.has_value ? row.value : Value{});
    // Erasures that failed may have left more rows than there is room for.
    const bool is_refused = store_->counters().read(StoreCount::loaded_refused) > refused;
    if (at() < row.times.expiry && !is_refused) held_[key] = {row.value, row.times};
  }

  Rng rng_;
  StoreConfig config_;
  const SomeKeys some_keys_;
  bool displaces_ = false;
  uint64_t keys_ = 0;
  double failure_ = 0;
  Instant now_ = instant_of(first_node_seconds);
  FrameOutbox operations_{64, 64 << 10};
  std::optional<Store> store_;
  std::deque<Waiting> queue_;
  std::map<Id, Row> disk_;
  std::map<Id, Held> held_;
  std::map<Ticket, Id> callers_;
};

TEST(StoreModel, AgreesWithAMapUnderFailuresExpiryEvictionAndRestarts) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    StoreModel(seed).run(1500);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace xord
