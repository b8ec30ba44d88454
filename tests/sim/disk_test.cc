// A simulated disk carries out operations in order, later, and keeps what was completed; a crash
// keeps a prefix of the rest.
#include "tools/sim/disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "reactor/base/frames.h"
#include "reactor/base/shard.h"

namespace xord::sim {
namespace {

using Octets = std::vector<uint8_t>;

constexpr Instant start{1'000'000'000'000};
constexpr NetworkIndex network = 3;
const Octets hello = {0xa2, 'h', 'i'};

Id key_of(uint8_t number) {
  Id key;
  key.bytes[0] = number;
  key.bytes[id_size - 1] = number;
  return key;
}

struct Done {
  uint32_t shard = 0;
  Completion completion;
  Octets value;
};

class DiskTest : public ::testing::Test {
 protected:
  static Operation operation(OperationKind kind, uint8_t key, const Octets& value = {}) {
    Operation operation;
    operation.kind = kind;
    operation.store = network;
    operation.key = key_of(key);
    operation.value_size = static_cast<uint32_t>(value.size());
    operation.times = {1, 2, 3, 4};
    operation.source_prefix = 77;
    return operation;
  }
  void take(Operation operation, const Octets& value = {}, uint32_t shard = 0) {
    operation.ticket = ++ticket_;
    FrameOutbox frame(1, 1 << 10);
    CHECK(frame.push(0, operation, value));
    disk_.take(now_, shard, frame.bytes(frame.entries()[0]));
  }
  void write(uint8_t key, const Octets& value = hello) {
    take(operation(OperationKind::write, key, value), value);
  }
  // All that is completed within `time`.
  std::vector<Done> pass(Duration time = seconds(10)) {
    now_ = now_ + time;
    std::vector<Done> all;
    disk_.advance(now_, [&](uint32_t shard, Bytes frame) {
      Done& done = all.emplace_back();
      done.shard = shard;
      done.completion = *frame_header<Completion>(frame);
      const Bytes value = frame_tail<Completion>(frame);
      done.value.assign(value.begin(), value.end());
    });
    return all;
  }
  Done read(uint8_t key) {
    take(operation(OperationKind::read, key));
    const std::vector<Done> all = pass();
    CHECK(!all.empty());
    return all.back();
  }
  bool has(uint8_t key) { return read(key).completion.kind == CompletionKind::value_read; }

  Instant now_ = start;
  Disk disk_{{}, Rng(5)};
  Ticket ticket_ = 0;
};

TEST_F(DiskTest, WhatWasWrittenIsRead) {
  take(operation(OperationKind::write, 1, hello), hello, 2);
  const std::vector<Done> written = pass();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].shard, 2u);
  EXPECT_EQ(written[0].completion.kind, CompletionKind::written);
  EXPECT_EQ(written[0].completion.ticket, 1u);
  EXPECT_EQ(written[0].completion.key, key_of(1));
  EXPECT_EQ(written[0].completion.store, StoreId(network));
  EXPECT_EQ(written[0].completion.times, (RecordTimes{1, 2, 3, 4}));
  EXPECT_FALSE(written[0].completion.has_value);
  const Done found = read(1);
  EXPECT_EQ(found.completion.kind, CompletionKind::value_read);
  EXPECT_EQ(found.completion.ticket, 2u);
  EXPECT_TRUE(found.completion.has_value);
  EXPECT_EQ(found.completion.value_size, hello.size());
  EXPECT_EQ(found.completion.times, (RecordTimes{1, 2, 3, 4}));
  EXPECT_EQ(found.value, hello);
  EXPECT_EQ(disk_.rows_count(), 1u);
}

TEST_F(DiskTest, WhatWasNotWrittenIsLost) {
  write(1);
  const Done found = read(2);
  EXPECT_EQ(found.completion.kind, CompletionKind::value_lost);
  EXPECT_FALSE(found.completion.has_value);
}

TEST_F(DiskTest, TheTwoListsOfANetworkAreApart) {
  Operation published = operation(OperationKind::write, 1, hello);
  published.store = {network, StoreList::published};
  take(published, hello);
  pass();
  EXPECT_FALSE(has(1));
}

TEST_F(DiskTest, TimesAreWrittenWithoutTheValueAndWithoutTheFirst) {
  write(1);
  Operation times = operation(OperationKind::write_times, 1);
  times.times = {50, 60, 70, 80};
  take(times);
  const Done found = read(1);
  EXPECT_EQ(found.completion.times, (RecordTimes{1, 60, 70, 80}));
  EXPECT_EQ(found.value, hello);
  take(operation(OperationKind::write_times, 2));
  EXPECT_FALSE(has(2)) << "no row to be written to";
}

