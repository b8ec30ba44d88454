#include "node/server/host/disk_space.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace xord
