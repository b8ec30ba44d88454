// What a host believes the time to be: it drifts, leaps forward, and is never late or early.
#include "tools/sim/local_clock.h"

#include <gtest/gtest.h>

#include <vector>

#include "reactor/base/rng.h"

namespace xord::sim {
namespace {

constexpr Instant world{5'000'000'000};
constexpr Instant local{900'000'000'000};

TEST(LocalClock, DriftsByPartsPerMillion) {
  struct Case {
    int32_t drift_ppm;
    Duration after_an_hour;
  };
  for (const Case& each : std::vector<Case>{{0, {}},
                                            {100, milliseconds(360)},
                                            {-100, -milliseconds(360)},
                                            {1'000'000, hours(1)},
                                            {-999'999, -(hours(1) - microseconds(3'600))}}) {
    const LocalClock clock(world, local, each.drift_ppm);
    EXPECT_EQ(clock.drift_ppm(), each.drift_ppm);
    EXPECT_EQ(clock.local(world), local);
    EXPECT_EQ(clock.local(world + hours(1)), local + hours(1) + each.after_an_hour);
  }
}

TEST(LocalClock, WakesAtTheFirstInstantThatIsNotEarly) {
  Rng rng(4);
  for (const int32_t drift : {0, 1, -1, 17, -17, 300, -300, 999'983, -999'000}) {
    const LocalClock clock(world, local, drift);
    for (int i = 0; i < 300; ++i) {
      const auto most = uint64_t{1} << (1 + rng.bounded(45));
      const Instant at = local + nanoseconds(static_cast<int64_t>(1 + rng.bounded(most)));
      const Instant wakes = clock.world(at);
      EXPECT_GE(clock.local(wakes), at);
      EXPECT_LT(clock.local(wakes - nanoseconds(1)), at);
    }
  }
}

TEST(LocalClock, WhatIsPastIsDueAtOnce) {
  const LocalClock clock(world, local, 300);
  EXPECT_EQ(clock.world(local), world);
  EXPECT_EQ(clock.world(local - seconds(1)), world);
  EXPECT_GT(clock.world(local + nanoseconds(1)), world);
}

TEST(LocalClock, ALeapGoesForwardAndTheDriftGoesOn) {
  LocalClock clock(world, local, 1'000);
  clock.leap(world + seconds(10), minutes(5));
  const Instant leapt = local + seconds(10) + milliseconds(10) + minutes(5);
  EXPECT_EQ(clock.local(world + seconds(10)), leapt);
  EXPECT_EQ(clock.local(world + seconds(20)), leapt + seconds(10) + milliseconds(10));
  EXPECT_EQ(clock.world(leapt), world + seconds(10));
}

}  // namespace
}  // namespace xord::sim
