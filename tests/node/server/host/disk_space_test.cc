#include "node/server/host/disk_space.h"

#include <gtest/gtest.h>
#include <sys/statvfs.h>

#include "tests/temporary_directory.h"

namespace xord {
namespace {

TEST(DiskSpace, IsThatOfTheFileSystemOfTheDirectory) {
  TemporaryDirectory directory;
  const auto space = disk_space_of(directory.at("."));
  ASSERT_TRUE(space);
  EXPECT_GT(space->size, 1u << 20);
  EXPECT_LE(space->free, space->size);
  EXPECT_FALSE(disk_space_of(directory.at("absent")));
}

TEST(DiskSpace, IsCountedInBytes) {
  TemporaryDirectory directory;
  struct statvfs status {};
  ASSERT_EQ(statvfs(directory.path().c_str(), &status), 0);
  const auto space = disk_space_of(directory.path());
  ASSERT_TRUE(space);
  EXPECT_EQ(space->size, uint64_t{status.f_blocks} * status.f_frsize);
}

// proc(5) has no blocks.
TEST(DiskSpace, AFileSystemWithoutASizeHasNone) {
  EXPECT_FALSE(disk_space_of("/proc"));
}

}  // namespace
}  // namespace xord
