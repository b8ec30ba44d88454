#include "tools/client/named_ids.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/temporary_directory.h"

namespace xord {
namespace {

class NamedIdsTest : public testing::Test {
 protected:
  static Id id(uint8_t number) {
    Id result;
    result.bytes.fill(number);
    return result;
  }
  static Contact named(uint8_t number) { return {id(number), via(number)}; }
  static Endpoint via(uint16_t port) { return Endpoint::ipv4(0x7f000001, port); }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.at("deep/named-ids");
};

TEST_F(NamedIdsTest, WhatWasRememberedIsThereTheNextTime) {
  const Endpoint v6{*IpAddress::parse("2001:db8::1"), 0, 7};
  NamedIds first(path_);
  first.remember({via(1), named(1)});
  first.remember({v6, named(2)});
  first.remember({via(1), named(3)});
  EXPECT_TRUE(first.save());
  const NamedIds again(path_);
  EXPECT_EQ(again.find(via(1)), named(3));
  EXPECT_EQ(again.find(v6), named(2));
  EXPECT_FALSE(again.find(via(2)));
}

TEST_F(NamedIdsTest, WhatIsForgottenIsNotFound) {
  NamedIds ids(path_);
  ids.remember({via(1), named(1)});
  ids.remember({via(2), named(2)});
  ids.forget(via(1));
  EXPECT_TRUE(ids.save());
  EXPECT_FALSE(NamedIds(path_).find(via(1)));
  EXPECT_EQ(NamedIds(path_).find(via(2)), named(2));
}

TEST_F(NamedIdsTest, SavingLeavesOnlyTheCacheBehind) {
  NamedIds ids(path_);
  ids.remember({via(1), named(1)});
  EXPECT_TRUE(ids.save());
  size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory_.at("deep"))) {
    EXPECT_EQ(file.path().string(), path_);
    ++files;
  }
  EXPECT_EQ(files, 1u);
}

TEST_F(NamedIdsTest, OnlyTheOnesUsedLastAreKept) {
  NamedIds ids(path_);
  for (uint16_t port = 1; port <= named_ids_max + 1; ++port) ids.remember({via(port), named(1)});
  EXPECT_FALSE(ids.find(via(1)));
  EXPECT_TRUE(ids.find(via(2)));
  EXPECT_TRUE(ids.find(via(named_ids_max + 1)));
}

TEST_F(NamedIdsTest, ANodeThatIsKnownTakesNoOtherOnesPlace) {
  NamedIds ids(path_);
  for (uint16_t port = 1; port <= named_ids_max; ++port) ids.remember({via(port), named(1)});
  ids.remember({via(2), named(9)});
  EXPECT_EQ(ids.find(via(1)), named(1));
  EXPECT_EQ(ids.find(via(2)), named(9));
  ids.remember({via(named_ids_max + 1), named(3)});
  EXPECT_FALSE(ids.find(via(1))) << "the one that was used longest ago";
  EXPECT_EQ(ids.find(via(2)), named(9));
  EXPECT_TRUE(ids.find(via(3)));
}

// The index of an interface may be another one's after the next boot.
TEST_F(NamedIdsTest, WhatNeedsAnInterfaceIsNotKept) {
  const auto on_link = [](uint32_t scope) {
    return Endpoint{*IpAddress::parse("fe80::1"), scope, 7};
  };
  NamedIds ids(path_);
  ids.remember({on_link(3), named(1)});
  EXPECT_FALSE(ids.find(on_link(3)));
  ids.remember({via(1), {id(1), on_link(3)}});
  EXPECT_FALSE(ids.find(via(1)));
}

TEST_F(NamedIdsTest, TheFileIsReadByItsOwnerAloneAndHasALineForEach) {
  NamedIds ids(path_);
  ids.remember({via(1), named(2)});
  ids.remember({via(3), named(4)});
  EXPECT_TRUE(ids.save());
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
  std::ostringstream text;
  text << std::ifstream(path_).rdbuf();
  EXPECT_EQ(text.str(), "127.0.0.1:1 " + id(2).hex() + " 127.0.0.1:2\n127.0.0.1:3 " + id(4).hex() +
                            " 127.0.0.1:4\n");
}