TEST_F(DiskTest, WhatIsErasedIsGone) {
  write(1);
  write(2);
  take(operation(OperationKind::erase, 1));
  EXPECT_EQ(pass().back().completion.kind, CompletionKind::written);
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(has(2));
  disk_.erase_all();
  EXPECT_EQ(disk_.rows_count(), 0u);
}

TEST_F(DiskTest, WhileItFailsNothingIsWritten) {
  write(1);
  pass();
  disk_.set_works(false);
  write(2);
  take(operation(OperationKind::erase, 1));
  for (const Done& done : pass()) EXPECT_EQ(done.completion.kind, CompletionKind::write_failed);
  disk_.set_works(true);
  EXPECT_TRUE(has(1));
  EXPECT_FALSE(has(2));
}

TEST_F(DiskTest, OperationsAreCompletedInOrderAndLater) {
  EXPECT_EQ(disk_.next_wakeup(), std::nullopt);
  for (uint8_t i = 0; i < 100; ++i) write(i);
  EXPECT_GE(disk_.next_wakeup(), now_);
  EXPECT_TRUE(pass(Duration{} - nanoseconds(1)).empty());
  Ticket next = 1;
  while (const auto at = disk_.next_wakeup()) {
    EXPECT_GE(*at, start);
    for (const Done& done : pass(*at - now_)) EXPECT_EQ(done.completion.ticket, next++);
  }
  EXPECT_EQ(next, 101u);
}

TEST_F(DiskTest, TheDelayHasItsMean) {
  Duration sum{};
  for (int i = 0; i < 2'000; ++i) {
    write(1);
    sum = sum + (*disk_.next_wakeup() - now_);
    pass();
  }
  EXPECT_NEAR(sum.seconds() / 2'000, DiskOptions{}.delay_mean.seconds(), 0.0002);
}

TEST(Disk, ACrashKeepsWhatWasCompletedAndAPrefixOfTheRest) {
  std::set<size_t> survived;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Disk disk({}, Rng(seed));
    for (uint8_t i = 0; i < 5; ++i) {
      Operation operation;
      operation.kind = OperationKind::write;
      operation.key = key_of(i);
      FrameOutbox frame(1, 1 << 10);
      ASSERT_TRUE(frame.push(0, operation));
      disk.take(start, 0, frame.bytes(frame.entries()[0]));
      if (i == 0) disk.advance(start + seconds(10), [](uint32_t, Bytes) {});
    }
    disk.crash();
    EXPECT_EQ(disk.next_wakeup(), std::nullopt);
    survived.insert(disk.rows_count());
    std::vector<Id> keys;
    disk.load(start, 0, 1, 0);
    disk.advance(start + seconds(10), [&](uint32_t, Bytes frame) {
      const Completion& loaded = *frame_header<Completion>(frame);
      if (loaded.kind == CompletionKind::record_loaded) keys.push_back(loaded.key);
    });
    ASSERT_EQ(keys.size(), disk.rows_count());
    for (uint8_t i = 0; i < keys.size(); ++i) EXPECT_EQ(keys[i], key_of(i));
  }
  EXPECT_EQ(survived, (std::set<size_t>{1, 2, 3, 4, 5}));
}

TEST_F(DiskTest, ACrashOfOneThatFailsKeepsNothingMore) {
  disk_.set_works(false);
  for (uint8_t i = 0; i < 50; ++i) write(i);
  disk_.crash();
  EXPECT_EQ(disk_.rows_count(), 0u);
}

TEST_F(DiskTest, AReadThatACrashInterruptsLeavesNothing) {
  for (uint8_t i = 0; i < 50; ++i) take(operation(OperationKind::read, i));
  disk_.crash();
  EXPECT_EQ(disk_.rows_count(), 0u);
}

