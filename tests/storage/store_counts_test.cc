// What a store counts, and its bounds to the second and the byte.
#include "storage/store.h"
#include "tests/storage/store_fixture.h"

namespace xord::testing {
namespace {

struct CountedStoreTest : StoreTest {
  using Counted = std::map<std::string_view, uint64_t>;

  explicit CountedStoreTest(StoreConfig with = {.writes_max = 4}) : StoreTest(with) {}

  // What was counted since the last call. Gauges are no counts.
  Counted counted() {
    Counted grown;
    for (size_t i = 0; i < Counters<StoreCount>::size; ++i) {
      const CountInfo& info = info_of(StoreCount{})[i];
      const uint64_t value = store.counters().read(static_cast<StoreCount>(i));
      if (info.kind == CountKind::counter && value != before[i])
        grown[info.name] = value - before[i];
      before[i] = value;
    }
    return grown;
  }
  uint64_t gauge(StoreCount which) const { return store.counters().read(which); }
  Completion loaded_record(uint32_t key, std::string_view value) const {
    const NodeSeconds at = node_seconds(now);
    Completion loaded;
    loaded.kind = CompletionKind::record_loaded;
    loaded.key = key_of(key);
    loaded.source_prefix = 7;
    loaded.has_value = true;
    loaded.value_size = static_cast<uint32_t>(value.size());
    loaded.times = {at, at, at, at + day};
    loaded.fingerprint = value_fingerprint(config.hash_seed, bytes_of(value));
    return loaded;
  }

