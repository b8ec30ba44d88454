// CPU time and memory as proc(5) tells them, against what the kernel says in other ways.
#include "tools/load/process_time.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

namespace xord {
namespace {

// Of this process, in nanoseconds, from times(2).
struct Times {
  uint64_t user;
  uint64_t system;
};
Times times_now() {
  tms ticks{};
  times(&ticks);
  const auto tick = 1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  return {static_cast<uint64_t>(ticks.tms_utime) * tick,
          static_cast<uint64_t>(ticks.tms_stime) * tick};
}
uint64_t cpu_nanoseconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto microseconds = [](const timeval& time) {
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000 + static_cast<uint64_t>(time.tv_usec);
  };
  // Both are rounded down.
  return (microseconds(used.ru_utime) + microseconds(used.ru_stime) + 2) * 1'000;
}

TEST(ProcessTime, IsWhatTheKernelTellsTheProcessItself) {
  // Two ticks of each, and no second of them.
  for (Times used = times_now(); used.user < 20'000'000 || used.system < 20'000'000;) {
    std::ifstream("/proc/self/stat").get();
    used = times_now();
    if (cpu_nanoseconds() > 30'000'000'000) break;
  }
  const Times before = times_now();
  const auto told = process_time(getpid());
  const Times after = times_now();
  ASSERT_TRUE(told);
  EXPECT_GE(told->user_nanoseconds, before.user);
  EXPECT_LE(told->user_nanoseconds, after.user);
  EXPECT_GE(told->system_nanoseconds, before.system);
  EXPECT_LE(told->system_nanoseconds, after.system);
  EXPECT_GT(told->run_nanoseconds, 0u);
  EXPECT_LE(told->run_nanoseconds, cpu_nanoseconds()) << "of the threads that are left";
}

TEST(ProcessTime, GrowsByWhatWasUsedMeanwhile) {
  const auto before = process_time(getpid());
  ASSERT_TRUE(before);
  const uint64_t begun = cpu_nanoseconds();
  while (cpu_nanoseconds() < begun + 20'000'000) continue;
  const auto after = process_time(getpid());
  ASSERT_TRUE(after);
  const ProcessTime used = *after - *before;
  // The kernel adds the running thread's time at each of its ticks.
  EXPECT_GE(used.run_nanoseconds, 5'000'000u);
  EXPECT_LE(used.run_nanoseconds, cpu_nanoseconds());
  EXPECT_EQ((ProcessTime{10, 30, 50} - ProcessTime{1, 2, 3}).run_nanoseconds, 9u);
  EXPECT_EQ((ProcessTime{10, 30, 50} - ProcessTime{1, 2, 3}).user_nanoseconds, 28u);
  EXPECT_EQ((ProcessTime{10, 30, 50} - ProcessTime{1, 2, 3}).system_nanoseconds, 47u);
}

TEST(ProcessTime, ThereIsNoneOfAProcessThatIsNotThere) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(process_time(child));
  EXPECT_FALSE(process_memory(child));
}

TEST(ProcessMemory, IsInBytes) {
  constexpr size_t more = 64 << 20;
  const auto before = process_memory(getpid());
  const std::vector<char> touched(more, 1);
  const auto after = process_memory(getpid());
  ASSERT_TRUE(before && after);
  EXPECT_GT(*after, *before + more / 2) << touched.size();
  EXPECT_LT(*after, *before + 4 * more);
}

}  // namespace
}  // namespace xord
