// Which records a store reports as due for republish, and the list of what a node published: kept
// by the same store with other times. The test plays the disk.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

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

// Each record has its own moment within a sixth of the period, not all of them the same.
TEST_F(RepublishTest, RecordsAreDueThroughoutASixthOfThePeriodAndNoLaterThanABucket) {
  constexpr NodeSeconds bucket = 60;  // Of a ring of two hours, in 126 parts.
  for (uint32_t i = 0; i < 300; ++i) put(i);
  const Instant stored = now;
  std::map<Id, NodeSeconds> first;
  for (; now < stored + seconds(2 * hour); now = now + seconds(1)) {
    store.advance(now, operations);
    while (const auto key = store.take_due()) {
      first.try_emplace(*key, static_cast<NodeSeconds>((now - stored).whole_seconds()));
    }
  }
  ASSERT_EQ(first.size(), 300u);
  std::set<NodeSeconds> times;
  for (const auto& [key, time] : first) times.insert(time);
  EXPECT_GE(*times.begin(), hour);
  EXPECT_LE(*times.begin(), hour + hour / 60 + bucket);
  EXPECT_GE(*times.rbegin(), hour + hour / 6 - hour / 60);
  EXPECT_LE(*times.rbegin(), hour + hour / 6 + bucket);
}

TEST_F(RepublishTest, WhatWasHandedOutInVainComesAgainAfterFiveMinutes) {
  put(1);
  std::vector<Instant> handed_out;
  const Instant until = now + seconds(3 * hour);
  for (; now < until; now = now + seconds(1)) {
    store.advance(now, operations);
    while (store.take_due()) handed_out.push_back(now);
  }
  EXPECT_EQ(store.counters().read(StoreCount::republish_due), handed_out.size());
  ASSERT_GT(handed_out.size(), 3u);
  for (size_t i = 1; i < handed_out.size(); ++i) {
    EXPECT_GE(handed_out[i] - handed_out[i - 1], seconds(300));
    EXPECT_LE(handed_out[i] - handed_out[i - 1], seconds(300 + 60));
  }
}