  std::array<uint64_t, Counters<StoreCount>::size> before{};
};

TEST_F(CountedStoreTest, EachEndOfAStoreOrALookUpIsCountedOnceUnderItsName) {
  EXPECT_EQ(served(1), "-");
  EXPECT_EQ(counted(), (Counted{{"absent", 1}}));
  const StoreOutcome one = begin(1, "one");
  EXPECT_EQ(counted(), Counted{}) << "not before the disk has it";
  EXPECT_EQ(gauge(StoreCount::writes_pending), 1u);
  answer(one.ticket, CompletionKind::written);
  EXPECT_EQ(counted(), (Counted{{"stored", 1}}));
  EXPECT_EQ(gauge(StoreCount::writes_pending), 0u);
  EXPECT_EQ(gauge(StoreCount::records), 1u);
  EXPECT_EQ(gauge(StoreCount::value_bytes), 3u);
  EXPECT_EQ(gauge(StoreCount::cached_bytes), 16u) << "8 of a header, and 3 rounded up to 8";
  EXPECT_EQ(served(1), "one");
  EXPECT_EQ(counted(), (Counted{{"found", 1}}));
  EXPECT_EQ(begin(1, "one").kind, StoreOutcome::Kind::unchanged);
  EXPECT_EQ(counted(), (Counted{{"unchanged", 1}}));
  answer(begin(1, "two").ticket, CompletionKind::write_failed);
  EXPECT_EQ(counted(), (Counted{{"write_failed", 1}}));
  EXPECT_EQ(store.begin_remove(now, key_of(2), operations).refusal, StoreRefusal::none);
  EXPECT_EQ(counted(), Counted{}) << "there is nothing to remove";
  answer(store.begin_remove(now, key_of(1), operations).ticket, CompletionKind::written);
  EXPECT_EQ(counted(), (Counted{{"removed", 1}}));
  EXPECT_EQ(gauge(StoreCount::records), 0u);
  EXPECT_EQ(gauge(StoreCount::value_bytes), 0u);
  EXPECT_EQ(gauge(StoreCount::cached_bytes), 0u);
}

TEST_F(CountedStoreTest, EachRefusalIsCountedUnderItsReason) {
  put(1, "new");
  counted();
  EXPECT_EQ(begin(1, "old", config.ttl).refusal, StoreRefusal::too_old);
  EXPECT_EQ(counted(), (Counted{{"refused_too_old", 1}}));
  EXPECT_EQ(begin(1, "old", 1).refusal, StoreRefusal::older);
  EXPECT_EQ(counted(), (Counted{{"refused_older", 1}}));
  EXPECT_EQ(begin(2, std::string(config.value_size_max + 1, 'v')).refusal, StoreRefusal::too_large);
  EXPECT_EQ(counted(), (Counted{{"refused_too_large", 1}}));
  EXPECT_EQ(begin(2, std::string(config.value_size_max, 'v')).kind, StoreOutcome::Kind::pending);
  for (uint32_t i = 1; i < config.writes_max; ++i) begin(2 + i, "v");
  EXPECT_EQ(begin(99, "v").refusal, StoreRefusal::busy);
  EXPECT_EQ(counted(), (Counted{{"refused_busy", 1}}));
  EXPECT_EQ(store.begin_remove(now, key_of(1), operations).refusal, StoreRefusal::busy);
  EXPECT_EQ(counted(), (Counted{{"refused_busy", 1}}));
}

TEST_F(CountedStoreTest, WhatLoadingBringsIsCountedAndSoIsWhatIsAskedForBefore) {
  Store young(config);
  const auto count = [&](StoreCount which) { return young.counters().read(which); };
  young.find(now, key_of(1));
  EXPECT_EQ(count(StoreCount::not_loaded), 1u);
  young.begin_store(now, {key_of(1), bytes_of("x"), 0, 0}, operations);
  EXPECT_EQ(count(StoreCount::refused_loading), 1u);
  EXPECT_EQ(young.begin_remove(now, key_of(1), operations).refusal, StoreRefusal::loading);
  EXPECT_EQ(count(StoreCount::refused_loading), 2u);
  young.complete(now, loaded_record(1, "one"), bytes_of("one"));
  young.complete(now, loaded_record(1, "two"), bytes_of("two"));
  EXPECT_EQ(count(StoreCount::loaded), 1u) << "the one that is held is newer";
  EXPECT_EQ(text_of(young.find(now, key_of(1)).value), "one");
  Completion last_second = loaded_record(2, "two");
  last_second.times.expiry = node_seconds(now) + 1;
  young.complete(now, last_second, bytes_of("two"));
  EXPECT_EQ(count(StoreCount::loaded), 2u);
  EXPECT_EQ(count(StoreCount::records), 2u);
  EXPECT_EQ(count(StoreCount::value_bytes), 6u);
  EXPECT_EQ(count(StoreCount::loaded_expired), 0u);
  Completion expired = loaded_record(3, "two");
  expired.times.expiry = node_seconds(now);
  young.complete(now, expired, bytes_of("two"));
  EXPECT_EQ(count(StoreCount::loaded_expired), 1u);
  EXPECT_EQ(count(StoreCount::loaded), 2u);

  Completion failed;
  failed.kind = CompletionKind::load_failed;
  young.complete(now, failed, {});
  young.begin_store(now, {key_of(1), bytes_of("x"), 0, 0}, operations);
  EXPECT_EQ(young.begin_remove(now, key_of(1), operations).refusal, StoreRefusal::disk_failed);
  EXPECT_EQ(count(StoreCount::refused_failed), 2u);
}

// Ranges come in order of the last two bytes of their keys.
TEST_F(CountedStoreTest, WhileItLoadsItKnowsTheRangesBeforeTheOneThatIsComing) {
  Store young(config);
  Completion loaded = loaded_record(1, "one");
  const auto of_range = [](uint16_t range) {
    Id key = key_of(9);
    store_be16(&key.bytes[18], range);
    return key;
  };
  loaded.key = of_range(0x0200);
  young.complete(now, loaded, bytes_of("one"));
  EXPECT_TRUE(young.is_loaded(of_range(0x01ff)));
  EXPECT_FALSE(young.is_loaded(of_range(0x0200)));
  EXPECT_EQ(young.find(now, of_range(0x01ff)).presence, Presence::absent);
  EXPECT_EQ(young.find(now, of_range(0x0201)).presence, Presence::loading);
  EXPECT_EQ(young.begin_store(now, {of_range(0x01ff), bytes_of("x"), 0, 0}, operations).kind,
            StoreOutcome::Kind::pending);
  loaded.key = of_range(0x0100);  // A row that is loaded late.
  young.complete(now, loaded, bytes_of("one"));
  EXPECT_TRUE(young.is_loaded(of_range(0x01ff))) << "what is known stays known";
}

TEST_F(CountedStoreTest, ACompletionForAnotherStoreIsNone) {
  const StoreOutcome one = begin(1, "one");
  Completion completion;
  completion.ticket = one.ticket;
  completion.kind = CompletionKind::written;
  completion.store = {config.id.network, StoreList::published};
  EXPECT_EQ(store.complete(now, completion, {}).kind, Finished::Kind::nothing);
  EXPECT_EQ(gauge(StoreCount::writes_pending), 1u);
  EXPECT_EQ(counted(), Counted{});
}

struct ColdCountedStoreTest : CountedStoreTest {
  ColdCountedStoreTest() : CountedStoreTest({.memory_max = 0, .reads_max = 2}) {}
};

TEST_F(ColdCountedStoreTest, AReadIsCountedUntilItEndsAndThoseThatFailToBegin) {
  put(1, "one");
  counted();
  EXPECT_EQ(store.find(now, key_of(1)).presence, Presence::cold);
  EXPECT_EQ(counted(), (Counted{{"found_cold", 1}}));
  FrameOutbox full(0, 1024);
  EXPECT_FALSE(store.begin_read(now, key_of(1), full));
  EXPECT_EQ(counted(), (Counted{{"read_failed", 1}}));
  EXPECT_FALSE(store.begin_read(now, key_of(2), operations));
  EXPECT_EQ(counted(), Counted{}) << "there is nothing to read";
  const auto first = store.begin_read(now, key_of(1), operations);
  EXPECT_EQ(last_operation().key, key_of(1));
  const auto second = store.begin_read(now, key_of(1), operations);
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(gauge(StoreCount::reads_pending), 2u);
  EXPECT_FALSE(store.begin_read(now, key_of(1), operations));
  EXPECT_EQ(counted(), (Counted{{"read_failed", 1}}));
  Completion lost;
  lost.ticket = *first;
  lost.kind = CompletionKind::value_lost;
  lost.key = key_of(1);
  store.complete(now, lost, {});
  EXPECT_EQ(counted(), (Counted{{"read_failed", 1}}));
  EXPECT_EQ(gauge(StoreCount::reads_pending), 1u);
  lost.key = key_of(2);  // Removed meanwhile.
  EXPECT_EQ(store.complete(now, lost, {}).kind, Finished::Kind::read);
  EXPECT_EQ(counted(), Counted{});
  EXPECT_EQ(gauge(StoreCount::reads_pending), 0u);
}

// ---- Limits, to the byte and to the second.

TEST_F(StoreTest, TheDiskLagsByATwentyFourthOfTheLifeOfARecordAndNotASecondMore) {
  put(1, "one");
  pass(config.ttl / 24);
  EXPECT_EQ(begin(1, "one").kind, StoreOutcome::Kind::unchanged);
  pass(1);
  EXPECT_EQ(begin(1, "one").kind, StoreOutcome::Kind::pending);
}

TEST_F(StoreTest, TimesAreWrittenWithAtLeastTwoBucketsOfTheRingToSpare) {
  Records like_the_stores(config.records_max);
  const NodeSeconds bucket = ExpiryRing(like_the_stores, config.ttl).bucket_seconds();
  ASSERT_LT(3 * bucket, config.ttl / 24) << "else that is the margin";
  put(1, "one");
  const NodeSeconds on_disk = node_seconds(now) + config.ttl;
  pass(1000);
  ASSERT_EQ(begin(1, "one").kind, StoreOutcome::Kind::unchanged);
  while (operations.entries().empty()) {
    now = *store.next_wakeup();
    store.advance(now, operations);
  }
  EXPECT_GE(on_disk - node_seconds(now), 2 * bucket);
  EXPECT_LE(on_disk - node_seconds(now), 3 * bucket);
}

TEST_F(StoreTest, ARecordThatExpiresWhileAWriteOfItIsPendingWaitsForTheWrite) {
  put(1, "one");
  const StoreOutcome two = begin(1, "two");
  pass(2 * config.ttl);
  for (int i = 0; i < 3; ++i) {
    now = *store.next_wakeup();
    store.advance(now, operations);
  }
  EXPECT_EQ(store.counters().read(StoreCount::records), 1u);
  EXPECT_EQ(answer(two.ticket, CompletionKind::write_failed).kind, Finished::Kind::store_failed);
  now = *store.next_wakeup();
  store.advance(now, operations);
  EXPECT_EQ(store.counters().read(StoreCount::records), 0u);
}

TEST_F(StoreTest, AScanSaysHowLargeEachValueIs) {
  put(1, "12345");
  EXPECT_EQ(store.first_from(now, Id{})->value_size, 5u);
}

TEST_F(SmallStoreTest, HalfOfTheRoomForWritesIsKeptForCallers) {
  const auto turn = [&] {
    now = *store.next_wakeup();
    store.advance(now, operations);
  };
  put(0, "v");
  const NodeSeconds on_disk = node_seconds(now) + config.ttl;
  pass(config.ttl / 24);
  ASSERT_EQ(begin(0, "v").kind, StoreOutcome::Kind::unchanged);
  ASSERT_EQ(begin(1, "v").kind, StoreOutcome::Kind::pending);
  const StoreOutcome second = begin(1, "w");  // Two of four: no more for upkeep.
  operations.clear();
  while (node_seconds(now) + config.ttl / 24 < on_disk) turn();
  EXPECT_TRUE(operations.entries().empty());
  answer(second.ticket, CompletionKind::write_failed);
  turn();
  ASSERT_EQ(operations.entries().size(), 1u) << "one of four";
  EXPECT_EQ(last_operation().kind, OperationKind::write_times);
}

struct BusyKeyStoreTest : StoreTest {
  BusyKeyStoreTest() : StoreTest({.writes_max = 300}) {}
};

TEST_F(BusyKeyStoreTest, OneKeyHasAtMost255PendingWrites) {
  for (uint32_t i = 0; i < 255; ++i) {
    ASSERT_EQ(begin(1, std::to_string(i)).kind, StoreOutcome::Kind::pending) << i;
  }
  EXPECT_EQ(begin(1, "one more").refusal, StoreRefusal::busy);
  EXPECT_EQ(begin(2, "of another key").kind, StoreOutcome::Kind::pending);
}

TEST_F(ManyStoreTest, ATurnThatDidItsShareGoesOnANanosecondLaterAndNotBefore) {
  for (uint32_t i = 0; i < 257; ++i) put(i, "v");
  pass(2 * config.ttl);
  store.advance(now, operations);
  EXPECT_EQ(store.counters().read(StoreCount::records), 1u) << "256 a turn";
  EXPECT_EQ(*store.next_wakeup(), now + nanoseconds(1));
  store.advance(now, operations);
  EXPECT_EQ(store.counters().read(StoreCount::records), 1u) << "the same turn";
  now = now + nanoseconds(1);
  store.advance(now, operations);
  EXPECT_EQ(store.counters().read(StoreCount::records), 0u);
}

// ---- What is so unless asked for otherwise (docs/commands/run.md).

TEST(StoreConfig, ARecordLivesAWeekAndTheListOfWhatWasPublishedIsKeptForGood) {
  EXPECT_EQ(StoreConfig{}.ttl, 7 * day);
  EXPECT_EQ(StoreConfig{}.value_size_max, 8192u);
  EXPECT_EQ(StoreConfig{}.republish.after, 0u);
  const StoreConfig published = published_list_config(3);
  EXPECT_EQ(published.id, (StoreId{3, StoreList::published}));
  EXPECT_EQ(published.ttl, ttl_max);
  EXPECT_EQ(published.republish.after, day);
  EXPECT_TRUE(published.republish.since_publication);
  EXPECT_EQ(published.times_on_disk, StoreConfig::TimesOnDisk::at_once);
  EXPECT_EQ(published.memory_max, 0u);
}

}  // namespace
}  // namespace xord::testing
