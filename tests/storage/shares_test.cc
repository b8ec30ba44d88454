// What one source prefix may take of a store, and which records make room when it is full.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "reactor/base/rng.h"
#include "storage/store.h"

namespace xord {
namespace {

// Keys within 1/256 of the id space around `self` belong here.
class NearKeys final : public Neighbourhood {
 public:
  explicit NearKeys(const Id& self) : self_(self) {}
  bool is_self_among_nearest(const Id& key) const override {
    return key.bytes[0] == self_.bytes[0];
  }

 private:
  const Id self_;
};

class SharesTest : public ::testing::Test {
 protected:
  static StoreConfig config_of(uint32_t records_max, Shares shares = Shares::enforced) {
    StoreConfig config;
    config.hash_seed = 9;
    config.self.bytes.fill(0xa7);
    config.records_max = records_max;
    config.shares = shares;
    return config;
  }
  void make(const StoreConfig& with) {
    config = with;
    store = std::make_unique<Store>(config);
    finish_loading();
  }
  void finish_loading() {
    Completion finished;
    finished.kind = CompletionKind::load_finished;
    store->complete(now, finished, {});
  }
  Id far_key() {
    Id key = random_id(rng);
    if (neighbourhood.is_self_among_nearest(key)) key.bytes[0] ^= 0x80;
    return key;
  }
  Id near_key() {
    Id key = random_id(rng);
    key.bytes[0] = config.self.bytes[0];
    return key;
  }
  // Plays the disk: carries out all operations, in the order given.
  void commit() {
    for (const auto& entry : operations.entries()) {
      const Operation& operation = *frame_header<Operation>(operations.bytes(entry));
      Completion completion;
      completion.ticket = operation.ticket;
      completion.key = operation.key;
      completion.kind = CompletionKind::written;
      if (operation.kind == OperationKind::erase) on_disk.erase(operation.key);
      if (operation.kind == OperationKind::write) on_disk[operation.key] = operation.source_prefix;
      store->complete(now, completion, {});
    }
    operations.clear();
    store->check_invariants();
  }
  StoreOutcome begin(const Id& key, uint16_t prefix, std::string_view value = "value") {
    return store->begin_store(now, {key, bytes_of(value), 0, prefix, &neighbourhood}, operations);
  }
  bool put(const Id& key, uint16_t prefix, std::string_view value = "value") {
    const StoreOutcome outcome = begin(key, prefix, value);
    if (operations.entries().size() >= 10) commit();  // A prefix may have 12 pending.
    if (outcome.kind == StoreOutcome::Kind::refused) last_refusal = outcome.refusal;
    return outcome.kind != StoreOutcome::Kind::refused;
  }
  uint64_t count(StoreCount which) { return store->counters().read(which); }

