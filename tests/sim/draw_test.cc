// What is drawn has the distribution that its name says.
#include "tools/sim/draw.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace xord::sim {
namespace {

constexpr int draws = 50'000;

TEST(Draw, AnExponentialHasItsMeanAndIsCutOff) {
  Rng rng(6);
  double sum = 0;
  uint32_t beyond = 0;
  for (int i = 0; i < draws; ++i) {
    const Duration drawn = exponential(rng, seconds(10));
    ASSERT_GE(drawn, Duration{});
    ASSERT_LE(drawn, seconds(300));
    sum += drawn.seconds();
    beyond += drawn > seconds(10);
  }
  EXPECT_NEAR(sum / draws, 10, 0.2);
  EXPECT_NEAR(beyond, draws * std::exp(-1.0), draws * 0.01);
  EXPECT_EQ(exponential(rng, {}), Duration{});
}

TEST(Draw, BothEndsOfARangeAreDrawn) {
  Rng rng(7);
  std::array<uint32_t, 5> counts{};
  double sum = 0;
  Duration least = hours(1);
  Duration most{};
  for (int i = 0; i < draws; ++i) {
    const uint32_t drawn = between(rng, 10u, 14u);
    ASSERT_TRUE(drawn >= 10 && drawn <= 14);
    ++counts[drawn - 10];
    const Duration time = between(rng, seconds(100), seconds(200));
    least = std::min(least, time);
    most = std::max(most, time);
    sum += time.seconds();
  }
  for (const uint32_t count : counts) EXPECT_NEAR(count, draws / 5, draws * 0.01);
  EXPECT_GE(least, seconds(100));
  EXPECT_LT(least, seconds(101));
  EXPECT_LE(most, seconds(200));
  EXPECT_GT(most, seconds(199));
  EXPECT_NEAR(sum / draws, 150, 0.5);
  EXPECT_EQ(between(rng, 3u, 3u), 3u);
  EXPECT_EQ(between(rng, seconds(3), seconds(3)), seconds(3));
}

// With shape s, a share of 1 - 2^-(x^s) is below x times the median.
TEST(Draw, AWeibullHasItsMedianAndItsShape) {
  for (const double shape : {0.5, 1.0}) {
    Rng rng(8);
    uint32_t below = 0;
    uint32_t below_four = 0;
    for (int i = 0; i < draws; ++i) {
      const Duration drawn = weibull(rng, minutes(10), shape);
      below += drawn < minutes(10);
      below_four += drawn < minutes(40);
    }
    EXPECT_NEAR(below, draws * 0.5, draws * 0.01);
    EXPECT_NEAR(below_four, draws * (1 - std::pow(2, -std::pow(4, shape))), draws * 0.01);
  }
}

TEST(Draw, ScalingRounds) {
  EXPECT_EQ(scaled(nanoseconds(10), 0.26), nanoseconds(3));
  EXPECT_EQ(scaled(nanoseconds(10), 0.24), nanoseconds(2));
  EXPECT_EQ(scaled(seconds(2), 1.5), seconds(3));
}

}  // namespace
}  // namespace xord::sim
