// The small files and the data directory: what is kept, and what is refused and left untouched.
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/files/clock_file.h"
#include "storage/files/contacts_file.h"
#include "storage/files/identity_file.h"
#include "storage/files/small_file.h"
#include "storage/files/snapshot_files.h"
#include "tests/die_with_parent.h"
#include "tests/storage/file_content.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

using Opened = std::variant<std::unique_ptr<DataDirectory>, IoError>;

Opened open_directory(const std::string& path) {
  return DataDirectory::open(path, NetworkFileSystem::refused);
}

std::string sentence_of(const Opened& opened) {
  const auto* error = std::get_if<IoError>(&opened);
  return error == nullptr ? "" : error->sentence;
}

std::vector<NetworkIdentity> an_identity() {
  NetworkIdentity identity{"rpcudp", Id{}, {}};
  for (size_t i = 0; i < id_size; ++i) identity.id.bytes[i] = static_cast<uint8_t>(i);
  identity.secret.fill(0xa5);
  return {identity};
}

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    auto opened = open_directory(temporary.at("data"));
    EXPECT_EQ(sentence_of(opened), "");
    directory = std::move(std::get<std::unique_ptr<DataDirectory>>(opened));
  }
  TemporaryDirectory temporary;
  std::unique_ptr<DataDirectory> directory;
};

TEST_F(FilesTest, EveryFileComesBackAsItWasWritten) {
  const std::vector<NetworkIdentity> identity = an_identity();
  ASSERT_FALSE(write_identity(*directory, identity));
  EXPECT_EQ(std::get<0>(read_identity(*directory)), identity);

  SavedContacts contacts{"rpcudp", {}};
  contacts.contacts.push_back({identity[0].id, *Endpoint::parse("192.0.2.1:8468"), 400'000'001});
  contacts.contacts.push_back({Id{}, *Endpoint::parse("[2001:db8::1]:6881"), 7});
  ASSERT_FALSE(write_contacts(*directory, {contacts}));
  const auto read = std::get<0>(read_contacts(*directory));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].network, "rpcudp");
  ASSERT_EQ(read[0].contacts.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read[0].contacts[i].id, contacts.contacts[i].id);
    EXPECT_EQ(read[0].contacts[i].endpoint, contacts.contacts[i].endpoint);
    EXPECT_EQ(read[0].contacts[i].last_answered, contacts.contacts[i].last_answered);
  }

  const SavedClock clock{instant_of(first_node_seconds + 5), seconds(1'700'000'000)};
  ASSERT_FALSE(write_clock(*directory, clock));
  const auto read_back = std::get<0>(read_clock(*directory));
  ASSERT_TRUE(read_back);
  EXPECT_EQ(read_back->node_time, clock.node_time);
  EXPECT_EQ(read_back->wall_time, clock.wall_time);
}

TEST_F(FilesTest, ASavedContactThatNothingCanBeSentToIsLeftOut) {
  SavedContacts contacts{"rpcudp", {}};
  for (const char* endpoint :
       {"192.0.2.1:0", "0.0.0.0:1", "224.0.0.1:1", "[ff02::1]:1", "[::]:1", "192.0.2.1:8468"}) {
    contacts.contacts.push_back({Id{}, *Endpoint::parse(endpoint), 7});
  }
  ASSERT_FALSE(write_contacts(*directory, {contacts}));
  const auto read = std::get<0>(read_contacts(*directory));
  ASSERT_EQ(read[0].contacts.size(), 1u);
  EXPECT_EQ(read[0].contacts[0].endpoint, *Endpoint::parse("192.0.2.1:8468"));
}

TEST_F(FilesTest, AFirstStartFindsNothingAndThatIsNoError) {
  EXPECT_TRUE(std::get<0>(read_identity(*directory)).empty());
  EXPECT_TRUE(std::get<0>(read_contacts(*directory)).empty());
  EXPECT_FALSE(std::get<0>(read_clock(*directory)));
}

TEST_F(FilesTest, AChangedOrMissingByteAnywhereIsNoticedAndNothingIsChanged) {
  ASSERT_FALSE(write_identity(*directory, an_identity()));
  const std::string path = directory->file("identity");
  const std::string whole = content_of(path);
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    overwrite(path, changed);
    const auto read = read_identity(*directory);
    ASSERT_TRUE(std::holds_alternative<IoError>(read)) << "byte " << i;
    ASSERT_NE(std::get<IoError>(read).sentence.find(path), std::string::npos);
    ASSERT_EQ(content_of(path), changed);
    overwrite(path, whole.substr(0, i));
    ASSERT_TRUE(std::holds_alternative<IoError>(read_identity(*directory))) << "length " << i;
  }
  overwrite(path, whole + "x");
  EXPECT_TRUE(std::holds_alternative<IoError>(read_identity(*directory)));
  overwrite(path, whole);
  EXPECT_EQ(std::get<0>(read_identity(*directory)), an_identity());
}

