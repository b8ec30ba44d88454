#include "reactor/cgroup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/temporary_directory.h"

namespace xord {
namespace {

constexpr uint64_t mib = uint64_t{1} << 20;

// A root with the files as the kernel would show them. CPU quotas: cores_test.cc.
class CgroupTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_.path() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::optional<uint64_t> limit(GroupLimit which) const {
    const auto found = group_limit(which, root_.path());
    return found ? std::optional(found->value) : std::nullopt;
  }

  TemporaryDirectory root_;
};

TEST_F(CgroupTest, WithoutFilesThereIsNoLimit) {
  EXPECT_FALSE(limit(GroupLimit::memory));
  EXPECT_FALSE(limit(GroupLimit::threads));
  EXPECT_FALSE(granted_memory(root_.path()));
}

TEST_F(CgroupTest, VersionTwoIsRead) {
  write("/proc/self/cgroup", "0::/service\n");
  write("/sys/fs/cgroup/service/memory.max", "67108864\n");
  write("/sys/fs/cgroup/service/pids.max", "20\n");
  EXPECT_EQ(limit(GroupLimit::memory), 64 * mib);
  EXPECT_EQ(limit(GroupLimit::threads), 20u);
  EXPECT_EQ(group_limit(GroupLimit::memory, root_.path())->file,
            root_.path() + "/sys/fs/cgroup/service/memory.max");
}

TEST_F(CgroupTest, MaxIsNoLimitAndNonsenseNeither) {
  write("/proc/self/cgroup", "0::/service\n");
  write("/sys/fs/cgroup/service/memory.max", "max\n");
  write("/sys/fs/cgroup/service/pids.max", "12 monkeys\n");
  EXPECT_FALSE(limit(GroupLimit::memory));
  EXPECT_FALSE(limit(GroupLimit::threads));
}

TEST_F(CgroupTest, TheSmallestOfAllParentsCounts) {
  write("/proc/self/cgroup", "0::/slice/service/inner\n");
  write("/sys/fs/cgroup/slice/memory.max", "268435456\n");
  write("/sys/fs/cgroup/slice/service/memory.max", "536870912\n");
  write("/sys/fs/cgroup/slice/service/inner/memory.max", "max\n");
  const auto found = group_limit(GroupLimit::memory, root_.path());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->value, 256 * mib);
  EXPECT_EQ(found->file, root_.path() + "/sys/fs/cgroup/slice/memory.max");
}

TEST_F(CgroupTest, AContainerFindsItsLimitAtTheMountItself) {
  write("/proc/self/cgroup", "0::/as/the/host/names/it\n");
  write("/sys/fs/cgroup/memory.max", "67108864\n");
  EXPECT_EQ(limit(GroupLimit::memory), 64 * mib);
}

TEST_F(CgroupTest, VersionOneIsReadAndItsLargestNumberIsNoLimit) {
  write("/proc/self/cgroup", "5:pids:/\n4:memory:/docker/1\n0::/\n");
  write("/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "134217728\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("/sys/fs/cgroup/pids/pids.max", "30\n");
  EXPECT_EQ(limit(GroupLimit::memory), 128 * mib);
  EXPECT_EQ(limit(GroupLimit::threads), 30u);
}

TEST_F(CgroupTest, AQuotaOfVersionOneNeedsBothOfItsFiles) {
  write("/proc/self/cgroup", "4:cpuset,cpu:/docker/1\n");
  const std::string folder = "/sys/fs/cgroup/cpu/docker/1";
  EXPECT_FALSE(group_cpu_quota(root_.path()));
  write(folder + "/cpu.cfs_quota_us", "250000\n");
  EXPECT_FALSE(group_cpu_quota(root_.path()));
  for (const char* period : {"what\n", "0\n", "-1\n"}) {
    write(folder + "/cpu.cfs_period_us", period);
    EXPECT_FALSE(group_cpu_quota(root_.path())) << period;
  }
  write(folder + "/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(group_cpu_quota(root_.path()), 2.5);
  for (const char* quota : {"what\n", "0\n", "-1\n"}) {
    write(folder + "/cpu.cfs_quota_us", quota);
    EXPECT_FALSE(group_cpu_quota(root_.path())) << quota;
  }
}

TEST_F(CgroupTest, ControllersAreKnownByTheirWholeName) {
  write("/proc/self/cgroup", "4:cpuset,cpuacct:/other\n3:memory2:/other\nmemory\n2:memory\n");
  write("/sys/fs/cgroup/cpu/other/cpu.cfs_quota_us", "100000\n");
  write("/sys/fs/cgroup/cpu/other/cpu.cfs_period_us", "100000\n");
  write("/sys/fs/cgroup/memory/other/memory.limit_in_bytes", "134217728\n");
  EXPECT_FALSE(group_cpu_quota(root_.path()));
  EXPECT_FALSE(limit(GroupLimit::memory));
}

TEST_F(CgroupTest, AHostWhoseMemoryIsNotToldGrantsWhatTheGroupHas) {
  write("/proc/self/cgroup", "0::/service\n");
  write("/sys/fs/cgroup/service/memory.max", "67108864\n");
  for (const char* first_line : {"", "MemFree: 5 kB\n", "MemTotal: much\n", "MemTotal:\n"}) {
    write("/proc/meminfo", first_line);
    ASSERT_TRUE(granted_memory(root_.path())) << first_line;
    EXPECT_EQ(granted_memory(root_.path())->value, 64 * mib) << first_line;
  }
}

TEST_F(CgroupTest, TheMemoryGrantedIsTheSmallerOfGroupAndHost) {
  write("/proc/meminfo", "MemTotal:        1048576 kB\nMemFree: 5 kB\n");
  EXPECT_EQ(granted_memory(root_.path())->value, 1024 * mib);
  write("/proc/self/cgroup", "0::/service\n");
  write("/sys/fs/cgroup/service/memory.max", "2147483648\n");
  EXPECT_EQ(granted_memory(root_.path())->value, 1024 * mib);
  EXPECT_EQ(granted_memory(root_.path())->file, root_.path() + "/proc/meminfo");
  write("/sys/fs/cgroup/service/memory.max", "536870912\n");
  EXPECT_EQ(granted_memory(root_.path())->value, 512 * mib);
}

}  // namespace
}  // namespace xord
