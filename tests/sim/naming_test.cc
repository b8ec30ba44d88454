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

}  // namespace
}  // namespace xord::sim
