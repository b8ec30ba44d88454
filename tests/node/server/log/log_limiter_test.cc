#include "node/server/log/log_limiter.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

MonotonicTime at(Duration since_zero) {
  return MonotonicTime{} + since_zero;
}

uint32_t admitted(LogLimiter& limiter, std::string_view message, Duration now, uint32_t lines) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < lines; ++i) count += limiter.admit(message, at(now)) ? 1 : 0;
  return count;
}

TEST(LogLimiter, LetsAFewLinesAMinuteThroughAndSaysHowManyMoreThereWere) {
  LogLimiter limiter;
  EXPECT_EQ(admitted(limiter, "a", seconds(10), 100), LogLimiter::lines_per_minute);
  EXPECT_EQ(admitted(limiter, "a", seconds(69), 100), 0u);
  EXPECT_TRUE(limiter.take(at(seconds(69))).empty()) << "its minute is not over";
  const auto left_out = limiter.take(at(seconds(70)));
  ASSERT_EQ(left_out.size(), 1u);
  EXPECT_EQ(left_out[0].message, "a");
  EXPECT_EQ(left_out[0].count, 195u);
  EXPECT_TRUE(limiter.take(at(seconds(1000))).empty()) << "once";
  EXPECT_EQ(admitted(limiter, "a", seconds(70), 100), LogLimiter::lines_per_minute);
}

TEST(LogLimiter, CountsEachMessageByItself) {
  LogLimiter limiter;
  EXPECT_EQ(admitted(limiter, "a", seconds(0), 100), LogLimiter::lines_per_minute);
  EXPECT_EQ(admitted(limiter, "b", seconds(0), 3), 3u);
  EXPECT_EQ(limiter.take(at(minutes(1))).size(), 1u);
}

TEST(LogLimiter, LeavesOutNothingOfWhatIsRare) {
  LogLimiter limiter;
  for (int minute = 0; minute < 100; ++minute) {
    EXPECT_EQ(admitted(limiter, "a", minutes(minute), 5), 5u);
  }
  EXPECT_TRUE(limiter.take_all().empty());
}

TEST(LogLimiter, GivesAtTheEndWhatItHasNotGivenYet) {
  LogLimiter limiter;
  admitted(limiter, "a", seconds(0), 7);
  const auto left_out = limiter.take_all();
  ASSERT_EQ(left_out.size(), 1u);
  EXPECT_EQ(left_out[0].count, 2u);
}

TEST(LogLimiter, AMinuteBeginsWithTheFirstLineAfterTheLastOne) {
  LogLimiter limiter;
  EXPECT_EQ(admitted(limiter, "a", seconds(0), 5), 5u);
  EXPECT_EQ(admitted(limiter, "a", minutes(1), 5), 5u) << "nothing was left out";
  EXPECT_EQ(admitted(limiter, "a", seconds(119), 2), 0u);
  EXPECT_EQ(admitted(limiter, "a", minutes(3), 2), 0u) << "not before it is told";
  ASSERT_EQ(limiter.take(at(minutes(3))).size(), 1u);
  EXPECT_EQ(admitted(limiter, "a", minutes(3), 7), 5u);
  EXPECT_TRUE(limiter.take(at(minutes(4) - nanoseconds(1))).empty());
  EXPECT_EQ(limiter.take(at(minutes(4))).size(), 1u);
}

}  // namespace
}  // namespace xord