TEST_F(FilesTest, ANewerVersionIsRefusedByName) {
  const uint8_t payload[] = {1, 2, 3};
  ASSERT_FALSE(write_small_file(directory->file("clock"), FileKind::clock, 9, payload));
  const auto read = read_clock(*directory);
  ASSERT_TRUE(std::holds_alternative<IoError>(read));
  EXPECT_NE(std::get<IoError>(read).sentence.find("has version 9"), std::string::npos);
}

TEST_F(FilesTest, AFileOfAnotherKindOrOfAnotherProgramIsNotTakenForOurs) {
  ASSERT_FALSE(write_identity(*directory, an_identity()));
  std::filesystem::copy_file(directory->file("identity"), directory->file("clock"));
  auto read = read_clock(*directory);
  ASSERT_TRUE(std::holds_alternative<IoError>(read));
  EXPECT_NE(std::get<IoError>(read).sentence.find("not a file that xord wrote"), std::string::npos);
  overwrite(directory->file("clock"), std::string(100, 'z'));
  EXPECT_TRUE(std::holds_alternative<IoError>(read_clock(*directory)));
}

TEST_F(FilesTest, AnUnreadableFileIsAnErrorAndNotAFirstStart) {
  std::filesystem::create_directory(directory->file("identity"));  // Root can read any file.
  EXPECT_TRUE(std::holds_alternative<IoError>(read_identity(*directory)));
  EXPECT_TRUE(write_identity(*directory, an_identity()));
  EXPECT_FALSE(std::filesystem::exists(directory->file("identity.new")));
}

TEST_F(FilesTest, AWriteThatCannotFinishLeavesTheOldContent) {
  ASSERT_FALSE(write_identity(*directory, an_identity()));
  const std::string before = content_of(directory->file("identity"));
  std::filesystem::create_directory(directory->file("identity.new"));  // In the temporary's place.
  EXPECT_TRUE(write_identity(*directory, an_identity()));
  EXPECT_EQ(content_of(directory->file("identity")), before);
}

TEST_F(FilesTest, AHeldDirectoryIsRefusedWithTheHoldersNumberUntilItEnds) {
  const std::string path = directory->path();
  const std::string sentence = sentence_of(open_directory(path));
  EXPECT_NE(sentence.find("held by process " + std::to_string(getpid())), std::string::npos)
      << sentence;
  directory.reset();
  EXPECT_EQ(sentence_of(open_directory(path)), "");
}

