#include "node/server/live/figure_history.h"

#include <gtest/gtest.h>

#include <cmath>

namespace xord {
namespace {

constexpr int64_t hour_start = 7200;

// All series have the value `value`.
SeriesValues all(float value) {
  SeriesValues values;
  values.values.fill(value);
  return values;
}

class FigureHistoryTest : public testing::Test {
 protected:
  // Seconds from `from` on, each with its number less hour_start as the value.
  void fill(int64_t from, int64_t count) {
    for (int64_t second = from; second < from + count; ++second) {
      history.add(all(static_cast<float>(second - hour_start)), second);
    }
  }
  std::vector<float> seconds_of(Series series, size_t step, size_t points) const {
    return history.seconds_of(series, step, points).values;
  }

  FigureHistory history;
  int64_t next_ = 0;
};

TEST_F(FigureHistoryTest, IsEmptyAtFirst) {
  EXPECT_TRUE(seconds_of(Series::contacts, 1, 60).empty());
  EXPECT_TRUE(history.minutes_of(Series::contacts, 60, 60).values.empty());
}

TEST_F(FigureHistoryTest, TellsTheLastSecondsOldestFirst) {
  fill(hour_start, 5);
  EXPECT_EQ(seconds_of(Series::contacts, 1, 60), (std::vector<float>{0, 1, 2, 3, 4}));
  EXPECT_EQ(seconds_of(Series::contacts, 1, 2), (std::vector<float>{3, 4}));
  EXPECT_EQ(history.seconds_of(Series::contacts, 1, 2).end, hour_start + 5);
}

TEST_F(FigureHistoryTest, ALongerStepIsMeanLastOrGreatestByKind) {
  fill(hour_start, 10);
  EXPECT_EQ(seconds_of(Series::requests_ping, 4, 9), (std::vector<float>{1.5, 5.5}));
  EXPECT_EQ(seconds_of(Series::contacts, 4, 9), (std::vector<float>{3, 7}));
  EXPECT_EQ(seconds_of(Series::call_p95_s, 4, 9), (std::vector<float>{3, 7}));
  EXPECT_EQ(history.seconds_of(Series::contacts, 4, 9).end, hour_start + 8) << "whole steps only";
}

TEST_F(FigureHistoryTest, TheGreatestNeedNotBeTheLast) {
  for (const float value : {2.0F, 6.0F, 1.0F, 3.0F}) {
    history.add(all(value), hour_start + next_++);
  }
  EXPECT_EQ(seconds_of(Series::busiest, 4, 9), std::vector<float>{6});
  EXPECT_EQ(seconds_of(Series::contacts, 4, 9), std::vector<float>{3});
  EXPECT_EQ(seconds_of(Series::busy, 4, 9), std::vector<float>{3});
}

TEST_F(FigureHistoryTest, ASeriesIsNotMixedWithItsNeighbours) {
  SeriesValues values;
  for (size_t i = 0; i < series_count; ++i) values.values[i] = static_cast<float>(i);
  for (int i = 0; i <= 60; ++i) history.add(values, hour_start + i);
  for (size_t i = 0; i < series_count; ++i) {
    const auto series = static_cast<Series>(i);
    EXPECT_EQ(seconds_of(series, 1, 1), std::vector<float>{static_cast<float>(i)});
    EXPECT_EQ(history.minutes_of(series, 60, 1).values, std::vector<float>{static_cast<float>(i)});
  }
}

TEST_F(FigureHistoryTest, StepsDoNotMoveWithTheSecond) {
  fill(hour_start + 2, 12);
  EXPECT_EQ(seconds_of(Series::contacts, 5, 9), (std::vector<float>{9})) << "from 5 to 9";
  fill(hour_start + 14, 1);
  EXPECT_EQ(seconds_of(Series::contacts, 5, 9), (std::vector<float>{9, 14}));
}

TEST_F(FigureHistoryTest, WhatWasNotSeenIsNotKnown) {
  fill(hour_start, 2);
  fill(hour_start + 4, 1);
  const auto values = seconds_of(Series::requests_ping, 1, 60);
  ASSERT_EQ(values.size(), 5u);
  EXPECT_TRUE(std::isnan(values[2]) && std::isnan(values[3]));
  EXPECT_EQ(values[4], 4);
  EXPECT_EQ(seconds_of(Series::requests_ping, 3, 60), (std::vector<float>{0.5}))
      << "of what is known";
}

TEST_F(FigureHistoryTest, AGaugeIsTheLastThatIsKnownAndNothingIsKnownOfAGap) {
  fill(hour_start, 2);
  fill(hour_start + 8, 1);
  const auto values = seconds_of(Series::contacts, 4, 60);
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0], 1) << "two of its four seconds are not known";
  EXPECT_TRUE(std::isnan(values[1]));
  EXPECT_EQ(history.seconds_of(Series::contacts, 4, 60).end, hour_start + 8);
}

