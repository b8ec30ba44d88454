// Rules of the adaptive timeout.
#include "node/calls/round_trip.h"

#include <gtest/gtest.h>

#include "node/budget.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

Endpoint endpoint(uint32_t number) {
  return Endpoint::ipv4(0x0a000000 + number, 8468);
}

TEST(RoundTrip, IsASecondBeforeAnySample) {
  EXPECT_EQ(RoundTrip{}.timeout(), seconds(1));
  EXPECT_FALSE(RoundTrip{}.is_measured());
}

TEST(RoundTrip, TheFirstSampleGivesSixTimesItself) {  // Twice R + 4 * R/2, RFC 6298 2.2.
  RoundTrip round_trip;
  round_trip.sample(milliseconds(100));
  EXPECT_EQ(round_trip.timeout(), milliseconds(600));
}

TEST(RoundTrip, LaterSamplesAreSmoothedWithTheWeightsOfRfc6298) {
  RoundTrip round_trip;
  round_trip.sample(milliseconds(100));
  round_trip.sample(milliseconds(180));
  // rttvar = 3/4 * 50 + 1/4 * 80 = 57.5; srtt = 7/8 * 100 + 1/8 * 180 = 110.
  EXPECT_EQ(round_trip.timeout(), milliseconds(680));
  EXPECT_EQ(round_trip.smoothed(), milliseconds(110));
  round_trip.sample(milliseconds(100));
  // rttvar = 3/4 * 57.5 + 1/4 * 10 = 45.625; srtt = 7/8 * 110 + 1/8 * 100 = 108.75.
  EXPECT_EQ(round_trip.timeout(), microseconds(582'500));
}

TEST(RoundTrip, AnEvenRoundTripStillLeavesTimeForAPingInBetween) {
  RoundTrip even;
  for (int i = 0; i < 100; ++i) even.sample(milliseconds(150));
  EXPECT_GE(even.timeout(), milliseconds(300));
}

TEST(RoundTrip, StaysBetween200MillisecondsAnd5Seconds) {
  RoundTrip quick;
  RoundTrip late;
  for (int i = 0; i < 100; ++i) {
    quick.sample(microseconds(i % 3));
    late.sample(seconds(4 + 100 * (i % 2)));
  }
  EXPECT_TRUE(quick.is_measured());
  EXPECT_EQ(quick.timeout(), milliseconds(200));
  EXPECT_EQ(late.timeout(), seconds(5));
}

TEST(RoundTrips, AContactThatWasNotMeasuredIsGivenTheNodesTimeout) {
  RoundTrips round_trips(64, 1);
  EXPECT_EQ(round_trips.timeout(endpoint(1)), seconds(1));
  round_trips.sample_of_node(milliseconds(100));
  EXPECT_EQ(round_trips.timeout(endpoint(2)), milliseconds(600));
}

TEST(RoundTrips, AContactThatWasNotMeasuredIsGivenASecondAtMost) {
  RoundTrips round_trips(64, 1);
  for (int i = 0; i < 20; ++i) {
    round_trips.sample_of_node(seconds(4));
    round_trips.sample(endpoint(1), seconds(4));
    EXPECT_EQ(round_trips.timeout(endpoint(2)), seconds(1));
  }
  EXPECT_EQ(round_trips.timeout(endpoint(1)), seconds(5));
}

TEST(RoundTrips, ASampleOfAContactSaysNothingOfOthers) {
  RoundTrips round_trips(64, 1);
  round_trips.sample_of_node(milliseconds(50));
  for (int i = 0; i < 20; ++i) round_trips.sample(endpoint(1), milliseconds(400));
  EXPECT_EQ(round_trips.timeout(endpoint(2)), milliseconds(300));
}

TEST(RoundTrips, EachContactIsJudgedByItsOwnAnswers) {
  RoundTrips round_trips(64, 1);
  for (int i = 0; i < 50; ++i) {
    round_trips.sample(endpoint(1), milliseconds(1));
    round_trips.sample(endpoint(2), milliseconds(1500));
  }
  EXPECT_EQ(round_trips.timeout(endpoint(1)), milliseconds(200));
  EXPECT_GE(round_trips.timeout(endpoint(2)), milliseconds(1500));
}

TEST(RoundTrips, ForgetsTheContactUsedLeastRecentlyWhenFull) {
  RoundTrips round_trips(4, 1);  // One set of four rows.
  round_trips.sample_of_node(milliseconds(100));
  for (uint32_t i = 0; i < 4; ++i) round_trips.sample(endpoint(i), milliseconds(500 + i));
  round_trips.sample(endpoint(0), milliseconds(500));
  const Duration kept = round_trips.timeout(endpoint(0));
  round_trips.sample(endpoint(9), seconds(3));  // Pushes out number 1.

  EXPECT_EQ(round_trips.timeout(endpoint(1)), milliseconds(600));
  EXPECT_EQ(round_trips.timeout(endpoint(0)), kept);
  EXPECT_GT(kept, milliseconds(600));
  for (const uint32_t number : {2u, 3u, 9u}) {
    EXPECT_GT(round_trips.timeout(endpoint(number)), seconds(1)) << number << " has a row, too";
  }
}

}  // namespace
}  // namespace xord