TEST_F(NamedIdsTest, OfALongerFileAsManyLinesAreReadAsAreKept) {
  std::filesystem::create_directories(directory_.at("deep"));
  std::ofstream file(path_);
  for (size_t port = 1; port <= named_ids_max + 1; ++port) {
    file << "127.0.0.1:" << port << ' ' << id(1).hex() << " 127.0.0.1:1\n";
  }
  file.close();
  const NamedIds ids(path_);
  EXPECT_TRUE(ids.find(via(named_ids_max)));
  EXPECT_FALSE(ids.find(via(named_ids_max + 1)));
}

// Root who runs with another user's HOME must not write where that user says.
TEST_F(NamedIdsTest, AnotherUsersFileOrFolderIsLeftAlone) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  NamedIds ids(path_);
  ids.remember({via(1), named(1)});
  ASSERT_TRUE(ids.save());
  ids.remember({via(2), named(2)});
  ASSERT_EQ(chown(path_.c_str(), 12'345, 12'345), 0);
  EXPECT_FALSE(NamedIds(path_).find(via(1)));
  EXPECT_FALSE(ids.save());
  ASSERT_EQ(chown(path_.c_str(), 0, 0), 0);
  ASSERT_EQ(chown(directory_.at("deep").c_str(), 12'345, 12'345), 0);
  EXPECT_FALSE(NamedIds(path_).find(via(1)));
  EXPECT_FALSE(ids.save());
  ASSERT_EQ(chown(directory_.at("deep").c_str(), 0, 0), 0);
  EXPECT_EQ(NamedIds(path_).find(via(1)), named(1)) << "nothing was written meanwhile";
  EXPECT_FALSE(NamedIds(path_).find(via(2)));
}

TEST_F(NamedIdsTest, LinesThatMakeNoSenseAreSkipped) {
  std::filesystem::create_directories(directory_.at("deep"));
  std::ofstream(path_) << "nonsense\n127.0.0.1:1 xyz\n\n127.0.0.1:99999 " << id(1).hex()
                       << "\n127.0.0.1:5 " << id(5).hex() << " 127.0.0.1:5\n127.0.0.1:7 "
                       << id(7).hex() << "\n127.0.0.1:6";
  const NamedIds ids(path_);
  EXPECT_EQ(ids.find(via(5)), named(5));
  EXPECT_FALSE(ids.find(via(1)));
  EXPECT_FALSE(ids.find(via(6)));
  EXPECT_FALSE(ids.find(via(7))) << "a line of an earlier version, without an endpoint";
}

TEST_F(NamedIdsTest, WithoutAPlaceNothingIsKeptAndNothingFails) {
  NamedIds ids("");
  ids.remember({via(1), named(1)});
  EXPECT_FALSE(ids.save());
  std::ofstream(directory_.at("file")) << "";
  NamedIds below_a_file(directory_.at("file/named-ids"));
  below_a_file.remember({via(1), named(1)});
  EXPECT_FALSE(below_a_file.save());
}

TEST_F(NamedIdsTest, WhatIsNoRegularFileIsNeitherWaitedForNorReplaced) {
  std::filesystem::create_directories(directory_.at("deep"));
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  NamedIds ids(path_);
  ids.remember({via(1), named(1)});
  EXPECT_FALSE(ids.save());
  EXPECT_TRUE(std::filesystem::is_fifo(path_));
}

TEST_F(NamedIdsTest, ALinkIsNeitherFollowedNorReplaced) {
  std::filesystem::create_directories(directory_.at("deep"));
  std::ofstream(directory_.at("elsewhere")) << via(1).text() << ' ' << id(1).hex() << '\n';
  std::filesystem::create_symlink(directory_.at("elsewhere"), path_);
  NamedIds ids(path_);
  EXPECT_FALSE(ids.find(via(1)));
  EXPECT_FALSE(ids.save());
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
}

}  // namespace
}  // namespace xord
