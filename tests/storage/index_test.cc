// The structures below the store, each against a standard container.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include "reactor/base/rng.h"
#include "storage/expiry_ring.h"
#include "storage/key_index.h"
#include "storage/key_order.h"
#include "storage/value_cache.h"

namespace xord {
namespace {

// Keys that share long prefixes are as likely as keys that share none.
Id key_near(Rng& rng, const Id& base) {
  Id key;
  rng.fill(key.bytes);
  const uint64_t shared = rng.bounded(id_size + 1);
  std::copy_n(base.bytes.begin(), shared, key.bytes.begin());
  if (shared == id_size) key.bytes[19] = static_cast<uint8_t>(rng.bounded(256));
  return key;
}

TEST(KeyIndex, AgreesWithAMapUnderRandomInsertsAndErasesUpToFull) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Records records(1 + rng.bounded(200));
    KeyIndex index(records, rng.next());
    std::map<Id, RecordHandle> model;
    std::vector<RecordHandle> free;
    for (RecordHandle i = 0; i < records.size(); ++i) free.push_back(i);
    for (int step = 0; step < 3000; ++step) {
      const Id key = key_near(rng, Id{});
      const auto held = model.find(key);
      ASSERT_EQ(index.find(key), held == model.end() ? no_record : held->second);
      if (held == model.end() && !free.empty()) {
        records[free.back()].key = key;
        index.insert(free.back());
        model[key] = free.back();
        free.pop_back();
      }
      if (model.empty() || !rng.chance(free.empty() ? 0.9 : 0.4)) continue;
      const auto victim = std::next(model.begin(), static_cast<long>(rng.bounded(model.size())));
      index.erase(victim->second);
      free.push_back(victim->second);
      model.erase(victim);
      if (step % 50 == 0) index.check_invariants(static_cast<uint32_t>(model.size()));
    }
    for (const auto& [key, handle] : model) ASSERT_EQ(index.find(key), handle);
  }
}

TEST(KeyIndex, WhatIsFetchedAheadIsWhatIsFound) {
  Rng rng(3);
  constexpr uint32_t held = 1000;
  Records records(held);
  KeyIndex index(records, rng.next());
  for (RecordHandle i = 0; i < held; ++i) {
    rng.fill(records[i].key.bytes);
    index.insert(i);
  }
  uint32_t wrong = 0;
  for (int round = 0; round < 100; ++round) {
    std::array<Id, keys_ahead_max> keys;
    std::array<RecordHandle, keys_ahead_max> likely;
    for (Id& key : keys) {
      key = records[rng.bounded(held)].key;
      if (rng.chance(0.3)) rng.fill(key.bytes);
    }
    index.fetch_records_ahead(keys, likely);
    for (size_t i = 0; i < keys.size(); ++i) wrong += likely[i] != index.find(keys[i]);
  }
  EXPECT_LT(wrong, 5u);  // Of 3,200: 22 bits of the hash seldom agree by chance.
}

// With room for ten million records (the default of --records-max) a slot has only 8 bits of the
// hash left: keys that agree in them meet often enough to be told apart by nothing but the key.
TEST(KeyIndex, OfTenMillionRecordsFindsNoKeyInThePlaceOfAnother) {
  Rng rng(5);
  constexpr uint32_t room = 10'000'000;
  constexpr uint32_t held = 300'000;
  Records records(room);
  KeyIndex index(records, rng.next());
  const auto handle = [](uint32_t i) { return i % 2 == 0 ? i : room - i; };  // From both ends.
  for (uint32_t i = 0; i < held; ++i) {
    rng.fill(records[handle(i)].key.bytes);
    index.insert(handle(i));
  }
  const auto expect_each_found = [&](uint32_t from) {
    for (uint32_t i = from; i < held; ++i) {
      ASSERT_EQ(index.find(records[handle(i)].key), handle(i)) << i;
    }
  };
  expect_each_found(0);
  uint32_t alike = 0;
  for (uint32_t round = 0; round < held / keys_ahead_max; ++round) {
    std::array<Id, keys_ahead_max> absent;
    std::array<RecordHandle, keys_ahead_max> likely;
    for (Id& key : absent) rng.fill(key.bytes);
    index.fetch_records_ahead(absent, likely);
    for (size_t i = 0; i < absent.size(); ++i) {
      alike += likely[i] != no_record;
      ASSERT_EQ(index.find(absent[i]), no_record);
    }
  }
  EXPECT_GT(alike, 5u) << "else the keys themselves were not needed";
  for (uint32_t i = 0; i < held / 2; ++i) index.erase(handle(i));
  for (uint32_t i = 0; i < held / 2; ++i) {
    ASSERT_EQ(index.find(records[handle(i)].key), no_record) << i;
  }
  expect_each_found(held / 2);
}