TEST_F(RepublishTest, ARecordIsDueFromTheSecondOnInWhichItsPeriodIsOver) {
  const NodeSeconds at = node_seconds(now);
  const RecordTimes times{0, at - 100'000, at, at + 100'000};
  EXPECT_FALSE(store.is_due(times, instant_of(at + hour - 1)));
  EXPECT_TRUE(store.is_due(times, instant_of(at + hour)));
  EXPECT_FALSE(store.is_half_due(times, instant_of(at + hour / 2 - 1)));
  EXPECT_TRUE(store.is_half_due(times, instant_of(at + hour / 2)));
  const Store never{StoreConfig{}};
  EXPECT_FALSE(never.is_due(times, instant_of(at + 90'000)));
  EXPECT_FALSE(never.is_half_due(times, instant_of(at + 90'000)));
}

TEST_F(RepublishTest, NothingIsDueWhereNothingIsRepublished) {
  StoreConfig config = hourly();
  config.republish.after = 0;
  Store never(config);
  Completion completion;
  completion.kind = CompletionKind::load_finished;
  never.complete(now, completion, {});
  never.begin_store(now, {key_of(1), bytes_of("value"), 0, 0}, operations);
  completion.kind = CompletionKind::written;
  completion.ticket = frame_header<Operation>(operations.bytes(operations.entries()[0]))->ticket;
  never.complete(now, completion, {});
  for (int i = 0; i < 48; ++i) {
    now = now + seconds(hour);
    never.advance(now, operations);
    EXPECT_FALSE(never.take_due());
  }
}

// A node that was off for long does not begin with all of its records.
TEST_F(RepublishTest, RecordsLoadedAfterALongAbsenceAreDueOverASixthOfThePeriod) {
  for (uint32_t i = 0; i < 100; ++i) {
    Completion loaded;
    loaded.kind = CompletionKind::record_loaded;
    loaded.key = key_of(i);
    loaded.value_size = 5;
    const NodeSeconds long_ago = node_seconds(now) - 20 * hour;
    loaded.times = {long_ago, long_ago, long_ago, node_seconds(now) + 100 * hour};
    store.complete(now, loaded, {});
  }
  const auto once = [](const std::multiset<Id>& due) { return std::set(due.begin(), due.end()); };
  const size_t at_first = once(due_within(hour / 12)).size();
  EXPECT_GT(at_first, 20u);
  EXPECT_LT(at_first, 80u);
  EXPECT_EQ(once(due_within(hour / 2)).size(), 100u);
}

TEST_F(RepublishTest, WhatIsPublishedAgainIsRenewedIfItIsStillWhatIsHeld) {
  const auto published = [&] { return store.find(now, key_of(1)).times.published; };
  store.renew(now, key_of(1), bytes_of("value"), operations);
  EXPECT_TRUE(operations.entries().empty()) << "nothing is held";
  put(1);
  const NodeSeconds before = published();
  now = now + seconds(hour);
  store.renew(now, key_of(1), bytes_of("other"), operations);
  EXPECT_EQ(published(), before) << "another value";
  store.begin_store(now, {key_of(1), bytes_of("other"), 0, 0}, operations);
  store.renew(now, key_of(1), bytes_of("value"), operations);
  EXPECT_EQ(published(), before) << "another store is pending";
  commit(CompletionKind::write_failed);
  store.renew(now, key_of(1), bytes_of("value"), operations);
  const NodeSeconds at = node_seconds(now);
  EXPECT_EQ(store.find(now, key_of(1)).times, (RecordTimes{0, at, at, at + StoreConfig{}.ttl}));
  EXPECT_TRUE(due_within(hour).empty());
}

TEST_F(RepublishTest, WhatIsNotHeldIsNeitherNotedNorPutOff) {
  store.note_republished(now, key_of(1));
  store.put_off(now, key_of(1));
  EXPECT_FALSE(store.next_wakeup());
  store.begin_store(now, {key_of(1), bytes_of("value"), 0, 0}, operations);
  store.note_republished(now, key_of(1));  // Its first write is pending.
  store.put_off(now, key_of(1));
  EXPECT_FALSE(store.next_wakeup()) << "only what is committed comes due";
}

class PublishedListTest : public RepublishTest {
 protected:
  explicit PublishedListTest(StoreConfig with = daily()) : RepublishTest(with) {}
  static StoreConfig daily() {
    StoreConfig config;
    config.ttl = ttl_max;
    config.republish = {24 * hour, true};
    config.times_on_disk = StoreConfig::TimesOnDisk::at_once;
    config.memory_max = 0;
    return config;
  }
  void survey() {
    now = now + seconds(1);
    store.advance(now, operations);
  }
  uint64_t count(StoreCount which) const { return store.counters().read(which); }
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

TEST_F(PublishedListTest, HowManyKeysAreOverdueAndHowOldTheOldestIsAreGauges) {
  survey();
  EXPECT_EQ(count(StoreCount::oldest_seconds), 0u) << "none";
  put(1);
  now = now + seconds(10 * hour);
  put(2);
  survey();
  EXPECT_EQ(count(StoreCount::overdue), 0u);
  EXPECT_EQ(count(StoreCount::oldest_seconds), 10 * hour + 1);
  due_within(18 * hour + 600);  // The jitter is over: a sixth of the day.
  survey();
  EXPECT_EQ(count(StoreCount::overdue), 1u);
  EXPECT_GT(count(StoreCount::oldest_seconds), 28 * hour);
  store.renew(now, key_of(1), bytes_of("value"), operations);
  survey();
  EXPECT_EQ(count(StoreCount::overdue), 1u) << "it is published once that is on disk";
  commit();
  survey();
  EXPECT_EQ(count(StoreCount::overdue), 0u);
  EXPECT_LT(count(StoreCount::oldest_seconds), 19 * hour);
  EXPECT_GT(count(StoreCount::oldest_seconds), 18 * hour);
  ASSERT_EQ(store.begin_remove(now, key_of(2), operations).kind, StoreOutcome::Kind::pending);
  commit();
  survey();
  EXPECT_LT(count(StoreCount::oldest_seconds), 10u) << "the other one was published just now";
}

struct LongListTest : PublishedListTest {
  static StoreConfig many() {
    StoreConfig config = daily();
    config.records_max = 20'000;
    return config;
  }
  LongListTest() : PublishedListTest(many()) {}
};

TEST_F(LongListTest, ALongListIsWalkedInSeveralSeconds) {
  for (uint32_t i = 0; i < 20'000; ++i) put(i);
  now = now + seconds(hour);
  store.advance(now, operations);
  store.advance(now, operations);
  EXPECT_EQ(count(StoreCount::oldest_seconds), 0u) << "not more than a part each second";
  survey();
  EXPECT_EQ(count(StoreCount::oldest_seconds), hour + 1);
}

TEST_F(RepublishTest, RecordsThatAreDueByTheirLastStoreAreNotSurveyed) {
  put(1);
  due_within(2 * hour);
  EXPECT_EQ(store.counters().read(StoreCount::oldest_seconds), 0u);
  EXPECT_EQ(store.counters().read(StoreCount::overdue), 0u);
}

}  // namespace
}  // namespace xord
