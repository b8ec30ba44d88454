// What is counted for answers is which contacts they named, and which of those were up then.
#include "tools/sim/naming.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/sim/small_world.h"

namespace xord::sim {
namespace {

// Fewer than k nodes, so that each names all but itself and the asker.
constexpr uint32_t few = 12;
constexpr uint32_t crashed = 3;

// For the answers that one lookup leads to.
NamingCounts counts_of_find(SmallWorld& small, uint32_t asker) {
  small.naming().take();
  small.operations().find(asker, Id{}, [](const Outcome&) {});
  small.world().run_for(seconds(2));
  return small.naming().take();
}

TEST(Naming, WhereAllAreUpNobodyNamedIsDown) {
  for (const uint32_t shards : {1u, 3u}) {
    SmallWorld small(1, few, shards);
    const NamingCounts counts = counts_of_find(small, 0);
    EXPECT_GE(counts.answers, few - 1);
    EXPECT_EQ(counts.named, counts.answers * (few - 2));
    EXPECT_EQ(counts.down, 0u);
    EXPECT_EQ(counts.other_id, 0u);
    EXPECT_GT(counts.compared, 0u);
    EXPECT_EQ(counts.living, counts.compared * (few - 2));
    EXPECT_EQ(counts.living_named, counts.living);
  }
}

TEST(Naming, WhoIsDownIsCountedInEachAnswerThatNamesIt) {
  SmallWorld small(2, few);
  for (uint32_t i = 0; i < crashed; ++i) small.world().crash(few - 1 - i, Storage::lost);
  const NamingCounts counts = counts_of_find(small, 0);
  EXPECT_GE(counts.answers, few - 1 - crashed);
  EXPECT_EQ(counts.down, counts.answers * crashed);
  EXPECT_EQ(counts.other_id, 0u);
  EXPECT_GT(counts.compared, 0u);
  EXPECT_EQ(counts.living, counts.compared * (few - 2 - crashed));
  EXPECT_EQ(counts.living_named, counts.living);
}

TEST(Naming, WhoLivesUnderAnotherIdIsCountedApart) {
  SmallWorld small(3, few);
  Rng rng = small.world().rng("ids");
  for (uint32_t i = 0; i < crashed; ++i) {
    small.world().crash(few - 1 - i, Storage::lost);
    rng.fill(small.world().host(few - 1 - i).id.bytes);
    small.world().start(few - 1 - i);
  }
  const NamingCounts counts = counts_of_find(small, 0);
  EXPECT_EQ(counts.down, 0u);
  EXPECT_GT(counts.other_id, 0u);
  EXPECT_EQ(counts.other_id % crashed, 0u);
  EXPECT_EQ(counts.living, counts.compared * (few - 2 - crashed));
}

TEST(Naming, LivingContactsThatTheDeadDisplaceAreMissed) {
  SmallWorld small(4, 60);
  for (uint32_t i = 40; i < 60; ++i) small.world().crash(i, Storage::lost);
  small.naming().take();
  for (uint32_t i = 0; i < 10; ++i) small.operations().find(i, Id{}, [](const Outcome&) {});
  small.world().run_for(seconds(2));
  const NamingCounts counts = small.naming().take();
  EXPECT_GT(counts.compared, 0u);
  EXPECT_EQ(counts.living, counts.compared * bucket_size);
  EXPECT_GT(counts.down, 0u);
  EXPECT_LT(counts.living_named, counts.living);
  EXPECT_GT(counts.living_named, 0u);
}

// Held until a ping came back: at least two delays; then until young contacts have answered.
TEST(Naming, AnAnswerWaitsForTheProofOfItsSource) {
  const Duration delay = milliseconds(60);
  SmallWorld small(5, few, 1, delay);
  const NamingCounts joining = small.naming().take();
  EXPECT_GT(joining.pings_admitting, 0u);
  EXPECT_GE(joining.waits.max(), 2 * delay.seconds());
  EXPECT_EQ(joining.served_waits.count(), joining.answers);
  EXPECT_LE(joining.served_waits.max(), naming_wait.seconds());
  const NamingCounts again = counts_of_find(small, 0);
  EXPECT_EQ(again.pings_admitting, 0u);
  EXPECT_EQ(again.waits.max(), 0);
}

TEST(Naming, PingsAreCountedWhateverBecameOfTheNodesThatSentThem) {
  SmallWorld small(6, few);
  for (uint32_t i = 0; i < few; ++i) small.world().crash(i, Storage::kept);
  const NamingCounts joining = small.naming().take();
  EXPECT_GE(joining.pings[0], few);  // Pings of newcomers.
  EXPECT_GE(joining.pings_admitting, few);
  EXPECT_GE(joining.other_pings(), few - 1);  // Each knew a node to join through.
  EXPECT_EQ(joining.pings_to_down, 0u);
  EXPECT_EQ(small.naming().take().pings, PingCounts{});
  small.world().start(0);
  small.world().run_for(hours(1));
  const NamingCounts alone = small.naming().take();
  EXPECT_GT(alone.pings_sent, 0u);
  EXPECT_EQ(alone.pings_to_down, alone.pings_sent);
  EXPECT_LE(std::accumulate(alone.pings.begin(), alone.pings.end(), uint64_t{0}), alone.pings_sent);
}

TEST(Waits, TheQuantileCountsThoseThatDidNotWait) {
  Waits waits;
  for (int i = 0; i < 980; ++i) waits.add(Duration{});
  for (int i = 1; i <= 20; ++i) waits.add(seconds(i));
  EXPECT_EQ(waits.count(), 1000u);
  EXPECT_EQ(waits.quantile(0.5), 0);
  EXPECT_EQ(waits.quantile(0.99), 10);
  EXPECT_EQ(waits.quantile(1), 20);
  EXPECT_EQ(waits.max(), 20);
  EXPECT_NEAR(waits.mean(), 0.21, 1e-9);
  Waits all;
  all.add(waits);
  all.add(waits);
  EXPECT_EQ(all.count(), 2000u);
  EXPECT_EQ(all.quantile(0.99), 10);
}

TEST(Waits, OfNoneEachFigureIsZeroAndOfOneItIsThatOne) {
  const Waits none;
  EXPECT_EQ(none.count(), 0u);
  EXPECT_EQ(none.mean(), 0);
  EXPECT_EQ(none.max(), 0);
  for (const double share : {0.0, 0.5, 1.0}) EXPECT_EQ(none.quantile(share), 0) << share;
  Waits one;
  one.add(milliseconds(500));
  for (const double share : {0.0, 0.5, 1.0}) EXPECT_EQ(one.quantile(share), 0.5) << share;
}

TEST(Waits, TheQuantileIsTheNearestRank) {
  Waits waits;
  for (const int64_t wait : {0, 0, 4, 3, 7}) waits.add(seconds(wait));
  EXPECT_EQ(waits.quantile(0), 0);
  EXPECT_EQ(waits.quantile(0.37), 0) << "the second";
  EXPECT_EQ(waits.quantile(0.38), 3) << "the third";
  EXPECT_EQ(waits.quantile(0.62), 3);
  EXPECT_EQ(waits.quantile(0.63), 4);
  EXPECT_EQ(waits.quantile(0.88), 7);
  EXPECT_EQ(waits.quantile(1), 7);
  EXPECT_NEAR(waits.mean(), 14.0 / 5, 1e-9);
  Waits more;
  more.add(seconds(9));
  waits.add(more);
  EXPECT_EQ(waits.max(), 9);
  EXPECT_NEAR(waits.mean(), 23.0 / 6, 1e-9);
}

// Figures of two spans of time are added one by one.
TEST(NamingCounts, EachIsTheSumOfBoth) {
  NamingCounts one;
  uint64_t next = 1;
  for (uint64_t* count :
       {&one.answers, &one.named, &one.down, &one.other_id, &one.compared, &one.living,
        &one.living_named, &one.pings_sent, &one.pings_admitting, &one.pings_to_down}) {
    *count = next++;
  }
  for (uint64_t& count : one.pings) count = next++;
  one.waits.add(seconds(1));
  one.served_waits.add(seconds(2));
  NamingCounts sum = one;
  sum.add(one);
  EXPECT_EQ(sum.answers, 2u);
  EXPECT_EQ(sum.named, 4u);
  EXPECT_EQ(sum.down, 6u);
  EXPECT_EQ(sum.other_id, 8u);
  EXPECT_EQ(sum.compared, 10u);
  EXPECT_EQ(sum.living, 12u);
  EXPECT_EQ(sum.living_named, 14u);
  EXPECT_EQ(sum.pings_sent, 16u);
  EXPECT_EQ(sum.pings_admitting, 18u);
  EXPECT_EQ(sum.pings_to_down, 20u);
  next = 11;
  for (const uint64_t count : sum.pings) EXPECT_EQ(count, 2 * next++);
  EXPECT_EQ(sum.waits.count(), 2u);
  EXPECT_EQ(sum.waits.max(), 1);
  EXPECT_EQ(sum.served_waits.count(), 2u);
  EXPECT_EQ(sum.served_waits.max(), 2);
}

TEST(NamingCounts, OtherPingsAreThoseOfNoKnownReason) {
  NamingCounts counts;
  counts.pings = {1, 2, 3, 4, 5};
  counts.pings_admitting = 6;
  counts.pings_sent = 28;
  EXPECT_EQ(counts.other_pings(), 7u);
  counts.pings_sent = 20;
  EXPECT_EQ(counts.other_pings(), 0u) << "counted, but not yet sent";
}

}  // namespace
}  // namespace xord::sim
