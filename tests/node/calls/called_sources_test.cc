#include "node/calls/called_sources.h"

#include <gtest/gtest.h>

#include "node/endpoint_hash.h"

namespace xord::testing {
namespace {

Endpoint source(uint32_t number) {
  return Endpoint::ipv4(0x0a000000 + number, 4000);
}

constexpr Instant start{minutes(7).nanoseconds};

TEST(CalledSources, RemembersACallForFiveMinutesAndForgetsItAfterTen) {
  CalledSources called(1 << 12, 1);
  EXPECT_FALSE(called.was_called(source(1), start));
  EXPECT_TRUE(called.add(source(1), start));
  EXPECT_TRUE(called.was_called(source(1), start));
  EXPECT_TRUE(called.was_called(source(1), start + CalledSources::remembered));
  EXPECT_FALSE(called.was_called(source(1), start + CalledSources::remembered * 2));
  EXPECT_FALSE(called.was_called(source(2), start));
}

TEST(CalledSources, RemembersTheLastMomentOfASpan) {
  CalledSources called(1 << 12, 1);
  const Instant last{minutes(10).nanoseconds - 1};
  called.add(source(1), last);
  EXPECT_TRUE(called.was_called(source(1), last + CalledSources::remembered));
  EXPECT_FALSE(called.was_called(source(1), last + CalledSources::remembered + nanoseconds(1)));
}

TEST(CalledSources, SaysOnceASpanThatASourceIsNewToIt) {
  CalledSources called(1 << 12, 1);
  EXPECT_TRUE(called.add(source(1), start));
  EXPECT_FALSE(called.add(source(1), start + minutes(2)));
  EXPECT_TRUE(called.add(source(1), start + minutes(3))) << "the next span has begun";
  EXPECT_TRUE(called.was_called(source(1), start + minutes(12)));
}

TEST(CalledSources, ForgetsEverythingWhileNothingIsCalled) {
  CalledSources called(1 << 12, 1);
  called.add(source(1), start);
  called.add(source(2), start + minutes(30));
  EXPECT_FALSE(called.was_called(source(1), start + minutes(30)));
  EXPECT_TRUE(called.was_called(source(2), start + minutes(30)));
}

TEST(CalledSources, ForgetsEachAfterTwoSpansThoughOthersAreCalled) {
  CalledSources called(1 << 12, 1);
  const Instant begin{minutes(10).nanoseconds};
  for (uint32_t span = 0; span < 6; ++span) {
    const Instant now = begin + CalledSources::remembered * int64_t{span};
    called.add(source(span), now);
    EXPECT_TRUE(called.was_called(source(span), now));
    if (span >= 1) {
      EXPECT_TRUE(called.was_called(source(span - 1), now)) << span;
    }
    for (uint32_t earlier = 0; earlier + 2 <= span; ++earlier) {
      EXPECT_FALSE(called.was_called(source(earlier), now)) << earlier << " in " << span;
    }
    EXPECT_TRUE(called.add(source(100), now)) << "the first call to it in this span";
    EXPECT_FALSE(called.add(source(100), now));
  }
}

TEST(CalledSources, TellsPortsApart) {
  CalledSources called(1 << 12, 1);
  called.add(source(1), start);
  Endpoint other = source(1);
  other.port += 1;
  EXPECT_FALSE(called.was_called(other, start));
}

// As the header says: one in 50 when 40,000 were called.
TEST(CalledSources, SeldomTakesASourceForCalledThatWasNot) {
  CalledSources called(1 << 19, 1);
  for (uint32_t number = 0; number < 40'000; ++number) called.add(source(number), start);
  uint32_t wrong = 0;
  for (uint32_t number = 0; number < 40'000; ++number) {
    ASSERT_TRUE(called.was_called(source(number), start));
    wrong += called.was_called(source(1'000'000 + number), start);
  }
  EXPECT_LT(wrong, 40'000u / 40);
  EXPECT_GT(wrong, 0u);
}

}  // namespace
}  // namespace xord::testing