TEST_F(FilesTest, TheLockEndsWithItsProcessHoweverItEnds) {
  const std::string path = temporary.at("other");
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    die_with_parent();
    const Opened held = open_directory(path);
    const char state = sentence_of(held).empty() ? '+' : '-';
    if (write(pipe_ends[1], &state, 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char state = 0;
  ASSERT_EQ(read(pipe_ends[0], &state, 1), 1);
  EXPECT_EQ(state, '+');
  const std::string sentence = sentence_of(open_directory(path));
  EXPECT_NE(sentence.find("held by process " + std::to_string(child)), std::string::npos);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(sentence_of(open_directory(path)), "");
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST_F(FilesTest, ADirectoryThatIsNotOursIsRefusedAndLeftAlone) {
  const std::string path = temporary.at("photos");
  std::filesystem::create_directory(path);
  overwrite(path + "/holiday.jpg", "x");
  const std::string sentence = sentence_of(open_directory(path));
  EXPECT_NE(sentence.find("holiday.jpg"), std::string::npos) << sentence;
  EXPECT_FALSE(std::filesystem::exists(path + "/LOCK"));
}

TEST_F(FilesTest, AFirstStartThatWasKilledHalfWayCanBeRepeated) {
  overwrite(directory->file("identity.new"), "torn");
  const std::string path = directory->path();
  directory.reset();
  EXPECT_EQ(sentence_of(open_directory(path)), "");
}

TEST_F(FilesTest, AnImpossiblePathIsRefusedInASentence) {
  EXPECT_NE(sentence_of(open_directory("")), "");
  overwrite(temporary.at("file"), "x");
  EXPECT_NE(sentence_of(open_directory(temporary.at("file"))), "");
  EXPECT_NE(sentence_of(open_directory(temporary.at("file") + "/below")), "");
  EXPECT_NE(sentence_of(open_directory("/proc/xord-cannot-be-made")), "");
}

// A user who may write there could replace our files with links to anything.
TEST_F(FilesTest, ADirectoryThatOthersCanWriteIsRefusedAndLeftAlone) {
  for (const mode_t mode : {0722u, 0720u, 01777u}) {
    const std::string path = temporary.at("open" + std::to_string(mode));
    ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    EXPECT_EQ(sentence_of(open_directory(path)),
              "others may write to the data directory " + path +
                  ", and so replace its files: remove that permission (chmod go-w " + path +
                  ") or choose another");
    EXPECT_TRUE(std::filesystem::is_empty(path));
  }
  const std::string path = temporary.at("readable");
  ASSERT_EQ(mkdir(path.c_str(), 0755), 0);
  EXPECT_EQ(sentence_of(open_directory(path)), "");
}

TEST_F(FilesTest, AnotherUsersDirectoryIsRefusedForRootToo) {
  const std::string path = temporary.at("other");
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  if (getuid() != 0 || chown(path.c_str(), 12'345, 12'345) != 0) {
    GTEST_SKIP() << "giving a directory away needs root";
  }
  EXPECT_EQ(sentence_of(open_directory(path)),
            "the data directory " + path +
                " belongs to user 12345 and not to this user, root (0): run as its owner, give it "
                "to this user, or choose another");
  EXPECT_TRUE(std::filesystem::is_empty(path));
  ASSERT_EQ(begin_snapshot(path)->sentence.substr(0, 13), "the directory");
  // Reading changes nothing, and root may read any user's.
  std::filesystem::copy(directory->path(), path, std::filesystem::copy_options::recursive);
  overwrite(path + "/identity", "x");
  EXPECT_EQ(sentence_of(DataDirectory::open_to_read(path)), "");
}

TEST_F(FilesTest, ALinkInThePlaceOfAFileIsNotFollowed) {
  const std::string victim = temporary.at("victim");
  overwrite(victim, "precious");
  const std::string path = directory->path();
  directory.reset();
  std::filesystem::remove(path + "/LOCK");
  std::filesystem::create_symlink(victim, path + "/LOCK");
  EXPECT_EQ(sentence_of(open_directory(path)), path + "/LOCK is a link: remove it");
  overwrite(path + "/identity", "x");
  EXPECT_EQ(sentence_of(DataDirectory::open_to_read(path)), path + "/LOCK is a link: remove it");
  std::filesystem::remove(path + "/identity");
  std::filesystem::remove(path + "/LOCK");
  ASSERT_EQ(mkfifo((path + "/LOCK").c_str(), 0600), 0);
  EXPECT_EQ(sentence_of(open_directory(path)), path + "/LOCK is not a regular file: remove it");
  std::filesystem::remove(path + "/LOCK");
  directory = std::move(std::get<std::unique_ptr<DataDirectory>>(open_directory(path)));

  std::filesystem::create_symlink(victim, path + "/identity.new");
  ASSERT_FALSE(write_identity(*directory, an_identity()));
  EXPECT_EQ(content_of(victim), "precious");
  EXPECT_EQ(std::get<0>(read_identity(*directory)), an_identity());

  std::filesystem::create_symlink(path + "/identity", path + "/contacts");
  const auto linked = read_contacts(*directory);
  EXPECT_EQ(std::get<IoError>(linked).sentence,
            path + "/contacts is a link, which is not followed: put the file itself in its place");
  ASSERT_EQ(mkfifo((path + "/clock").c_str(), 0600), 0);
  EXPECT_TRUE(std::holds_alternative<IoError>(read_clock(*directory)));
}

TEST_F(FilesTest, TheDirectoryIsForItsUserAlone) {
  const auto permissions = std::filesystem::status(directory->path()).permissions();
  EXPECT_EQ(permissions, std::filesystem::perms::owner_all);
}

TEST(NetworkFileSystem, IsToldByTheKernelsMagicNumber) {
  EXPECT_STREQ(network_file_system_name(NFS_SUPER_MAGIC), "NFS");
  EXPECT_STREQ(network_file_system_name(0xFF534D42), "SMB");
  EXPECT_STREQ(network_file_system_name(0xFFFFFFFFFF534D42), "SMB");  // Sign-extended by statfs.
  EXPECT_STREQ(network_file_system_name(V9FS_MAGIC), "9p");
  EXPECT_EQ(network_file_system_name(EXT4_SUPER_MAGIC), nullptr);
  EXPECT_EQ(network_file_system_name(TMPFS_MAGIC), nullptr);
}

constexpr Duration week = hours(7 * 24);

TEST(ResumeClock, AFirstStartBeginsWhereNoAgeUnderflows) {
  EXPECT_EQ(resume_clock({}, seconds(1), week).now, instant_of(first_node_seconds));
}

TEST(ResumeClock, TimeAwayCountsAndAClockSetBackCountsAsNone) {
  const SavedClock saved{instant_of(500'000'000), seconds(1'700'000'000)};
  EXPECT_EQ(resume_clock(saved, seconds(1'700'000'060), week).now, instant_of(500'000'060));
  EXPECT_EQ(resume_clock(saved, seconds(1'600'000'000), week).now, instant_of(500'000'000));
  EXPECT_FALSE(resume_clock(saved, seconds(0), week).is_doubtful);
}

TEST(ResumeClock, AnAbsenceLongerThanTheTtlIsDoubted) {
  const SavedClock saved{instant_of(500'000'000), seconds(1'700'000'000)};
  EXPECT_FALSE(resume_clock(saved, seconds(1'700'000'000) + week, week).is_doubtful);
  EXPECT_TRUE(resume_clock(saved, seconds(1'700'000'001) + week, week).is_doubtful);
  // Even an absurd clock gives a node time that records can carry.
  const Instant far = resume_clock(saved, hours(24 * 365 * 250), week).now;
  EXPECT_LT(far, instant_of(UINT32_MAX - ttl_max));
}

TEST(ResumeClock, AWallTimeThatCannotBeSaysNothingOfTheAbsence) {
  const SavedClock saved{instant_of(500'000'000), seconds(100)};
  const ResumedClock resumed = resume_clock(saved, seconds(1'700'000'000), week);
  EXPECT_EQ(resumed.now, saved.node_time);
  EXPECT_FALSE(resumed.is_doubtful);
}

}  // namespace
}  // namespace xord
