#include "reactor/monotonic.h"

#include <gtest/gtest.h>

#include <thread>

#include "reactor/entropy.h"

namespace xord {
namespace {

TEST(NodeClock, GoesOnFromTheGivenInstantAndNeverBack) {
  const Instant begin{seconds(1'000'000).nanoseconds};
  const NodeClock clock(begin);
  Instant last = begin;
  for (int i = 0; i < 1000; ++i) {
    const Instant now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_LT(last - begin, hours(1));
}

TEST(NodeClock, CopiesReadTheSameTime) {
  const NodeClock clock(Instant{});
  const NodeClock copy = clock;
  const Instant before = clock.now();
  const Instant between = copy.now();
  EXPECT_LE(before, between);
  EXPECT_LE(between, clock.now());
}

TEST(ThreadCpuTime, GrowsWithTheWorkOfThisThreadAndOfNoOther) {
  const Duration before = thread_cpu_time();
  while (thread_cpu_time() < before + milliseconds(20)) {
  }
  Duration of_another;
  std::thread([&] { of_another = thread_cpu_time(); }).join();
  EXPECT_LT(of_another, milliseconds(20));
}

TEST(WallTime, IsLaterThanThisTestWasWritten) {
  EXPECT_GT(wall_time(), seconds(1'700'000'000));
}

TEST(Entropy, TwoDrawsDiffer) {
  uint8_t a[32] = {};
  uint8_t b[32] = {};
  fill_with_entropy(a);
  fill_with_entropy(b);
  EXPECT_FALSE(equal(a, b));
  EXPECT_NE(entropy_word(), entropy_word());
}

}  // namespace
}  // namespace xord
