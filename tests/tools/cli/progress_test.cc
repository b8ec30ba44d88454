// The line that shows the progress of long work.
#include "tools/cli/progress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "reactor/monotonic.h"

namespace xord {
namespace {

struct Screen {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, {}, true};
};

TEST(Progress, ShowsACountThatGrowsByManyAtATime) {
  for (const uint64_t first : {64u, 1'001u, 4'194'305u}) {
    Screen screen;
    Progress progress(screen.terminal, "read", "bytes", 0);
    progress.reached(first);
    EXPECT_EQ(screen.err.str().rfind("\rread " + std::to_string(first) + " bytes, ", 0), 0u)
        << screen.err.str();
  }
}

TEST(Progress, LooksAtTheClockOnceInSixtyFourAndAtTheEnd) {
  Screen screen;
  Progress progress(screen.terminal, "checked", "records", 10);
  for (uint64_t count = 0; count < 10; ++count) progress.reached(count);
  EXPECT_EQ(screen.err.str(), "");
  progress.reached(10);
  EXPECT_EQ(screen.err.str().rfind("\rchecked 10 of about 10 records (100 %), ", 0), 0u);
}

TEST(Progress, IsRewrittenFourTimesASecondAndLeavesNothingBehind) {
  Screen screen;
  {
    Progress progress(screen.terminal, "imported", "records", 0);
    progress.reached(100);
    progress.reached(5'000);
  }
  const std::string shown = screen.err.str();
  EXPECT_EQ(shown.find("5000"), std::string::npos);
  EXPECT_EQ(shown.back(), '\r');
  EXPECT_EQ(shown[shown.size() - 2], ' ');
}

TEST(Progress, SaysNothingWhereNobodyLooksOn) {
  Screen screen;
  screen.terminal.is_watched = false;
  {
    Progress progress(screen.terminal, "read", "bytes", 0);
    progress.reached(1'000);
  }
  EXPECT_EQ(screen.err.str(), "");
}

TEST(Progress, TellsHowMuchOfATotalIsDoneAndNeverMoreThanAll) {
  const auto shown = [](uint64_t count, uint64_t total) {
    Screen screen;
    Progress progress(screen.terminal, "checked", "records", total);
    progress.reached(count);
    const std::string text = screen.err.str();
    return text.substr(0, text.find("), ") + 1);
  };
  EXPECT_EQ(shown(64, 640), "\rchecked 64 of about 640 records (10 %)");
  EXPECT_EQ(shown(64, 64), "\rchecked 64 of about 64 records (100 %)");
  EXPECT_EQ(shown(100, 64), "\rchecked 100 of about 64 records (100 %)");
  EXPECT_EQ(shown(63, 640), "") << "too few to look at the clock";
  EXPECT_EQ(shown(0, 640), "");
}

TEST(Progress, SaysThatNothingIsLeftAtTheEnd) {
  Screen screen;
  Progress progress(screen.terminal, "read", "bytes", 100);
  progress.reached(100);
  EXPECT_TRUE(screen.err.str().ends_with("/s, 0 s left")) << screen.err.str();
}

TEST(Progress, TellsTheRateSinceItBeganAndHowLongTheRestTakesAtThatRate) {
  constexpr double count = 1e6;
  constexpr double left = 1e12;
  Screen screen;
  const MonotonicTime begun = monotonic_time();
  Progress progress(screen.terminal, "checked", "records", static_cast<uint64_t>(count + left));
  progress.reached(static_cast<uint64_t>(count));
  const double took_at_most = std::max((monotonic_time() - begun).seconds(), 1e-3);
  double rate = 0;
  double seconds_left = 0;
  ASSERT_EQ(
      std::sscanf(screen.err.str().c_str(),
                  "\rchecked 1000000 of about 1000001000000 records (0 %%), %lf/s, %lf s left",
                  &rate, &seconds_left),
      2)
      << screen.err.str();
  EXPECT_GE(rate, count / took_at_most - 1);
  EXPECT_LE(rate, count * 1000) << "it takes a millisecond at least";
  EXPECT_NEAR(seconds_left, left / rate, 1 + left / rate / 1000);
}

TEST(PassingLine, AShorterTextCoversALongerOneAndTheEndCoversBoth) {
  Screen screen;
  {
    PassingLine line(screen.terminal);
    EXPECT_TRUE(line.is_due());
    line.show("longer");
    line.show("ab");
    line.show("abc");
  }
  EXPECT_EQ(screen.err.str(), "\rlonger\rab    \rabc\r   \r");
  Screen silent;
  { PassingLine line(silent.terminal); }
  EXPECT_EQ(silent.err.str(), "") << "nothing was shown";
}

}  // namespace
}  // namespace xord
