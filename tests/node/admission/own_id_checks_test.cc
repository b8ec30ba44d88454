// Which endpoints that claim our own id are worth a ping, and what is found there is news.
#include "node/admission/own_id_checks.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

constexpr Duration pace = OwnIdChecks::pace;
constexpr Duration again = OwnIdChecks::again;
constexpr Duration silent = OwnIdChecks::silent;
constexpr Duration moment = nanoseconds(1);

class OwnIdChecksTest : public testing::Test {
 protected:
  static Endpoint at(uint32_t number) {
    return Endpoint::ipv4(0xc0000201, static_cast<uint16_t>(number));
  }
  bool should_ping(uint32_t number) { return checks.should_ping(at(number), now); }
  bool found_own(uint32_t number) { return checks.found_own(at(number), now); }
  bool found_other(uint32_t number) { return checks.found_other(at(number), now); }
  void pass(Duration time) { now = now + time; }

  OwnIdChecks checks;
  Instant now = Instant{} + hours(1);
};

TEST_F(OwnIdChecksTest, PingsKeepTheirPaceWhoeverIsNamed) {
  EXPECT_TRUE(should_ping(1));
  pass(pace - moment);
  EXPECT_FALSE(should_ping(2));
  pass(moment);
  EXPECT_TRUE(should_ping(2));
}

TEST_F(OwnIdChecksTest, WhoDidNotAnswerIsPingedAgainSoon) {
  EXPECT_TRUE(should_ping(1));
  pass(silent - moment);
  EXPECT_FALSE(should_ping(1));
  pass(moment);
  EXPECT_TRUE(should_ping(1));
}

TEST_F(OwnIdChecksTest, AnotherNodeIsPingedAgainAfterALongerTime) {
  EXPECT_TRUE(should_ping(1));
  EXPECT_TRUE(found_other(1));
  pass(again - moment);
  EXPECT_FALSE(should_ping(1));
  pass(moment);
  EXPECT_TRUE(should_ping(1));
}

TEST_F(OwnIdChecksTest, OurOwnEndpointIsNeverPingedAgainAndTakesNoTurn) {
  EXPECT_TRUE(should_ping(1));
  EXPECT_TRUE(found_own(1));
  EXPECT_FALSE(found_own(1)) << "no news";
  pass(again * 2);
  EXPECT_FALSE(should_ping(1));
  EXPECT_TRUE(should_ping(2)) << "nothing was sent";
}

TEST_F(OwnIdChecksTest, AnotherNodeIsNewsOnceInAWhile) {
  EXPECT_TRUE(found_other(1));
  pass(again / 2);
  EXPECT_FALSE(found_other(1));
  EXPECT_TRUE(found_other(2)) << "each endpoint for itself";
  pass(again / 2 - moment);
  EXPECT_FALSE(found_other(1));
  pass(moment);
  EXPECT_TRUE(found_other(1)) << "since it was told";
  EXPECT_TRUE(found_own(1)) << "it has become ours";
}

TEST_F(OwnIdChecksTest, TheEndpointLookedAtLongestAgoMakesRoom) {
  constexpr uint32_t full = OwnIdChecks::endpoints_max;
  for (uint32_t number = 1; number <= full; ++number) {
    EXPECT_TRUE(found_own(number));
    pass(moment);
  }
  EXPECT_FALSE(should_ping(1));  // A look, so that the second is the oldest.
  pass(moment);
  EXPECT_TRUE(found_own(full + 1)) << "it has nothing of the one before it";
  pass(moment);
  for (uint32_t number = 3; number <= full + 1; ++number) EXPECT_FALSE(found_own(number));
  EXPECT_FALSE(found_own(1));
  EXPECT_TRUE(found_own(2)) << "forgotten";
}

TEST_F(OwnIdChecksTest, WhatWasToldOfOneIsNotHeldAgainstTheNextInItsPlace) {
  for (uint32_t number = 1; number <= 2 * OwnIdChecks::endpoints_max; ++number) {
    EXPECT_TRUE(found_other(number));
    pass(moment);
  }
}

TEST(OwnIdChecksDeathTest, AnEndpointWithoutAPortIsOurBug) {
  OwnIdChecks checks;
  EXPECT_DEATH(checks.should_ping(Endpoint::ipv4(0xc0000201, 0), Instant{}), "endpoint.port != 0");
}

}  // namespace
}  // namespace xord
