// The line that shows the progress of long work.
#include "tools/cli/progress.h"

#include <gtest/gtest.h>

#include <sstream>

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

}  // namespace
}  // namespace xord