// To the shard that owns its key, in the order of the keys' last two bytes.
TEST_F(DiskTest, ARestartHandsBackEveryRow) {
  constexpr uint32_t shards = 3;
  for (uint8_t i = 40; i > 0; --i) write(i);
  pass();
  const Octets listed = {0xa1, 'x'};
  disk_.list_published(network, key_of(200), {5, 6, 7, 8}, listed);
  disk_.load(now_, network, shards, 99);
  const std::vector<Done> loaded = pass();
  ASSERT_EQ(loaded.size(), 41 + 2 * shards);
  uint32_t published = 0;
  uint32_t before = 0;
  for (size_t i = 0; i < 41; ++i) {
    const Completion& row = loaded[i].completion;
    EXPECT_EQ(row.kind, CompletionKind::record_loaded);
    EXPECT_EQ(loaded[i].shard, shard_of(row.key, shards));
    EXPECT_TRUE(row.has_value);
    EXPECT_EQ(row.value_size, loaded[i].value.size());
    EXPECT_EQ(row.fingerprint, value_fingerprint(99, loaded[i].value));
    EXPECT_EQ(row.ticket, 0u);
    if (row.store.is_published()) {
      ++published;
      EXPECT_EQ(row.key, key_of(200));
      EXPECT_EQ(row.times, (RecordTimes{5, 6, 7, 8}));
      EXPECT_EQ(loaded[i].value, listed);
      EXPECT_EQ(row.source_prefix, 0u);
      continue;
    }
    EXPECT_GT(load_prefix(row.key), before);
    before = load_prefix(row.key);
    EXPECT_EQ(row.store, StoreId(network));
    EXPECT_EQ(row.times, (RecordTimes{1, 2, 3, 4}));
    EXPECT_EQ(row.source_prefix, 77u);
    EXPECT_EQ(loaded[i].value, hello);
  }
  EXPECT_EQ(published, 1u);
  std::set<std::pair<uint32_t, StoreId>> ended;
  for (size_t i = 41; i < loaded.size(); ++i) {
    EXPECT_EQ(loaded[i].completion.kind, CompletionKind::load_finished);
    ended.emplace(loaded[i].shard, loaded[i].completion.store);
  }
  EXPECT_EQ(ended.size(), 2 * shards) << "the end of each list, for each shard";
  EXPECT_EQ(disk_.rows_count(), 41u);
}

TEST(Disk, KeysAreOrderedByTheirLastTwoBytesAndThenWhole) {
  Disk disk({}, Rng(1));
  std::vector<Id> keys(4);
  keys[0].bytes[0] = 9;
  keys[1].bytes[0] = 10;
  keys[2].bytes[id_size - 1] = 1;
  keys[3].bytes[id_size - 2] = 1;
  for (const size_t i : {3, 1, 2, 0}) disk.list_published(network, keys[i], {}, hello);
  disk.load(start, network, 1, 0);
  std::vector<Id> loaded;
  disk.advance(start + seconds(10), [&](uint32_t, Bytes frame) {
    const Completion& row = *frame_header<Completion>(frame);
    if (row.kind == CompletionKind::record_loaded) loaded.push_back(row.key);
  });
  EXPECT_EQ(loaded, keys);
}

TEST(Disk, OnlyAShareOfTheValuesIsLoadedWithItsRow) {
  for (const double share : {0.0, 0.25, 1.0}) {
    Disk disk({milliseconds(2), share}, Rng(2));
    for (uint32_t i = 0; i < 2'000; ++i) {
      Id key;
      key.bytes[3] = static_cast<uint8_t>(i);
      key.bytes[4] = static_cast<uint8_t>(i >> 8);
      disk.list_published(network, key, {}, hello);
    }
    disk.load(start, network, 1, 0);
    uint32_t with_value = 0;
    disk.advance(start + hours(1), [&](uint32_t, Bytes frame) {
      const Completion& row = *frame_header<Completion>(frame);
      with_value += row.has_value;
      if (row.kind == CompletionKind::record_loaded) {
        EXPECT_EQ(row.value_size, hello.size());
        EXPECT_EQ(frame_tail<Completion>(frame).size(), row.has_value ? hello.size() : 0);
      }
    });
    EXPECT_NEAR(with_value, 2'000 * share, share == 0.25 ? 80 : 0);
  }
}

// A sixteenth of a write's delay for each row.
TEST(Disk, LoadingTakesTime) {
  Disk disk({milliseconds(16), 1}, Rng(3));
  for (uint32_t i = 0; i < 2'000; ++i) {
    Id key;
    key.bytes[3] = static_cast<uint8_t>(i);
    key.bytes[4] = static_cast<uint8_t>(i >> 8);
    disk.list_published(network, key, {}, hello);
  }
  disk.load(start, network, 1, 0);
  uint32_t rows = 0;
  disk.advance(start + seconds(1), [&](uint32_t, Bytes) { ++rows; });
  EXPECT_NEAR(rows, 1'000, 100);
}

}  // namespace
}  // namespace xord::sim
