#include "reactor/cores.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/temporary_directory.h"

namespace xord {
namespace {

// A root with the files as the kernel would show them, removed afterwards.
class CoresTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_.path() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  TemporaryDirectory root_;
};

TEST_F(CoresTest, TheAffinityMaskAloneCountsWhereThereIsNoQuota) {
  cpu_set_t mask;
  ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
  const AllowedCores allowed = allowed_cores(root_.path());
  EXPECT_EQ(allowed.cpus.size(), static_cast<size_t>(CPU_COUNT(&mask)));
  EXPECT_EQ(allowed.shards, std::min<size_t>(allowed.cpus.size(), 64));
  EXPECT_FALSE(allowed.quota);
}

TEST(CoreOf, IsTheThreadsOwnIfThereAreEnough) {
  const std::vector<uint32_t> cpus = {2, 5, 7};
  EXPECT_EQ(core_of(0, cpus), 2u);
  EXPECT_EQ(core_of(1, cpus), 5u);
  EXPECT_EQ(core_of(2, cpus), 7u);
  EXPECT_EQ(core_of(3, cpus), 2u) << "shared";
  EXPECT_EQ(core_of(4, cpus), 5u);
}

TEST_F(CoresTest, AQuotaBelowTheMaskIsTheLimitAndNeverBelowOneShard) {
  write("/proc/self/cgroup", "0::/service\n");
  write("/sys/fs/cgroup/service/cpu.max", "50000 100000\n");
  const AllowedCores allowed = allowed_cores(root_.path());
  EXPECT_EQ(allowed.quota, 0.5);
  EXPECT_EQ(allowed.shards, 1u);
}

TEST_F(CoresTest, TheSmallestQuotaOfAllParentsCounts) {
  write("/proc/self/cgroup", "0::/slice/service\n");
  write("/sys/fs/cgroup/slice/cpu.max", "120000 100000\n");
  write("/sys/fs/cgroup/slice/service/cpu.max", "max 100000\n");
  EXPECT_EQ(allowed_cores(root_.path()).quota, 1.2);
}

TEST_F(CoresTest, AContainerFindsItsQuotaAtTheMountItself) {
  write("/proc/self/cgroup", "0::/as/the/host/names/it\n");
  write("/sys/fs/cgroup/cpu.max", "300000 100000\n");
  EXPECT_EQ(allowed_cores(root_.path()).quota, 3.0);
}

TEST_F(CoresTest, VersionOneOfCgroupsIsReadToo) {
  write("/proc/self/cgroup", "3:cpuset:/other\n2:cpu,cpuacct:/service\n");
  write("/sys/fs/cgroup/cpu/service/cpu.cfs_quota_us", "150000\n");
  write("/sys/fs/cgroup/cpu/service/cpu.cfs_period_us", "100000\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(allowed_cores(root_.path()).quota, 1.5);
}

TEST_F(CoresTest, UnreadableFilesMeanNoLimit) {
  write("/proc/self/cgroup", "nonsense\n0::/service\n");
  for (const char* text : {"what\n", "", "50000\n", "50000 what\n", "50000 0\n", "50000 -1\n"}) {
    write("/sys/fs/cgroup/service/cpu.max", text);
    EXPECT_FALSE(allowed_cores(root_.path()).quota) << text;
  }
}

TEST(ShardThread, RunsPinnedToItsCore) {
  const uint32_t cpu = allowed_cores().cpus.back();
  Pinning pinning = Pinning::floating;
  uint32_t ran_on = ~0u;
  ShardThread thread;
  ASSERT_FALSE(thread.start("a shard", cpu, [&](Pinning told) {
    pinning = told;
    ran_on = static_cast<uint32_t>(sched_getcpu());
  }));
  thread.join();
  EXPECT_EQ(pinning, Pinning::pinned);
  EXPECT_EQ(ran_on, cpu);
}

TEST(ShardThread, FloatsWhenTheCoreCannotBeHad) {
  Pinning pinning = Pinning::pinned;
  ShardThread thread;
  ASSERT_FALSE(thread.start("a shard", 4095, [&](Pinning told) { pinning = told; }));
  thread.join();
  EXPECT_EQ(pinning, Pinning::floating);
}

}  // namespace
}  // namespace xord