TEST(KeyOrder, FindsTheFirstKeyFromAnywhereAsASortedMapDoes) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Id base;
    rng.fill(base.bytes);
    Records records(1 + rng.bounded(200));
    KeyOrder order(records);
    std::map<Id, RecordHandle> model;
    std::vector<RecordHandle> free;
    for (RecordHandle i = 0; i < records.size(); ++i) free.push_back(i);
    for (int step = 0; step < 3000; ++step) {
      const Id key = key_near(rng, base);
      const auto at = model.lower_bound(key);
      ASSERT_EQ(order.first_from(key), at == model.end() ? no_record : at->second);
      if (!model.contains(key) && !free.empty()) {
        records[free.back()].key = key;
        order.insert(free.back());
        model[key] = free.back();
        free.pop_back();
      }
      if (model.empty() || !rng.chance(free.empty() ? 0.9 : 0.4)) continue;
      const auto victim = std::next(model.begin(), static_cast<long>(rng.bounded(model.size())));
      order.erase(victim->second);
      free.push_back(victim->second);
      model.erase(victim);
      if (step % 50 == 0) order.check_invariants(static_cast<uint32_t>(model.size()));
    }
  }
}

TEST(KeyOrder, FindsTheFarthestFromAnyIdAsASortDoes) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Id base;
    rng.fill(base.bytes);
    std::set<Id> keys;
    while (keys.size() < rng.bounded(60)) keys.insert(key_near(rng, base));
    Records records(keys.size() + 1);
    KeyOrder order(records);
    RecordHandle next = 0;
    for (const Id& key : keys) {
      records[next].key = key;
      order.insert(next++);
    }
    const Id from = key_near(rng, base);
    std::vector<Id> expected(keys.begin(), keys.end());
    std::sort(expected.begin(), expected.end(),
              [&](const Id& a, const Id& b) { return nearer(from, b, a); });
    std::vector<RecordHandle> found(rng.bounded(10));
    const size_t count = order.farthest_from(from, found);
    ASSERT_EQ(count, std::min(found.size(), keys.size()));
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(records[found[i]].key, expected[i]);
  }
}

TEST(ExpiryRing, GivesEveryRecordWithinABucketOfItsTimeAndNoneEarly) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Records records(1 + rng.bounded(500));
    for (RecordHandle i = 0; i < records.size(); ++i) records[i].due_bucket = not_filed;
    const auto horizon = static_cast<NodeSeconds>(60 + rng.bounded(1'000'000));
    ExpiryRing ring(records, horizon);
    std::map<RecordHandle, NodeSeconds> model;
    auto now = static_cast<NodeSeconds>(rng.bounded(1'000'000'000));
    for (int step = 0; step < 2000; ++step) {
      const auto record = static_cast<RecordHandle>(rng.bounded(records.size()));
      if (rng.chance(0.7)) {
        model[record] = now + static_cast<NodeSeconds>(rng.bounded(horizon));
        ring.file(record, now, model[record]);
      } else if (rng.chance(0.3)) {
        model.erase(record);
        ring.take_out(record);
      }
      if (step % 50 == 0) ring.check_invariants();
      if (rng.chance(0.3)) now += static_cast<NodeSeconds>(rng.bounded(horizon / 20));
      if (rng.chance(0.01)) now += static_cast<NodeSeconds>(rng.bounded(horizon * 3));
      for (RecordHandle due; (due = ring.take_due(now)) != no_record;) {
        ASSERT_TRUE(model.contains(due));
        ASSERT_LE(model[due], now);
        model.erase(due);
      }
      for (const auto& [waiting, due] : model) {
        ASSERT_GT(uint64_t{due} + ring.bucket_seconds(), now) << "record " << waiting;
      }
      ASSERT_EQ(ring.next_due() == 0, model.empty());
      if (!model.empty()) {
        ASSERT_GT(ring.next_due(), now);
      }
    }
  }
}

