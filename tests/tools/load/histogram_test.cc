// Percentiles against a sorted list.
#include "tools/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "reactor/base/rng.h"

namespace xord {
namespace {

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.percentile(99), Duration{});
}

TEST(Histogram, IsExactBelow256Nanoseconds) {
  Histogram histogram;
  for (int64_t i = 1; i <= 200; ++i) histogram.record(nanoseconds(i));
  EXPECT_EQ(histogram.percentile(50), nanoseconds(100));
  EXPECT_EQ(histogram.percentile(99.5), nanoseconds(199));
  EXPECT_EQ(histogram.percentile(100), nanoseconds(200));
  EXPECT_DOUBLE_EQ(histogram.mean_nanoseconds(), 100.5);
}

TEST(Histogram, IsNeverBelowTheTruePercentileAndAtMostOnePart128Above) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int round = 0; round < 20; ++round) {
    Histogram histogram;
    std::vector<int64_t> sorted;
    const uint64_t count = 1 + rng.bounded(5000);
    for (uint64_t i = 0; i < count; ++i) {
      const auto value = static_cast<int64_t>(rng.next() >> (2 + rng.bounded(62)));
      sorted.push_back(value);
      histogram.record(nanoseconds(value));
    }
    std::sort(sorted.begin(), sorted.end());
    for (const double percent : {0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
      const double rank = std::ceil(percent / 100 * static_cast<double>(count));
      const int64_t truth = sorted[static_cast<size_t>(std::max(rank, 1.0)) - 1];
      const int64_t said = histogram.percentile(percent).nanoseconds;
      EXPECT_GE(said, truth) << percent;
      EXPECT_LE(said, truth + truth / 128 + 1) << percent;
    }
  }
}

TEST(Histogram, VisitsEveryRecordedLatencyOnce) {
  Histogram histogram;
  for (int64_t i = 0; i < 1000; ++i) histogram.record(nanoseconds(i * i * i));
  uint64_t visited = 0;
  histogram.for_each([&](Duration, uint64_t count) { visited += count; });
  EXPECT_EQ(visited, 1000u);
}

TEST(Histogram, CountsNegativeLatenciesAsZero) {
  Histogram histogram;
  histogram.record(nanoseconds(-5));
  histogram.for_each([](Duration upper_end, uint64_t) { EXPECT_EQ(upper_end, Duration{}); });
  EXPECT_EQ(histogram.mean_nanoseconds(), 0);
  EXPECT_EQ(histogram.max(), Duration{});
  EXPECT_EQ(histogram.count(), 1u);
}

// Each power of two has 128 parts: from 256 ns on a part holds two values, from 512 ns on four.
TEST(Histogram, AValueIsVisitedAtTheEndOfItsPart) {
  const std::pair<int64_t, int64_t> ends[] = {
      {0, 0},     {1, 1},     {255, 255},     {256, 257},     {257, 257},    {258, 259},
      {511, 511}, {512, 515}, {1'000, 1'003}, {1'023, 1'023}, {1'024, 1'031}};
  for (const auto& [value, end] : ends) {
    Histogram histogram;
    histogram.record(nanoseconds(value));
    int visits = 0;
    histogram.for_each([&, wanted = end](Duration upper_end, uint64_t count) {
      EXPECT_EQ(upper_end, nanoseconds(wanted));
      EXPECT_EQ(count, 1u);
      ++visits;
    });
    EXPECT_EQ(visits, 1) << value;
    EXPECT_EQ(histogram.percentile(50), nanoseconds(value)) << "never above the maximum";
  }
}

TEST(Histogram, IsAsNewOnceItIsCleared) {
  Histogram histogram;
  for (int i = 0; i < 10; ++i) histogram.record(milliseconds(7));
  histogram.clear();
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), Duration{});
  EXPECT_EQ(histogram.mean_nanoseconds(), 0);
  histogram.record(nanoseconds(40));
  EXPECT_EQ(histogram.percentile(0), nanoseconds(40));
  EXPECT_EQ(histogram.percentile(100), nanoseconds(40));
  EXPECT_EQ(histogram.mean_nanoseconds(), 40);
}

}  // namespace
}  // namespace xord