  Rng rng{11};
  StoreConfig config = config_of(1000);
  NearKeys neighbourhood{config.self};
  Instant now = instant_of(first_node_seconds);
  FrameOutbox operations{1000, 1 << 20};
  std::unique_ptr<Store> store;
  std::map<Id, uint16_t> on_disk;  // Source prefixes.
  StoreRefusal last_refusal = StoreRefusal::none;
};

TEST_F(SharesTest, BelowHalfNothingIsRefusedByPrefixAndAboveItOnePrefixHoldsHalf) {
  make(config_of(1000));
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(put(random_id(rng), 1)) << i;
  EXPECT_FALSE(put(near_key(), 1));
  EXPECT_EQ(last_refusal, StoreRefusal::prefix_full);
  EXPECT_EQ(count(StoreCount::refused_prefix_full), 1u);
  for (int i = 0; i < 500; ++i)
    ASSERT_TRUE(put(random_id(rng), static_cast<uint16_t>(2 + i % 200)));
}

TEST_F(SharesTest, OfThePendingWritesAPrefixHasAQuarterOfWhatIsLeft) {
  StoreConfig with = config_of(1000);
  with.writes_max = 100;
  make(with);
  const auto fill = [&](uint16_t prefix) {
    int stored = 0;
    while (begin(random_id(rng), prefix).kind == StoreOutcome::Kind::pending) ++stored;
    return stored;
  };
  EXPECT_EQ(fill(1), 20);
  EXPECT_EQ(fill(2), 16);
  EXPECT_EQ(fill(3), 13);
  EXPECT_EQ(count(StoreCount::refused_busy), 3u);
  EXPECT_EQ(fill(0), 51) << "a party that may take all";
  commit();
  EXPECT_EQ(fill(1), 20);
}

TEST_F(SharesTest, APrefixHasAQuarterOfTheBytesThatAreLeft) {
  StoreConfig with = config_of(1000);
  with.value_size_max = 1000;
  with.write_bytes_max = 8000;
  make(with);
  const std::string large(992, 'x');  // 1,000 bytes with their header.
  EXPECT_EQ(begin(random_id(rng), 1, large).kind, StoreOutcome::Kind::pending);
  EXPECT_EQ(begin(random_id(rng), 1, large).refusal, StoreRefusal::busy) << "2,000 of 7,000";
  EXPECT_EQ(begin(random_id(rng), 1, std::string(700, 'x')).kind, StoreOutcome::Kind::pending);
  EXPECT_EQ(begin(random_id(rng), 2, large).kind, StoreOutcome::Kind::pending);
}

TEST_F(SharesTest, ADryRunCountsWhatItWouldNotLetWait) {
  StoreConfig with = config_of(1000, Shares::counted);
  with.writes_max = 100;
  make(with);
  for (int i = 0; i < 25; ++i) {
    EXPECT_EQ(begin(random_id(rng), 1).kind, StoreOutcome::Kind::pending);
  }
  EXPECT_EQ(count(StoreCount::refused_busy), 5u);
}

TEST_F(SharesTest, ShareOfBytesIsHalfToo) {
  StoreConfig with = config_of(1000);
  with.bytes_max = 100;
  make(with);
  const Id key = near_key();
  ASSERT_TRUE(put(key, 1, std::string(40, 'x')));
  EXPECT_FALSE(put(near_key(), 1, "01234567890"));
  EXPECT_EQ(last_refusal, StoreRefusal::prefix_full);
  ASSERT_TRUE(put(near_key(), 1, "0123456789"));
  EXPECT_FALSE(put(near_key(), 1, "0"));
  commit();
  ASSERT_TRUE(put(key, 1, std::string(40, 'y')));  // Replacing takes no more.
  ASSERT_TRUE(put(near_key(), 2, "0"));
}

TEST_F(SharesTest, ASourceWithoutPrefixMayTakeAll) {
  make(config_of(1000));
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(put(near_key(), 0));
  EXPECT_FALSE(put(near_key(), 1));
  EXPECT_EQ(last_refusal, StoreRefusal::records_full);
}

TEST_F(SharesTest, InADryRunWhatWouldBeRefusedIsCounted) {
  make(config_of(100, Shares::counted));
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(put(near_key(), 1));
  EXPECT_EQ(count(StoreCount::refused_prefix_full), 10u);
}

TEST_F(SharesTest, ExpiryAndFailedWritesGiveTheShareBack) {
  make(config_of(100));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(put(near_key(), 1));
  commit();
  EXPECT_FALSE(put(near_key(), 1));
  now = now + seconds(2 * config.ttl);
  for (int i = 0; i < 5; ++i) {
    store->advance(now, operations);
    commit();
    now = now + seconds(20'000);  // One that found no room is met a bucket later.
  }
  for (int i = 0; i < 49; ++i) ASSERT_TRUE(put(near_key(), 1));
  commit();
  const StoreOutcome failing = begin(near_key(), 1);
  EXPECT_FALSE(put(near_key(), 1));
  Completion failed;
  failed.ticket = failing.ticket;
  failed.kind = CompletionKind::write_failed;
  store->complete(now, failed, {});
  operations.clear();
  EXPECT_TRUE(put(near_key(), 1));
}

TEST_F(SharesTest, AStoreFullOfRecordsThatBelongElsewhereTakesAllThatBelongHere) {
  make(config_of(1000));
  for (uint32_t i = 0; i < 1000; ++i)
    ASSERT_TRUE(put(far_key(), static_cast<uint16_t>(1 + i % 200)));
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(put(far_key(), 999));
    EXPECT_EQ(last_refusal, StoreRefusal::records_full);
  }
  std::vector<Id> honest;
  for (int i = 0; i < 50; ++i) {
    honest.push_back(near_key());
    ASSERT_TRUE(put(honest.back(), 999));
  }
  commit();
  for (const Id& key : honest) {
    EXPECT_EQ(store->find(now, key).presence, Presence::value);
    EXPECT_TRUE(on_disk.contains(key));
  }
  EXPECT_EQ(count(StoreCount::displaced), 50u);
  EXPECT_EQ(count(StoreCount::records), 1000u);
  EXPECT_EQ(on_disk.size(), 1000u);
}

TEST_F(SharesTest, TheFarthestGoesFirstAndAfterItsErasureItsKeyIsANewOne) {
  make(config_of(100));
  std::vector<Id> keys;
  for (uint16_t i = 0; i < 100; ++i) {
    keys.push_back(far_key());
    ASSERT_TRUE(put(keys.back(), i));
  }
  commit();
  const auto farther = [&](const Id& a, const Id& b) { return nearer(config.self, b, a); };
  std::sort(keys.begin(), keys.end(), farther);
  ASSERT_TRUE(put(near_key(), 500));
  ASSERT_TRUE(put(near_key(), 501));
  EXPECT_EQ(store->find(now, keys[0]).presence, Presence::absent);
  EXPECT_EQ(store->find(now, keys[1]).presence, Presence::absent);
  EXPECT_NE(store->find(now, keys[2]).presence, Presence::absent);
  const Operation& first = *frame_header<Operation>(operations.bytes(operations.entries()[0]));
  EXPECT_EQ(first.kind, OperationKind::erase);
  EXPECT_EQ(first.key, keys[0]);
  // Stored again before its erasure is on disk: carried out after it.
  ASSERT_TRUE(store->begin_remove(now, keys[2], operations).kind == StoreOutcome::Kind::pending);
  commit();
  ASSERT_TRUE(put(keys[0], 7));
  commit();
  EXPECT_EQ(store->find(now, keys[0]).presence, Presence::value);
  EXPECT_TRUE(on_disk.contains(keys[0]));
}

TEST_F(SharesTest, ALargeValueIsMadeRoomForAsASmallOneIs) {
  make(config_of(100));
  for (uint16_t i = 0; i < 100; ++i) ASSERT_TRUE(put(far_key(), i));
  const Id key = near_key();
  ASSERT_TRUE(put(key, 500, std::string(8'000, 'v')));
  commit();
  EXPECT_EQ(store->find(now, key).value.size(), 8'000u);
  EXPECT_EQ(count(StoreCount::displaced), 1u);
}

TEST_F(SharesTest, RecordsThatBelongHereMakeRoomForNobodyWithinItsShare) {
  make(config_of(100));
  for (uint16_t i = 0; i < 100; ++i) ASSERT_TRUE(put(near_key(), static_cast<uint16_t>(1 + i % 3)));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(put(near_key(), 9));
  EXPECT_EQ(count(StoreCount::displaced), 0u);
}

// As a database has it that an older xord filled.
TEST_F(SharesTest, WhatAPrefixHoldsBeyondItsHalfAtTheStartMakesRoomForAnyone) {
  config = config_of(1000);
  store = std::make_unique<Store>(config);
  for (int i = 0; i < 1000; ++i) {
    Completion loaded;
    loaded.kind = CompletionKind::record_loaded;
    loaded.key = i % 2 == 0 ? near_key() : far_key();
    loaded.source_prefix = 1;
    loaded.value_size = 5;
    loaded.times = {first_node_seconds, first_node_seconds, first_node_seconds,
                    first_node_seconds + 1000};
    store->complete(now, loaded, {});
    on_disk[loaded.key] = 1;
  }
  finish_loading();
  EXPECT_FALSE(put(near_key(), 1));
  EXPECT_EQ(last_refusal, StoreRefusal::prefix_full);
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(put(random_id(rng), static_cast<uint16_t>(2 + i % 200)));
  }
  commit();
  EXPECT_EQ(count(StoreCount::displaced), 500u);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(put(far_key(), 999));
  EXPECT_EQ(std::count_if(on_disk.begin(), on_disk.end(),
                          [](const auto& row) { return row.second == 1; }),
            500);
}

TEST_F(SharesTest, ARecordWithAPendingWriteIsNotGivenUp) {
  make(config_of(10));
  Id farthest = config.self;
  for (uint8_t& byte : farthest.bytes) byte = static_cast<uint8_t>(~byte);
  ASSERT_TRUE(put(farthest, 1));
  for (uint16_t i = 0; i < 9; ++i) ASSERT_TRUE(put(far_key(), i));
  commit();
  ASSERT_TRUE(put(farthest, 1, "other"));  // Pending.
  ASSERT_TRUE(put(near_key(), 20));
  commit();
  EXPECT_TRUE(on_disk.contains(farthest));
  EXPECT_EQ(store->find(now, farthest).presence, Presence::value);
}

TEST_F(SharesTest, AStoreGivesUpAtMostEightRecords) {
  StoreConfig with = config_of(1000);
  with.bytes_max = 1000;
  make(with);
  for (uint16_t i = 0; i < 1000; ++i) ASSERT_TRUE(put(far_key(), i, "x"));
  commit();
  EXPECT_FALSE(put(near_key(), 1001, std::string(20, 'x')));
  EXPECT_EQ(last_refusal, StoreRefusal::bytes_full);
  EXPECT_EQ(count(StoreCount::displaced), 8u);
  commit();
  ASSERT_FALSE(put(near_key(), 1001, std::string(20, 'x')));
  commit();
  ASSERT_TRUE(put(near_key(), 1001, std::string(20, 'x')));
}

// Whatever is stored by whom, in any order, with failures: no prefix ever holds more than its half,
// and none is refused by its prefix while the store is less than half full.
TEST_F(SharesTest, NoPrefixEverHoldsMoreThanHalf) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    rng = Rng(seed);
    StoreConfig with = config_of(static_cast<uint32_t>(1 + rng.bounded(60)));
    with.bytes_max = 100 + rng.bounded(3000);
    with.ttl = 100;
    on_disk.clear();
    operations.clear();
    make(with);
    const uint64_t prefixes = 1 + rng.bounded(5);
    for (int i = 0; i < 600; ++i) {
      const Id key = rng.chance(0.5) ? near_key() : far_key();
      const auto prefix = static_cast<uint16_t>(1 + rng.bounded(prefixes));
      const std::string value(rng.bounded(100), 'x');
      const uint64_t records = count(StoreCount::records);
      const uint64_t bytes = count(StoreCount::value_bytes);
      const StoreOutcome outcome = begin(key, prefix, value);
      if (outcome.refusal == StoreRefusal::prefix_full) {
        // The pending are held, or may come to be.
        const bool is_half_full = records >= (with.records_max + 1) / 2 ||
                                  bytes + 64 * 100 + value.size() > with.bytes_max / 2;
        ASSERT_TRUE(is_half_full);
      }
      if (rng.chance(0.2)) {
        commit();
        std::map<uint16_t, uint32_t> held;
        for (const auto& [held_key, held_by] : on_disk) {
          held[held_by] += store->find(now, held_key).presence != Presence::absent ? 1 : 0;
        }
        for (const auto& [by, many] : held) ASSERT_LE(many, (with.records_max + 1) / 2) << by;
      }
      if (rng.chance(0.05)) {
        now = now + seconds(60);
        store->advance(now, operations);
      }
    }
  }
}

}  // namespace
}  // namespace xord