TEST(ExpiryRing, SleepsNoLongerThanUntilTheNextRecordIsDue) {
  Records records(4);
  for (RecordHandle i = 0; i < 4; ++i) records[i].due_bucket = not_filed;
  ExpiryRing ring(records, 604'800);
  ring.file(0, 1'000'000, 1'500'000);
  ring.file(1, 1'000'000, 1'200'000);
  const NodeSeconds wakeup = ring.next_due();
  EXPECT_GE(wakeup, 1'200'000u);
  EXPECT_LE(wakeup, 1'200'000u + ring.bucket_seconds());
  EXPECT_EQ(ring.take_due(wakeup - 1), no_record);
  EXPECT_EQ(ring.take_due(wakeup), 1u);
}

class ValueCacheTest : public ::testing::Test {
 protected:
  explicit ValueCacheTest(uint64_t bytes = 64 << 10) : cache(records, bytes) {
    for (RecordHandle i = 0; i < records.size(); ++i) records[i].cached_at = not_cached;
  }
  void insert(RecordHandle record, size_t size) {
    cache.insert(record, std::vector<uint8_t>(size, static_cast<uint8_t>(record)));
  }
  bool is_cached(RecordHandle record) const { return records[record].cached_at != not_cached; }

  Records records{20'000};
  ValueCache cache;
};

TEST_F(ValueCacheTest, HoldsExactBytesUnderItsLimitWhateverIsInsertedAndErased) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const uint64_t bytes_max = rng.bounded(100'000);
    for (RecordHandle i = 0; i < records.size(); ++i) records[i].cached_at = not_cached;
    ValueCache tried(records, bytes_max);
    std::map<RecordHandle, std::vector<uint8_t>> model;
    for (int step = 0; step < 20'000; ++step) {
      const auto record = static_cast<RecordHandle>(rng.bounded(300));
      if (is_cached(record)) {
        ASSERT_TRUE(equal(tried.use(record), model[record]));
        if (rng.chance(0.5)) tried.erase(record);
        continue;
      }
      std::vector<uint8_t> value(rng.bounded(rng.chance(0.05) ? 9000 : 200));
      rng.fill(value);
      model[record] = value;
      if (rng.chance(0.1)) {
        tried.insert_if_free(record, value);
      } else {
        tried.insert(record, value);
      }
      ASSERT_LE(tried.bytes_cached(), bytes_max);
      if (step % 50 == 0) tried.check_invariants();
    }
    for (RecordHandle i = 0; i < 300; ++i) {
      if (is_cached(i)) {
        ASSERT_TRUE(equal(tried.value(i), model[i]));
      }
    }
  }
}

TEST_F(ValueCacheTest, AScanDoesNotPushOutWhatIsAskedForAgain) {
  for (RecordHandle hot = 0; hot < 50; ++hot) insert(hot, 100);
  for (RecordHandle hot = 0; hot < 50; ++hot) cache.use(hot);
  for (RecordHandle once = 50; once < 20'000; ++once) insert(once, 100);
  for (RecordHandle hot = 0; hot < 50; ++hot) EXPECT_TRUE(is_cached(hot)) << hot;
  EXPECT_GT(cache.evictions(), 19'000u);
}

TEST_F(ValueCacheTest, WhatIsNoLongerAskedForMakesRoom) {
  for (RecordHandle i = 0; i < 20'000; ++i) {
    insert(i, 100);
    cache.use(i);  // Every value is used once, so that the large ring turns over too.
  }
  EXPECT_FALSE(is_cached(0));
  EXPECT_TRUE(is_cached(19'999));
}

// 64 KiB are 8,192 words of 8 bytes: 1,024 in the small ring, 7,168 in the large one. A value takes
// one more than it fills.
constexpr size_t size_of_words(size_t words) {
  return (words - 1) * 8;
}

TEST_F(ValueCacheTest, AValueOfUpToAQuarterOfTheSmallRingGoesThere) {
  for (RecordHandle i = 0; i < 5; ++i) insert(i, size_of_words(256));
  EXPECT_FALSE(is_cached(0)) << "four fill it";
  for (RecordHandle i = 1; i < 5; ++i) EXPECT_TRUE(is_cached(i)) << i;
  EXPECT_EQ(cache.evictions(), 1u);
  for (RecordHandle i = 10; i < 15; ++i) insert(i, size_of_words(256) + 1);
  for (RecordHandle i = 10; i < 15; ++i) EXPECT_TRUE(is_cached(i)) << i;
  EXPECT_EQ(cache.bytes_cached(), 8u * (4 * 256 + 5 * 257));
}

TEST_F(ValueCacheTest, AValueLargerThanHalfOfTheLargeRingIsNotCached) {
  insert(1, size_of_words(3584));
  EXPECT_TRUE(is_cached(1));
  insert(2, size_of_words(3584) + 1);
  EXPECT_FALSE(is_cached(2));
  const std::vector<uint8_t> half(size_of_words(3584));
  const std::vector<uint8_t> more(size_of_words(3584) + 1);
  EXPECT_FALSE(cache.insert_if_free(3, more));
  EXPECT_TRUE(cache.insert_if_free(3, half));
  EXPECT_FALSE(cache.insert_if_free(4, {})) << "both halves are taken";
  EXPECT_TRUE(is_cached(1)) << "and nothing was dropped for it";
  EXPECT_EQ(cache.evictions(), 0u);
}

TEST_F(ValueCacheTest, AnInsertMovesAtMostEightUsedValuesAndDropsTheRest) {
  for (RecordHandle i = 0; i < 1024; ++i) {
    insert(i, 0);
    cache.use(i);
  }
  insert(2000, size_of_words(256));
  EXPECT_EQ(cache.evictions(), 256u - 8u);
  EXPECT_TRUE(is_cached(7));
  EXPECT_FALSE(is_cached(8));
  EXPECT_FALSE(is_cached(255));
  EXPECT_TRUE(is_cached(256));
  EXPECT_EQ(cache.check_invariants(), 1024u - 256 + 8 + 1);
}

// Enough for a week in steps of 75 s where there is room for many records; 64 where there are few.
TEST(ExpiryRing, HasAFourthAsManyBucketsAsRecordsFrom64To8192) {
  constexpr NodeSeconds week = 604'800;
  const std::map<size_t, NodeSeconds> buckets{{1, 64},        {256, 64},        {257, 64},
                                              {260, 128},     {512, 128},       {16'384, 4096},
                                              {32'768, 8192}, {1'000'000, 8192}};
  for (const auto& [room, count] : buckets) {
    Records records(room);
    EXPECT_EQ(ExpiryRing(records, week).bucket_seconds(), 1 + week / (count - 2)) << room;
  }
}

}  // namespace
}  // namespace xord
