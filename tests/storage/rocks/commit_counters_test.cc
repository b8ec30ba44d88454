#include "storage/rocks/commit_counters.h"

#include <gtest/gtest.h>

#include "reactor/base/instant.h"

namespace xord {
namespace {

// What was counted one by one before there was a histogram keeps its names and its meaning.
TEST(CommitCounters, TheSumsAreReadFromTheHistogram) {
  Histograms<CommitHistogram> commits;
  for (const Duration took :
       {nanoseconds(0), microseconds(140), milliseconds(1), milliseconds(1) + nanoseconds(1),
        milliseconds(10), milliseconds(11), milliseconds(30), milliseconds(100), milliseconds(101),
        milliseconds(400), seconds(1), seconds(1) + nanoseconds(1), seconds(4), seconds(90)}) {
    commits.observe(CommitHistogram::commit_duration_seconds, took);
  }
  const auto sum = [&](CommitSum which) { return sum_of(commits, which); };
  EXPECT_EQ(sum(CommitSum::batches), 14u);
  EXPECT_EQ(sum(CommitSum::commits_within_1ms), 3u);
  EXPECT_EQ(sum(CommitSum::commits_within_10ms), 2u);
  EXPECT_EQ(sum(CommitSum::commits_within_100ms), 3u);
  EXPECT_EQ(sum(CommitSum::commits_within_1s), 3u);
  EXPECT_EQ(sum(CommitSum::commits_longer), 3u);
  EXPECT_EQ(sum(CommitSum::commit_nanoseconds),
            commits.sum(CommitHistogram::commit_duration_seconds));
  EXPECT_EQ(sum(CommitSum::commit_nanoseconds), 96'654'140'002u);
}

}  // namespace
}  // namespace xord
