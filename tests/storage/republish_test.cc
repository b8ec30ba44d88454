// Which records a store reports as due for republish, and the list of what a node published: kept
// by the same store with other times. The test plays the disk.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "storage/store.h"

namespace xord {
namespace {

constexpr NodeSeconds hour = 3600;

Id key_of(uint32_t number) {
  Id key;
  store_be32(&key.bytes[4], number);
  store_be32(&key.bytes[16], number * 0x9e3779b1u);
  return key;
}

class RepublishTest : public ::testing::Test {
 protected:
  explicit RepublishTest(StoreConfig with = hourly()) : store(with) { load(); }

  static StoreConfig hourly() {
    StoreConfig config;
    config.hash_seed = 5;
    config.republish.after = hour;
    return config;
  }
  void load() {
    Completion completion;
    completion.kind = CompletionKind::load_finished;
    store.complete(now, completion, {});
  }
  // Answers all operations that the disk was given.
  void commit(CompletionKind kind = CompletionKind::written) {
    std::vector<Operation> asked;
    for (const auto& entry : operations.entries()) {
      asked.push_back(*frame_header<Operation>(operations.bytes(entry)));
    }
    operations.clear();
    for (const Operation& operation : asked) {
      Completion completion;
      completion.ticket = operation.ticket;
      completion.kind = kind;
      store.complete(now, completion, {});
      last = operation;
    }
  }
  void put(uint32_t number, std::string_view value = "value", uint32_t age = 0) {
    store.begin_store(now, {key_of(number), bytes_of(value), age, 0}, operations);
    commit();
  }
  // Everything that comes due within `span`.
  std::multiset<Id> due_within(NodeSeconds span) {
    std::multiset<Id> due;
    const Instant until = now + seconds(span);
    for (; now < until; now = now + seconds(10)) {
      store.advance(now, operations);
      while (const auto key = store.take_due()) due.insert(*key);
    }
    return due;
  }

  Instant now = instant_of(first_node_seconds);
  FrameOutbox operations{1000, 1 << 20};
  Operation last;
  Store store;
};

TEST_F(RepublishTest, ARecordIsDueAnHourAfterItsLastStoreAndNotBefore) {
  put(1);
  EXPECT_TRUE(due_within(hour).empty());
  EXPECT_GE(due_within(hour / 6 + 240).count(key_of(1)), 1u);
}

TEST_F(RepublishTest, AStoreWithinTheHourPutsTheRepublishOff) {
  put(1);
  EXPECT_TRUE(due_within(hour / 2).empty());
  put(1);  // From another holder.
  EXPECT_TRUE(due_within(hour).empty());
  EXPECT_FALSE(due_within(hour / 2).empty());
}

TEST_F(RepublishTest, WhatWasHandedOutComesAgainUntilItIsRepublished) {
  put(1);
  EXPECT_GE(due_within(2 * hour).size(), 3u);
  store.note_republished(now, key_of(1));
  EXPECT_TRUE(due_within(hour).empty());
  EXPECT_FALSE(due_within(hour / 2).empty());
}

TEST_F(RepublishTest, WhatIsPutOffIsLookedAtAPeriodLater) {
  put(1);
  ASSERT_FALSE(due_within(2 * hour).empty());
  store.put_off(now, key_of(1));
  EXPECT_TRUE(due_within(hour - 60).empty());
  EXPECT_FALSE(due_within(hour / 2).empty());
}

TEST_F(RepublishTest, RecordsStoredTogetherAreNotDueTogether) {
  for (uint32_t i = 0; i < 100; ++i) put(i);
  EXPECT_TRUE(due_within(hour).empty());
  const size_t first = due_within(hour / 12 + 120).size();
  EXPECT_GT(first, 20u);
  EXPECT_LT(first, 95u);
}

TEST_F(RepublishTest, ExpiryComesInTimeThoughRepublishIsDueMoreOften) {
  put(1, "value", StoreConfig{}.ttl - 2 * hour);  // Two hours to live.
  due_within(2 * hour + 300);
  EXPECT_EQ(store.counters().read(StoreCount::expired), 1u);
  EXPECT_EQ(store.counters().read(StoreCount::records), 0u);
}

// Handed out in slices: an untaken slice delays the rest, and loses nothing.
TEST_F(RepublishTest, MoreThanFitsInOneSliceIsHandedOutInSeveral) {
  for (uint32_t i = 0; i < 300; ++i) put(i);
  now = now + seconds(2 * hour);
  std::set<Id> due;
  for (uint32_t round = 0; round < 300 && due.size() < 300; ++round) {
    store.advance(now, operations);
    size_t taken = 0;
    while (const auto key = store.take_due()) {
      due.insert(*key);
      ++taken;
    }
    ASSERT_LE(taken, 64u);
    now = now + (taken == 0 ? seconds(10) : milliseconds(1));
  }
  EXPECT_EQ(due.size(), 300u);
}

class PublishedListTest : public RepublishTest {
 protected:
  PublishedListTest() : RepublishTest(daily()) {}
  static StoreConfig daily() {
    StoreConfig config;
    config.ttl = ttl_max;
    config.republish = {24 * hour, true};
    config.times_on_disk = StoreConfig::TimesOnDisk::at_once;
    config.memory_max = 0;
    return config;
  }
};

TEST_F(PublishedListTest, AKeyIsDueADayAfterItsLastPublication) {
  put(1);
  EXPECT_TRUE(due_within(24 * hour).empty());
  EXPECT_GE(due_within(5 * hour).count(key_of(1)), 1u);
}

TEST_F(PublishedListTest, APublicationIsOnDiskAtOnce) {
  put(1);
  now = now + seconds(hour);
  put(1);  // Equal: republished.
  EXPECT_EQ(last.kind, OperationKind::write_times);
  EXPECT_EQ(last.times.published, node_seconds(now));
}

TEST_F(PublishedListTest, ARemovedKeyIsGoneOnceTheDiskErasedIt) {
  put(1);
  EXPECT_EQ(store.begin_remove(now, key_of(2), operations).kind, StoreOutcome::Kind::refused);
  ASSERT_EQ(store.begin_remove(now, key_of(1), operations).kind, StoreOutcome::Kind::pending);
  EXPECT_TRUE(store.first_from(now, Id{})->found.presence == Presence::cold);
  commit();
  EXPECT_EQ(last.kind, OperationKind::erase);
  EXPECT_FALSE(store.first_from(now, Id{}).has_value());
  EXPECT_EQ(store.counters().read(StoreCount::records), 0u);
  EXPECT_EQ(store.counters().read(StoreCount::value_bytes), 0u);
}

TEST_F(PublishedListTest, AFailedRemovalKeepsTheKey) {
  put(1);
  store.begin_remove(now, key_of(1), operations);
  commit(CompletionKind::write_failed);
  EXPECT_EQ(store.first_from(now, Id{})->key, key_of(1));
}

TEST_F(PublishedListTest, AnEqualStoreBehindARemovalIsANewRecord) {
  put(1);
  store.begin_remove(now, key_of(1), operations);
  const auto again = store.begin_store(now, {key_of(1), bytes_of("value"), 0, 0}, operations);
  EXPECT_EQ(again.kind, StoreOutcome::Kind::pending);
  commit();
  EXPECT_EQ(last.kind, OperationKind::write);
  EXPECT_EQ(store.first_from(now, Id{})->key, key_of(1));
  EXPECT_EQ(store.counters().read(StoreCount::records), 1u);
}

}  // namespace
}  // namespace xord
