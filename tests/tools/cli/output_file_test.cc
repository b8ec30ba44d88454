// What commands write, just as cp would: links, devices, FIFOs, and regular files as a whole.
#include "tools/cli/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/temporary_directory.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() : umask_(umask(022)) {}
  ~OutputFileTest() override { umask(umask_); }

  static void write(const std::string& path, const std::string& text, mode_t mode = 0666) {
    OutputFile file(path, mode);
    file.append(text);
    file.finish();
  }
  static std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static mode_t mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(lstat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
  }
  size_t files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(scratch_.path()), fs::directory_iterator()));
  }

  const mode_t umask_;
  TemporaryDirectory scratch_;
  const std::string path_ = scratch_.at("file");
};

TEST_F(OutputFileTest, ANewFileHasItsModeLessTheUmask) {
  write(path_, "text");
  EXPECT_EQ(content(path_), "text");
  EXPECT_EQ(mode_of(path_), 0644u);
  write(scratch_.at("secret"), "text", 0600);
  EXPECT_EQ(mode_of(scratch_.at("secret")), 0600u);
  EXPECT_EQ(files(), 2u);
}

TEST_F(OutputFileTest, AFileThatIsThereKeepsItsModeAndIsReplacedAsAWhole) {
  std::ofstream(path_) << "before, and longer";
  fs::permissions(path_, fs::perms(0640));
  {
    OutputFile file(path_, 0600);
    file.append("after");
    EXPECT_EQ(content(path_), "before, and longer");
  }
  EXPECT_EQ(content(path_), "before, and longer") << "what was not finished changes nothing";
  EXPECT_EQ(files(), 1u);
  write(path_, "after", 0600);
  EXPECT_EQ(content(path_), "after");
  EXPECT_EQ(mode_of(path_), 0640u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFileTest, ALinkIsFollowedWhetherOrNotItsTargetIsThere) {
  fs::create_directory(scratch_.at("folder"));
  std::ofstream(scratch_.at("folder/target")) << "before";
  fs::create_symlink("folder/target", scratch_.at("middle"));
  fs::create_symlink("middle", path_);
  write(path_, "after");
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_TRUE(fs::is_symlink(scratch_.at("middle")));
  EXPECT_EQ(content(scratch_.at("folder/target")), "after");

  fs::create_symlink("folder/new", scratch_.at("dangling"));
  write(scratch_.at("dangling"), "new");
  EXPECT_TRUE(fs::is_symlink(scratch_.at("dangling")));
  EXPECT_EQ(content(scratch_.at("folder/new")), "new");

  fs::create_symlink("circle", scratch_.at("circle"));
  EXPECT_THROW(write(scratch_.at("circle"), "text"), Failure);
}

TEST_F(OutputFileTest, AFifoIsWrittenAndStaysOne) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  std::thread writer([&] { write(path_, "text"); });
  EXPECT_EQ(content(path_), "text");
  writer.join();
  EXPECT_TRUE(fs::is_fifo(path_));
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFileTest, ADeviceStaysOneAndItsErrorsAreTold) {
  if (mknod(path_.c_str(), S_IFCHR | 0600, makedev(1, 7)) != 0) {  // A private /dev/full.
    GTEST_SKIP() << "making a device needs root, and a container that lets it";
  }
  EXPECT_THROW(write(path_, "text"), Failure);
  EXPECT_TRUE(fs::is_character_file(path_));
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFileTest, ADescriptorOfThisProcessIsWrittenWhereItStands) {
  const int descriptor = open(path_.c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(::write(descriptor, "before ", 7), 7);
  write("/dev/fd/" + std::to_string(descriptor), "text");
  write("/proc/self/fd/" + std::to_string(descriptor), " and more");
  ASSERT_EQ(::write(descriptor, " after", 6), 6);
  EXPECT_EQ(content(path_), "before text and more after");
  close(descriptor);
  EXPECT_THROW(write("/dev/fd/" + std::to_string(descriptor), "text"), Failure);
}

TEST_F(OutputFileTest, WhatCannotBeWrittenIsASentence) {
  const auto sentence = [](const std::string& path) -> std::string {
    try {
      OutputFile file(path);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ExitCode::environment);
      return failure.what();
    }
    return "";
  };
  EXPECT_EQ(sentence(scratch_.path()),
            "cannot write " + scratch_.path() +
                " (is the disk full, or may this user not write there?): "
                "Is a directory");
  EXPECT_NE(sentence(scratch_.at("nowhere/file")).find("No such file"), std::string::npos);
  std::ofstream(path_) << "text";
  EXPECT_NE(sentence(path_ + "/below"), "");
  EXPECT_NE(sentence(""), "");
  if (getuid() == 0) return;
  fs::permissions(path_, fs::perms(0400));
  EXPECT_NE(sentence(path_).find("Permission denied"), std::string::npos);
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFileTest, ALeftoverOfAKilledCommandIsPassedOver) {
  const auto part = [&](int number) {
    return scratch_.at(".xord-" + std::to_string(getpid()) + "-" + std::to_string(number) +
                       ".part");
  };
  for (int i = 0; i < 3; ++i) std::ofstream(part(i)) << "left";
  {
    OutputFile file(path_);
    EXPECT_TRUE(fs::exists(part(3)));
    file.append("text");
    file.finish();
  }
  EXPECT_EQ(content(path_), "text");
  EXPECT_FALSE(fs::exists(part(3)));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(content(part(i)), "left");
}

TEST_F(OutputFileTest, TheOwnerOfAFileThatIsReplacedStaysAndSetIdDoesNot) {
  std::ofstream(path_) << "before";
  if (getuid() == 0) {
    ASSERT_EQ(chown(path_.c_str(), 12'345, 23'456), 0);
  }
  fs::permissions(path_, fs::perms(06750));
  write(path_, "after", 0600);
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(mode_of(path_), 0750u);
  if (getuid() != 0) return;
  EXPECT_EQ(status.st_uid, 12'345u);
  EXPECT_EQ(status.st_gid, 23'456u);
}

TEST_F(OutputFileTest, AsManyLinksAsTheKernelFollowsAreFollowed) {
  std::ofstream(scratch_.at("0")) << "before";
  for (int i = 1; i <= 40; ++i) {
    fs::create_symlink(std::to_string(i - 1), scratch_.at(std::to_string(i)));
  }
  write(scratch_.at("39"), "after");
  EXPECT_EQ(content(scratch_.at("0")), "after");
  EXPECT_THROW(write(scratch_.at("40"), "text"), Failure);
}

TEST_F(OutputFileTest, AFileOfTheWorkingDirectoryNeedsNoFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(scratch_.path());
  write("bare", "text");
  fs::current_path(before);
  EXPECT_EQ(content(scratch_.at("bare")), "text");
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFileTest, WhatOnlyLooksLikeADescriptorIsNone) {
  for (const std::string name : {"", "x", "1x", "9999999999", "-1"}) {
    EXPECT_THROW(write("/proc/self/fd/" + name, "text"), Failure) << name;
  }
}

}  // namespace
}  // namespace xord
