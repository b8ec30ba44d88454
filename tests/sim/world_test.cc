// A world behaves: equal seeds give equal runs, a quiet network finds exactly, and a crashed node
// is gone until it starts again, with its records.
#include "tools/sim/world.h"

#include <gtest/gtest.h>

#include "tests/sim/small_world.h"

namespace xord::sim {
namespace {

TEST(World, LookupsFindExactlyTheNearest) {
  SmallWorld small(1, 100);
  EXPECT_EQ(small.exact_finds(50), 50u);
}

TEST(World, LookupsFindExactlyTheNearestWhateverTheShards) {
  SmallWorld small(2, 40, 3);
  EXPECT_EQ(small.exact_finds(30), 30u);
}

// Nodes that have not heard from the asker recently ping it first, and answer after two round
// trips: more than the minimum of 200 ms that a call is given.
TEST(World, LookupsFindExactlyTheNearestWhereARoundTripTakesLong) {
  SmallWorld far_apart(5, 60, 1, milliseconds(60));
  far_apart.world().run_for(hours(1));  // Every proven source has lapsed.
  EXPECT_EQ(far_apart.exact_finds(30), 30u);
}

TEST(World, EqualSeedsGiveEqualDatagrams) {
  SmallWorld first(7, 30);
  SmallWorld second(7, 30);
  SmallWorld other(8, 30);
  EXPECT_EQ(first.world().digest(), second.world().digest());
  EXPECT_NE(first.world().digest(), other.world().digest());
}

TEST(World, AcknowledgedRecordsComeBackAfterACrash) {
  SmallWorld small(3, 25, 2);
  Id key;
  key.bytes[0] = 0x42;
  const std::vector<uint8_t> value = {0xa5, 'h', 'e', 'l', 'l', 'o'};
  uint32_t stored = 0;
  small.set(4, key, value, [&](const Outcome& outcome) { stored = outcome.result.stored; });
  small.world().run_for(seconds(10));
  EXPECT_GE(stored, bucket_size);
  for (uint32_t i = 0; i < 25; ++i) small.world().crash(i, Storage::kept);
  for (uint32_t i = 0; i < 25; ++i) small.world().start(i);
  small.world().run_for(seconds(10));
  std::vector<uint8_t> found;
  small.operations().get(9, key, [&](const Outcome& outcome) { found = outcome.value; });
  small.world().run_for(seconds(10));
  EXPECT_EQ(found, value);
}

TEST(World, WhatLosesItsStorageHoldsNothing) {
  SmallWorld small(4, 25);
  Id key;
  key.bytes[0] = 0x42;
  small.set(4, key, {0xa1, 'x'}, [](const Outcome&) {});
  small.world().run_for(seconds(10));
  for (uint32_t i = 0; i < 25; ++i) small.world().crash(i, Storage::lost);
  for (uint32_t i = 0; i < 25; ++i) {
    small.world().start(i);
    EXPECT_EQ(small.world().host(i).disk->rows_count(), 0u);
  }
}

TEST(World, WhatAHostKeepsPublishedComesBackWhenAllOthersLostIt) {
  SmallWorld small(6, 25);
  Id key;
  key.bytes[0] = 0x42;
  const std::vector<uint8_t> value = {0xa4, 'k', 'e', 'e', 'p'};
  small.keep(4, key, value, [](const Outcome&) {});
  small.world().run_for(seconds(10));
  for (uint32_t i = 0; i < 25; ++i) {
    small.world().crash(i, i == 4 ? Storage::kept : Storage::lost);
    small.world().start(i);
    if (i != 4) {
      const Endpoint keeper = small.world().host(4).endpoint;
      small.operations().join(i, {keeper}, [](const Outcome&) {});
    }
  }
  small.world().run_for(seconds(10));
  const auto holders = [&] {
    uint32_t count = 0;
    for (uint32_t i = 0; i < 25; ++i) {
      count += i != 4 && small.world().host(i).node->holds(small.world().local_now(i), key);
    }
    return count;
  };
  EXPECT_EQ(holders(), 0u);
  small.world().run_for(hours(1) + minutes(20));
  EXPECT_GE(holders(), bucket_size - 1);
}

}  // namespace
}  // namespace xord::sim
