// The store's guarantees, one a test.
#include "storage/store.h"

#include "tests/storage/store_fixture.h"

namespace xord::testing {
namespace {

TEST_F(StoreTest, ServesARecordOnlyOnceItsWriteIsCommitted) {
  const StoreOutcome outcome = begin(1, "one");
  ASSERT_EQ(outcome.kind, StoreOutcome::Kind::pending);
  EXPECT_EQ(served(1), "-");
  const Operation operation = last_operation();
  EXPECT_EQ(operation.kind, OperationKind::write);
  EXPECT_EQ(operation.key, key_of(1));
  EXPECT_EQ(operation.times.expiry, first_node_seconds + config.ttl);
  EXPECT_EQ(operation.source_prefix, 7);
  EXPECT_EQ(text_of(frame_tail<Operation>(operations.bytes(operations.entries()[0]))), "one");

  const Finished finished = answer(outcome.ticket, CompletionKind::written);
  EXPECT_EQ(finished.kind, Finished::Kind::stored);
  EXPECT_EQ(finished.ticket, outcome.ticket);
  EXPECT_EQ(served(1), "one");
}

TEST_F(StoreTest, AFailedStoreIsNeverServedAndTheOldValueStays) {
  const StoreOutcome first = begin(1, "one");
  EXPECT_EQ(answer(first.ticket, CompletionKind::write_failed).kind, Finished::Kind::store_failed);
  EXPECT_EQ(served(1), "-");
  EXPECT_EQ(store.counters().read(StoreCount::records), 0u);

  put(1, "one");
  const StoreOutcome second = begin(1, "two");
  EXPECT_EQ(served(1), "one");
  answer(second.ticket, CompletionKind::write_failed);
  EXPECT_EQ(served(1), "one");
}

TEST_F(StoreTest, OfTwoPendingStoresOfOneKeyTheLastCommittedWins) {
  const StoreOutcome one = begin(1, "one");
  const StoreOutcome two = begin(1, "two");
  answer(one.ticket, CompletionKind::written);
  EXPECT_EQ(served(1), "one");
  answer(two.ticket, CompletionKind::written);
  EXPECT_EQ(served(1), "two");
}

TEST_F(StoreTest, AnUnknownCompletionChangesNothing) {
  put(1, "one");
  const StoreOutcome outcome = begin(1, "two");
  answer(outcome.ticket, CompletionKind::written);
  EXPECT_EQ(answer(outcome.ticket, CompletionKind::write_failed).kind, Finished::Kind::nothing);
  EXPECT_EQ(answer(12'345, CompletionKind::written).kind, Finished::Kind::nothing);
  EXPECT_EQ(answer(99, CompletionKind::value_read).kind, Finished::Kind::nothing);
  EXPECT_EQ(served(1), "two");
  EXPECT_EQ(store.counters().read(StoreCount::stale_completions), 3u);
}

TEST_F(StoreTest, AnEqualStoreIsAcknowledgedFromMemoryWhileTheDiskLagsLittle) {
  put(1, "one");
  pass(3600);
  EXPECT_EQ(begin(1, "one").kind, StoreOutcome::Kind::unchanged);
  EXPECT_TRUE(operations.entries().empty());
  const Found found = store.find(now, key_of(1));
  EXPECT_EQ(found.times.published, first_node_seconds + 3600);
  EXPECT_EQ(found.times.expiry, first_node_seconds + 3600 + config.ttl);

  pass(config.ttl / 24);  // The disk would now lag by more than ttl/24.
  const StoreOutcome late = begin(1, "one");
  ASSERT_EQ(late.kind, StoreOutcome::Kind::pending);
  EXPECT_EQ(last_operation().kind, OperationKind::write_times);
  EXPECT_EQ(last_operation().times.expiry, node_seconds(now) + config.ttl);
  EXPECT_EQ(answer(late.ticket, CompletionKind::written).kind, Finished::Kind::stored);
  EXPECT_EQ(begin(1, "one").kind, StoreOutcome::Kind::unchanged);
}

TEST_F(StoreTest, AnEqualStoreNeverMovesATimeBackwards) {
  put(1, "one");
  const RecordTimes before = store.find(now, key_of(1)).times;
  EXPECT_EQ(begin(1, "one", 3 * day).kind, StoreOutcome::Kind::unchanged);
  EXPECT_EQ(store.find(now, key_of(1)).times, before);
}

TEST_F(StoreTest, AnotherValueThatIsOlderNeverReplacesANewerOne) {
  put(1, "new", 100);
  EXPECT_EQ(begin(1, "old", config.ttl - 1).refusal, StoreRefusal::older);
  EXPECT_EQ(begin(1, "old", 101).refusal, StoreRefusal::older);
  EXPECT_EQ(served(1), "new");
  EXPECT_EQ(store.counters().read(StoreCount::refused_older), 2u);
  EXPECT_TRUE(operations.entries().empty());

  pass(50);
  EXPECT_EQ(begin(1, "new", 10).kind, StoreOutcome::Kind::unchanged);  // It was published again.
  EXPECT_EQ(begin(1, "old", 11).refusal, StoreRefusal::older);
  put(1, "newer", 9);
  EXPECT_EQ(served(1), "newer");
}

TEST_F(StoreTest, OfEqualPublicationsTheLaterStoreWins) {
  put(1, "one", 100);
  put(1, "two", 100);
  EXPECT_EQ(served(1), "two");
  pass(5);
  put(1, "three", 105);
  EXPECT_EQ(served(1), "three");
}

TEST_F(StoreTest, AnOlderValueIsRefusedWhileTheNewerOneAwaitsTheDisk) {
  put(1, "first", 300);
  const StoreOutcome newer = begin(1, "new", 100);
  EXPECT_EQ(begin(1, "old", 200).refusal, StoreRefusal::older);
  EXPECT_EQ(begin(2, "new", 100).kind, StoreOutcome::Kind::pending);  // Nothing held is newer.
  EXPECT_EQ(begin(2, "old", 200).refusal, StoreRefusal::older);
  // It fails: what was held stays, and what was refused is now accepted.
  answer(newer.ticket, CompletionKind::write_failed);
  EXPECT_EQ(served(1), "first");
  EXPECT_EQ(begin(1, "old", 301).refusal, StoreRefusal::older);
  put(1, "old", 200);
  EXPECT_EQ(served(1), "old");
}

TEST_F(StoreTest, APendingWriteOfTimesCountsAsThePublicationThatItWillBe) {
  put(1, "one", 2 * day);
  const StoreOutcome again = begin(1, "one");  // More than ttl/24 beyond what is on disk.
  ASSERT_EQ(last_operation().kind, OperationKind::write_times);
  EXPECT_EQ(begin(1, "two", day).refusal, StoreRefusal::older);
  // A concurrent equal store must not undo on disk what this one puts there.
  const StoreOutcome third = begin(1, "one", day);
  EXPECT_EQ(last_operation().times.published, node_seconds(now));
  answer(again.ticket, CompletionKind::written);
  answer(third.ticket, CompletionKind::written);
  EXPECT_EQ(begin(1, "two", day).refusal, StoreRefusal::older);
}

TEST_F(StoreTest, ARemovalThatFailsLetsNothingOlderIn) {
  put(1, "new", 100);
  const StoreOutcome removal = store.begin_remove(now, key_of(1), operations);
  EXPECT_EQ(begin(1, "old", 200).refusal, StoreRefusal::older);
  answer(removal.ticket, CompletionKind::write_failed);
  EXPECT_EQ(served(1), "new");
  const StoreOutcome second = store.begin_remove(now, key_of(1), operations);
  answer(second.ticket, CompletionKind::written);
  put(1, "old", 200);
  EXPECT_EQ(served(1), "old");
}

TEST_F(StoreTest, AnOlderValueIsRefusedAfterARestartToo) {
  put(1, "new", 100);
  const RecordTimes times = store.find(now, key_of(1)).times;
  Store again{config};
  Completion loaded;
  loaded.kind = CompletionKind::record_loaded;
  loaded.key = key_of(1);
  loaded.value_size = 3;
  loaded.times = times;
  loaded.fingerprint = value_fingerprint(config.hash_seed, bytes_of("new"));
  again.complete(now, loaded, {});
  load_finished(again);
  pass(10);
  const auto store_again = [&](std::string_view value, uint32_t age) {
    return again.begin_store(now, {key_of(1), bytes_of(value), age, 7}, operations);
  };
  EXPECT_EQ(store_again("old", 111).refusal, StoreRefusal::older);
  EXPECT_EQ(store_again("new", 111).kind, StoreOutcome::Kind::unchanged);
  EXPECT_EQ(store_again("two", 110).kind, StoreOutcome::Kind::pending);
}

TEST_F(StoreTest, WhatHasExpiredGivesWayToAnything) {
  put(1, "new", config.ttl - 10);
  pass(10);
  put(1, "old", config.ttl - 1);
  EXPECT_EQ(served(1), "old");
}

TEST_F(StoreTest, AgeCountsAgainstTheLifeOfARecord) {
  EXPECT_EQ(begin(1, "one", config.ttl).refusal, StoreRefusal::too_old);
  put(2, "two", config.ttl - 10);
  EXPECT_EQ(served(2), "two");
  EXPECT_EQ(store.find(now, key_of(2)).times.published, node_seconds(now) - (config.ttl - 10));
  pass(9);
  EXPECT_EQ(served(2), "two");
  pass(1);
  EXPECT_EQ(served(2), "-");
}

TEST_F(StoreTest, NothingExpiredIsServedEvenIfTheWheelNeverTurns) {
  put(1, "one");
  pass(config.ttl - 1);
  EXPECT_EQ(served(1), "one");
  pass(1);
  EXPECT_EQ(store.find(now, key_of(1)).presence, Presence::absent);
  EXPECT_FALSE(store.begin_read(now, key_of(1), operations));
  EXPECT_EQ(store.first_from(now, Id{})->found.presence, Presence::absent);
}

TEST_F(StoreTest, AnExpiredRecordIsDroppedWithinABucketAndItsKeyCanBeStoredAgain) {
  put(1, "one");
  pass(config.ttl);
  const Instant wakeup = *store.next_wakeup();
  EXPECT_LE((wakeup - now).whole_seconds(), 2 * (config.ttl / 62 + 1));
  now = wakeup;
  store.advance(now, operations);
  EXPECT_EQ(store.counters().read(StoreCount::expired), 1u);
  EXPECT_EQ(store.counters().read(StoreCount::records), 0u);
  EXPECT_FALSE(store.next_wakeup());
  put(1, "again");
  EXPECT_EQ(served(1), "again");
}

TEST_F(StoreTest, TimesThatOnlyMemoryKnowsAreWrittenBeforeTheExpiryOnDiskPasses) {
  put(1, "one");
  const NodeSeconds on_disk = node_seconds(now) + config.ttl;
  pass(config.ttl / 24);
  ASSERT_EQ(begin(1, "one").kind, StoreOutcome::Kind::unchanged);
  while (operations.entries().empty()) {
    ASSERT_TRUE(store.next_wakeup());
    now = *store.next_wakeup();
    store.advance(now, operations);
  }
  EXPECT_LT(node_seconds(now), on_disk);
  const Operation upkeep = last_operation();
  EXPECT_EQ(upkeep.kind, OperationKind::write_times);
  EXPECT_EQ(upkeep.times.expiry, on_disk + config.ttl / 24);
  // No caller waits for it.
  EXPECT_EQ(answer(upkeep.ticket, CompletionKind::written).kind, Finished::Kind::nothing);
  EXPECT_EQ(store.counters().read(StoreCount::times_written), 1u);
}

TEST_F(StoreTest, AnEqualStoreBehindAPendingOneIsWrittenAndNeverAsTimesAlone) {
  put(1, "one");
  const StoreOutcome two = begin(1, "two");
  pass(config.ttl / 2);
  const StoreOutcome again = begin(1, "one");
  ASSERT_EQ(again.kind, StoreOutcome::Kind::pending);
  EXPECT_EQ(last_operation().kind, OperationKind::write);
  answer(two.ticket, CompletionKind::written);
  EXPECT_EQ(served(1), "two");
  answer(again.ticket, CompletionKind::written);
  EXPECT_EQ(served(1), "one");
}

TEST_F(StoreTest, BeforeItsRecordsAreLoadedItSaysSo) {
  Store young(config);
  EXPECT_EQ(young.find(now, key_of(1)).presence, Presence::loading);
  EXPECT_EQ(young.begin_store(now, {key_of(1), bytes_of("x"), 0, 0}, operations).refusal,
            StoreRefusal::loading);
  EXPECT_FALSE(young.is_loaded());
  Completion loaded;
  loaded.kind = CompletionKind::record_loaded;
  loaded.key = key_of(1);
  loaded.value_size = 3;
  loaded.has_value = true;
  loaded.times = {0, node_seconds(now), node_seconds(now), node_seconds(now) + day};
  loaded.fingerprint = value_fingerprint(config.hash_seed, bytes_of("one"));
  young.complete(now, loaded, bytes_of("one"));
  EXPECT_EQ(text_of(young.find(now, key_of(1)).value), "one");
  load_finished(young);
  EXPECT_EQ(young.find(now, key_of(2)).presence, Presence::absent);
}

TEST_F(StoreTest, WithoutItsDiskItServesWhatItHasAndRefusesStores) {
  Store young(config);
  Completion failed;
  failed.kind = CompletionKind::load_failed;
  EXPECT_EQ(young.complete(now, failed, {}).kind, Finished::Kind::load_failed);
  EXPECT_EQ(young.find(now, key_of(1)).presence, Presence::absent);
  EXPECT_EQ(young.begin_store(now, {key_of(1), bytes_of("x"), 0, 0}, operations).refusal,
            StoreRefusal::disk_failed);
  load_finished(young);  // The disk recovered.
  EXPECT_EQ(young.begin_store(now, {key_of(1), bytes_of("x"), 0, 0}, operations).kind,
            StoreOutcome::Kind::pending);
}

TEST_F(StoreTest, ARecordFromARunWithAClockAheadGetsNoLongerLifeThanOneStoredNow) {
  Completion loaded;
  loaded.kind = CompletionKind::record_loaded;
  loaded.key = key_of(1);
  loaded.value_size = 3;
  loaded.has_value = true;
  const NodeSeconds ahead = node_seconds(now) + 365 * day;
  loaded.times = {ahead, ahead, ahead, ahead + config.ttl};
  loaded.fingerprint = value_fingerprint(config.hash_seed, bytes_of("one"));
  store.complete(now, loaded, bytes_of("one"));
  EXPECT_EQ(store.find(now, key_of(1)).times.expiry, node_seconds(now) + config.ttl);
  // It also goes to disk, or the next restart would prolong it again.
  now = *store.next_wakeup();
  store.advance(now, operations);
  ASSERT_EQ(operations.entries().size(), 1u);
  EXPECT_EQ(last_operation().kind, OperationKind::write_times);
  EXPECT_EQ(last_operation().times.expiry, first_node_seconds + config.ttl);
}

// When republished, its value would go into a buffer sized for the largest.
TEST_F(StoreTest, ARecordLargerThanAnyValueIsNotLoaded) {
  for (const uint32_t size : {config.value_size_max, config.value_size_max + 1}) {
    Completion loaded;
    loaded.kind = CompletionKind::record_loaded;
    loaded.key = key_of(size);
    loaded.value_size = size;
    loaded.times = {1, 1, 1, node_seconds(now) + day};
    store.complete(now, loaded, {});
  }
  EXPECT_EQ(store.find(now, key_of(config.value_size_max)).presence, Presence::cold);
  EXPECT_EQ(store.find(now, key_of(config.value_size_max + 1)).presence, Presence::absent);
  EXPECT_EQ(store.counters().read(StoreCount::loaded_refused), 1u);
}

struct HiddenStoreTest : StoreTest {
  HiddenStoreTest() : StoreTest({.loaded = LoadedRecords::hidden}) {}
};

TEST_F(HiddenStoreTest, WhileTheClockIsDoubtedLoadedRecordsAreNeitherServedNorTouched) {
  Completion loaded;
  loaded.kind = CompletionKind::record_loaded;
  loaded.key = key_of(1);
  loaded.times.expiry = node_seconds(now) + day;
  store.complete(now, loaded, {});
  EXPECT_EQ(store.find(now, key_of(1)).presence, Presence::absent);
  EXPECT_FALSE(store.next_wakeup());
  put(2, "two");
  EXPECT_EQ(served(2), "two");
}

struct OrderByStoreTest : StoreTest {
  OrderByStoreTest() : StoreTest({.order = StoreConfig::Order::by_store}) {}
};

// In the list of what is published, a key that is kept again gets a time a day back.
TEST_F(OrderByStoreTest, WhatIsStoredLaterReplacesAnythingPublishedLater) {
  EXPECT_EQ(published_list_config(0).order, StoreConfig::Order::by_store);
  put(1, "one");
  put(1, "two", day);
  EXPECT_EQ(served(1), "two");
}

TEST_F(ColdStoreTest, AValueOutOfMemoryIsReadFromDiskAndCheckedAgainstWhatWasCommitted) {
  put(1, "one");
  ASSERT_EQ(store.find(now, key_of(1)).presence, Presence::cold);
  const std::optional<Ticket> ticket = store.begin_read(now, key_of(1), operations);
  ASSERT_TRUE(ticket);
  EXPECT_EQ(last_operation().kind, OperationKind::read);
  Completion read;
  read.ticket = *ticket;
  read.kind = CompletionKind::value_read;
  read.key = key_of(1);
  Finished finished = store.complete(now, read, bytes_of("one"));
  EXPECT_EQ(finished.kind, Finished::Kind::read);
  EXPECT_EQ(finished.ticket, *ticket);
  EXPECT_EQ(text_of(finished.found.value), "one");

  read.ticket = store.begin_read(now, key_of(1), operations).value();
  finished = store.complete(now, read, bytes_of("eno"));  // Another value lies there.
  EXPECT_EQ(finished.kind, Finished::Kind::read);
  EXPECT_EQ(finished.found.presence, Presence::absent);

  read.ticket = store.begin_read(now, key_of(1), operations).value();
  read.kind = CompletionKind::value_lost;
  finished = store.complete(now, read, {});
  EXPECT_EQ(finished.kind, Finished::Kind::read);
  EXPECT_EQ(finished.found.presence, Presence::absent);

  read.ticket = store.begin_read(now, key_of(1), operations).value();
  read.kind = CompletionKind::read_failed;
  finished = store.complete(now, read, {});
  EXPECT_EQ(finished.kind, Finished::Kind::read_failed);
  read.kind = CompletionKind::value_read;

  read.ticket = store.begin_read(now, key_of(1), operations).value();
  pass(config.ttl);  // It expired while the disk was busy.
  finished = store.complete(now, read, bytes_of("one"));
  EXPECT_EQ(finished.kind, Finished::Kind::read);
  EXPECT_EQ(finished.found.presence, Presence::absent);
}

TEST_F(ColdStoreTest, AnEqualStoreIsKnownAsEqualWithoutItsValue) {
  put(1, "one");
  EXPECT_EQ(begin(1, "one").kind, StoreOutcome::Kind::unchanged);
  EXPECT_EQ(begin(1, "two").kind, StoreOutcome::Kind::pending);
}

TEST_F(ColdStoreTest, ReadsBeyondTheLimitAreRefused) {
  put(1, "one");
  for (uint32_t i = 0; i < config.reads_max; ++i) {
    ASSERT_TRUE(store.begin_read(now, key_of(1), operations));
  }
  EXPECT_FALSE(store.begin_read(now, key_of(1), operations));
}

TEST_F(SmallStoreTest, AFullIndexRefusesAndCountsAndServesWhatItHas) {
  for (uint32_t i = 0; i < 3; ++i) put(i, "v");
  EXPECT_EQ(begin(3, "v").refusal, StoreRefusal::records_full);
  EXPECT_EQ(store.counters().read(StoreCount::refused_records_full), 1u);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(served(i), "v");
  put(0, "other");  // A record that is held can be replaced.
  EXPECT_EQ(served(0), "other");
}

TEST_F(SmallStoreTest, WhenFullExpiredRecordsMakeRoomFirst) {
  for (uint32_t i = 0; i < 3; ++i) put(i, "v");
  pass(config.ttl + config.ttl / 50);
  put(3, "new");
  EXPECT_EQ(served(3), "new");
}

TEST_F(SmallStoreTest, TheBudgetOfBytesCountsWhatIsPending) {
  put(0, "0123456789");
  const StoreOutcome pending = begin(1, "0123456789");
  ASSERT_EQ(pending.kind, StoreOutcome::Kind::pending);
  EXPECT_EQ(begin(2, "x").refusal, StoreRefusal::bytes_full);
  EXPECT_EQ(store.counters().read(StoreCount::records), 2u);  // The refused one left nothing.
  answer(pending.ticket, CompletionKind::write_failed);
  put(2, "x");
  put(0, "9876543210");  // Replacing takes no more room.
  EXPECT_EQ(store.counters().read(StoreCount::value_bytes), 11u);
}

TEST_F(SmallStoreTest, TooManyPendingWritesAreRefused) {
  for (uint32_t i = 0; i < 4; ++i) ASSERT_EQ(begin(i % 2, "v").kind, StoreOutcome::Kind::pending);
  EXPECT_EQ(begin(2, "v").refusal, StoreRefusal::busy);
}

TEST_F(SmallStoreTest, AFullOutboxRefusesAndLeavesNothingBehind) {
  FrameOutbox full(0, 1024);
  EXPECT_EQ(store.begin_store(now, {key_of(1), bytes_of("v"), 0, 0}, full).refusal,
            StoreRefusal::busy);
  EXPECT_EQ(store.counters().read(StoreCount::records), 0u);
  EXPECT_FALSE(store.first_from(now, Id{}));
}

TEST_F(StoreTest, WhatHasExpiredIsErasedOnDiskAsFastAsTheDiskTakesIt) {
  for (uint32_t i = 0; i < 200; ++i) put(i, "v");
  pass(2 * config.ttl);
  store.advance(now, operations);
  const size_t erased = operations.entries().size();
  EXPECT_EQ(erased, config.writes_max * 3 / 4) << "the rest of the room is for callers";
  ASSERT_EQ(begin(1000, "v").kind, StoreOutcome::Kind::pending);
  EXPECT_EQ(served(0), "-");
  // The disk is slow: looked at again soon, but not at once.
  EXPECT_EQ(*store.next_wakeup(), now + milliseconds(10));
  for (int turns = 0; turns < 20; ++turns) {
    for (const auto& entry : operations.entries()) {
      const Operation& operation = *frame_header<Operation>(operations.bytes(entry));
      EXPECT_TRUE(operation.kind == OperationKind::erase || operation.key == key_of(1000));
      answer(operation.ticket, CompletionKind::written);
    }
    operations.clear();
    pass(300);
    store.advance(now, operations);
  }
  EXPECT_EQ(store.counters().read(StoreCount::expired), 200u);
  EXPECT_EQ(store.counters().read(StoreCount::records), 1u);
  store.check_invariants();
}

TEST_F(StoreTest, WhatHadExpiredByTheStartIsErased) {
  Store restarted(config);
  Completion loaded;
  loaded.kind = CompletionKind::record_loaded;
  loaded.key = key_of(1);
  loaded.value_size = 5;
  loaded.times = {node_seconds(now) - 100, node_seconds(now) - 100, node_seconds(now) - 100,
                  node_seconds(now) - 10};
  restarted.complete(now, loaded, {});
  load_finished(restarted);
  EXPECT_EQ(restarted.counters().read(StoreCount::loaded_expired), 1u);
  EXPECT_EQ(restarted.counters().read(StoreCount::loaded), 0u);
  EXPECT_EQ(restarted.find(now, key_of(1)).presence, Presence::absent);
  restarted.check_invariants();
  pass(1 + config.ttl / 64);
  restarted.advance(now, operations);
  EXPECT_EQ(last_operation().kind, OperationKind::erase);
  EXPECT_EQ(restarted.counters().read(StoreCount::records), 0u);
}

TEST_F(ManyStoreTest, HoweverManyExpireAtOnceATurnVisitsABoundedNumberAndTheNextGoesOn) {
  for (uint32_t i = 0; i < 2000; ++i) put(i, "v");
  pass(2 * config.ttl);
  uint64_t dropped = 0;
  for (int turn = 0; dropped < 2000; ++turn) {
    ASSERT_LT(turn, 20);
    ASSERT_LE(*store.next_wakeup(), now);
    for (int calls = 0; calls < 16 && store.next_wakeup() && *store.next_wakeup() <= now; ++calls) {
      store.advance(now, operations);  // As the loop does within a turn.
    }
    for (const auto& entry : operations.entries()) {
      answer(frame_header<Operation>(operations.bytes(entry))->ticket, CompletionKind::written);
    }
    operations.clear();
    const uint64_t before = dropped;
    dropped = store.counters().read(StoreCount::expired);
    EXPECT_LE(dropped - before, 256u);
    EXPECT_GT(dropped, before);
    now = now + microseconds(50);
  }
  EXPECT_FALSE(store.next_wakeup());
}

TEST_F(StoreTest, AScanMeetsEveryRecordInOrderOfKeys) {
  for (uint32_t i : {5u, 1u, 9u, 3u}) put(i, "v");
  std::vector<Id> met;
  for (auto at = store.first_from(now, key_of(2)); at;) {
    met.push_back(at->key);
    Id behind = at->key;
    ++behind.bytes[19];
    at = store.first_from(now, behind);
  }
  EXPECT_EQ(met, (std::vector<Id>{key_of(3), key_of(5), key_of(9)}));
}

// ---- What is counted.

}  // namespace
}  // namespace xord::testing