TEST_F(FigureHistoryTest, AMinuteOfWhichNothingIsKnownIsAGap) {
  fill(hour_start + 30, 30);
  fill(hour_start + 120, 1);
  const auto values = history.minutes_of(Series::requests_ping, 60, 60).values;
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0], 44.5F) << "of what is known of it";
  EXPECT_TRUE(std::isnan(values[1]));
}

TEST_F(FigureHistoryTest, AnHourHasStepsOfTenMinutesAndADayOfTwoHours) {
  fill(hour_start, 3600);
  EXPECT_EQ(seconds_of(Series::contacts, 600, 6),
            (std::vector<float>{599, 1199, 1799, 2399, 2999, 3599}));
  EXPECT_EQ(seconds_of(Series::contacts, 600, 2), (std::vector<float>{2999, 3599}));
  EXPECT_EQ(seconds_of(Series::contacts, 3600, 1), std::vector<float>{3599});
  fill(hour_start + 3600, 3601);
  EXPECT_EQ(history.minutes_of(Series::contacts, 7200, 12).values, std::vector<float>{7199})
      << "hour_start is a multiple of two hours";
}

TEST_F(FigureHistoryTest, TheSameSecondAgainReplacesIt) {
  history.add(all(1), hour_start);
  history.add(all(2), hour_start);
  EXPECT_EQ(seconds_of(Series::contacts, 1, 60), (std::vector<float>{2}));
}

TEST_F(FigureHistoryTest, AnHourIsRememberedAndNoMore) {
  fill(hour_start, 3700);
  const auto values = seconds_of(Series::contacts, 1, 5000);
  ASSERT_EQ(values.size(), history_seconds);
  EXPECT_EQ(values.front(), 100);
  EXPECT_EQ(values.back(), 3699);
}

TEST_F(FigureHistoryTest, AMinuteIsThereOnceItIsOver) {
  fill(hour_start, 60);
  EXPECT_TRUE(history.minutes_of(Series::contacts, 60, 60).values.empty());
  fill(hour_start + 60, 61);
  const auto line = history.minutes_of(Series::requests_ping, 60, 60);
  EXPECT_EQ(line.values, (std::vector<float>{29.5, 89.5}));
  EXPECT_EQ(line.end, hour_start + 120);
  EXPECT_EQ(history.minutes_of(Series::contacts, 120, 60).values, (std::vector<float>{119}));
  EXPECT_EQ(history.minutes_of(Series::busiest, 60, 1).values, (std::vector<float>{119}));
}

TEST_F(FigureHistoryTest, ADayIsRememberedAndNoMore) {
  for (int64_t minute = 0; minute <= static_cast<int64_t>(history_minutes) + 10; ++minute) {
    history.add(all(static_cast<float>(minute)), hour_start + minute * 60);
  }
  const auto values = history.minutes_of(Series::contacts, 60, 5000).values;
  ASSERT_EQ(values.size(), history_minutes);
  EXPECT_EQ(values.front(), 10);
  EXPECT_EQ(values.back(), history_minutes + 9);
}

TEST_F(FigureHistoryTest, ALongPauseIsAGapThatCostsNoMoreThanTheHistory) {
  fill(hour_start, 60);
  fill(hour_start + int64_t{1'000'000'000}, 1);
  const auto values = seconds_of(Series::contacts, 1, 5000);
  ASSERT_EQ(values.size(), history_seconds);
  EXPECT_TRUE(std::isnan(values.front()));
  EXPECT_FALSE(std::isnan(values.back()));
  EXPECT_EQ(history.minutes_of(Series::contacts, 60, 5000).values.size(), history_minutes);
}

}  // namespace
}  // namespace xord
