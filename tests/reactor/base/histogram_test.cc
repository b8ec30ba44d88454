#include "reactor/base/histogram.h"

#include <gtest/gtest.h>

#include "reactor/base/counters.h"

namespace xord {
namespace {

constexpr auto wait_bounds = bounds_in_microseconds({100, 1'000});
constexpr std::array<uint64_t, 3> step_bounds{0, 2, 5};
constexpr std::array<uint64_t, histogram_bounds_max> most_bounds{0, 1, 2, 3,  4,  5, 6,
                                                                 7, 8, 9, 10, 11, 12};

#define WAITS(X)                                     \
  X(wait_seconds, seconds, wait_bounds, "How long.") \
  X(steps, number, step_bounds, "How many.")         \
  X(widest, number, most_bounds, "As many bounds as there may be.")
enum class Waits : uint8_t { WAITS(XORD_HISTOGRAM_ENUMERATOR) count };
std::span<const HistogramInfo> info_of(Waits) {
  static constexpr HistogramInfo infos[] = {WAITS(XORD_HISTOGRAM_INFO)};
  return infos;
}

TEST(Histogram, EachBoundIsTheLargestValueOfItsBucketAndTheRestFallsIntoOneMore) {
  Histograms<Waits> histograms;
  for (const uint64_t value : {0, 1, 2, 3, 5, 6, 1000}) histograms.observe(Waits::steps, value);
  EXPECT_EQ(histograms.count_in(Waits::steps, 0), 1u) << "0";
  EXPECT_EQ(histograms.count_in(Waits::steps, 1), 2u) << "1, 2";
  EXPECT_EQ(histograms.count_in(Waits::steps, 2), 2u) << "3, 5";
  EXPECT_EQ(histograms.count_in(Waits::steps, 3), 2u) << "6, 1000";
  EXPECT_EQ(histograms.count(Waits::steps), 7u);
  EXPECT_EQ(histograms.sum(Waits::steps), 1017u);
  EXPECT_EQ(histograms.count(Waits::wait_seconds), 0u) << "each has its own";
  EXPECT_EQ(histograms.sum(Waits::wait_seconds), 0u);
}

TEST(Histogram, DurationsAreCountedInNanoseconds) {
  Histograms<Waits> histograms;
  histograms.observe(Waits::wait_seconds, Duration{});
  histograms.observe(Waits::wait_seconds, microseconds(100));
  histograms.observe(Waits::wait_seconds, microseconds(100) + nanoseconds(1));
  histograms.observe(Waits::wait_seconds, hours(1));
  EXPECT_EQ(histograms.count_in(Waits::wait_seconds, 0), 2u);
  EXPECT_EQ(histograms.count_in(Waits::wait_seconds, 1), 1u);
  EXPECT_EQ(histograms.count_in(Waits::wait_seconds, 2), 1u);
  EXPECT_EQ(histograms.sum(Waits::wait_seconds), 3'600'000'200'001u);
}

TEST(Histogram, AsManyBoundsAsThereMayBeAreCountedApart) {
  Histograms<Waits> histograms;
  for (uint64_t value = 0; value <= histogram_bounds_max; ++value) {
    histograms.observe(Waits::widest, value);
  }
  for (size_t bucket = 0; bucket <= histogram_bounds_max; ++bucket) {
    EXPECT_EQ(histograms.count_in(Waits::widest, bucket), 1u) << bucket;
  }
  EXPECT_EQ(histograms.sum(Waits::widest), 13u * 14 / 2);
}

enum class Room : uint8_t { hall, kitchen, count };
enum class Guest : uint8_t { came, left, count };

TEST(CounterTable, CountsEachRowApartAndSumsOverThem) {
  CounterTable<Room, Guest> table;
  table.add(Room::hall, Guest::came);
  table.add(Room::kitchen, Guest::came);
  table.add(Room::kitchen, Guest::came);
  table.add(Room::kitchen, Guest::left);
  EXPECT_EQ(table.read(Room::hall, Guest::came), 1u);
  EXPECT_EQ(table.read(Room::hall, Guest::left), 0u);
  EXPECT_EQ(table[Room::kitchen].read(Guest::came), 2u);
  EXPECT_EQ(table.sum(Guest::came), 3u);
  EXPECT_EQ(table.sum(Guest::left), 1u);
}

}  // namespace
}  // namespace xord
