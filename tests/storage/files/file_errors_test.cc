// What is said of a file or a directory that cannot be used, and that nothing stays open then.
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "storage/files/clock_file.h"
#include "storage/files/contacts_file.h"
#include "storage/files/identity_file.h"
#include "storage/files/payload.h"
#include "storage/files/small_file.h"
#include "storage/operation.h"
#include "tests/lowered_limit.h"
#include "tests/storage/file_content.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

// What the statfs() below says instead of the truth, if not 0, and of which path it was asked last.
uint64_t pretended_magic = 0;
std::string asked_path;

using Opened = std::variant<std::unique_ptr<DataDirectory>, IoError>;

template <class Result>
std::string sentence_of(const Result& result) {
  const auto* error = std::get_if<IoError>(&result);
  return error == nullptr ? "" : error->sentence;
}
template <class Result>
int number_of(const Result& result) {
  const auto* error = std::get_if<IoError>(&result);
  return error == nullptr ? -1 : error->error_number;
}

size_t open_files() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

class FileErrorsTest : public ::testing::Test {
 protected:
  FileErrorsTest() { directory = std::move(std::get<0>(open(temporary.at("data")))); }
  ~FileErrorsTest() override { pretended_magic = 0; }

  static Opened open(const std::string& path) {
    return DataDirectory::open(path, NetworkFileSystem::refused);
  }
  auto read(const char* name) { return read_small_file(directory->file(name), FileKind::clock, 1); }
  // An intact file whose content is this payload.
  void write(const char* name, FileKind kind, const PayloadWriter& payload) {
    ASSERT_FALSE(write_small_file(directory->file(name), kind, 1, payload.payload()));
  }
  static NetworkIdentity identity() { return {"rpcudp", Id{}, {}}; }

  TemporaryDirectory temporary;
  std::unique_ptr<DataDirectory> directory;
};

TEST_F(FileErrorsTest, SayWhatIsWrongWithASmallFile) {
  const std::string path = directory->file("clock");
  const auto damaged = [&](const std::string& how) {
    return path + " is damaged (" + how +
           "): put a backup in its place, or move it away to start without it";
  };
  EXPECT_TRUE(std::holds_alternative<Missing>(read("clock")));
  PayloadWriter payload;
  payload.integer(uint64_t{7});
  write("clock", FileKind::clock, payload);
  const std::string whole = content_of(path);
  overwrite(path, whole.substr(0, 19));
  EXPECT_EQ(sentence_of(read("clock")), damaged("too short"));
  EXPECT_EQ(number_of(read("clock")), 0) << "no system call failed";
  overwrite(path, whole.substr(0, 20));
  EXPECT_EQ(sentence_of(read("clock")), damaged("wrong length"));
  overwrite(path, whole.substr(0, whole.size() - 1) + '?');
  EXPECT_EQ(sentence_of(read("clock")), damaged("wrong checksum"));
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(sentence_of(read("clock")), "cannot read " + path + ": Is a directory");
  EXPECT_EQ(number_of(read("clock")), EISDIR);
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  errno = 0;
  EXPECT_EQ(sentence_of(read("clock")), "cannot read " + path + ": Invalid argument");
}

TEST_F(FileErrorsTest, AFileOf64MiBIsReadAndALargerOneIsNot) {
  const std::string path = directory->file("clock");
  overwrite(path, "");
  std::filesystem::resize_file(path, small_file_size_max);
  EXPECT_EQ(number_of(read("clock")), 0) << "read, and not ours";
  std::filesystem::resize_file(path, small_file_size_max + 1);
  EXPECT_EQ(sentence_of(read("clock")), "cannot read " + path + ": File too large");
}

// Files of sysfs claim to have 4,096 bytes.
TEST_F(FileErrorsTest, AFileThatShrinksWhileItIsReadIsDamaged) {
  const std::string path = "/sys/kernel/uevent_seqnum";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "there is no " << path;
  const auto read = read_small_file(path, FileKind::clock, 1);
  EXPECT_NE(sentence_of(read).find("is damaged (too short)"), std::string::npos);
}

TEST_F(FileErrorsTest, ContentThatNoNodeWroteIsDamageWhateverItsChecksumSays) {
  PayloadWriter no_network;
  no_network.integer(uint16_t{0});
  write("identity", FileKind::identity, no_network);
  EXPECT_EQ(sentence_of(read_identity(*directory)),
            directory->file("identity") +
                " is damaged (wrong content): put a backup in its place, or move the whole data "
                "directory away to start with a new id");
  EXPECT_EQ(number_of(read_identity(*directory)), 0);

  const std::vector<NetworkIdentity> most(networks_max, identity());
  ASSERT_FALSE(write_identity(*directory, most));
  EXPECT_EQ(std::get<0>(read_identity(*directory)), most);
  PayloadWriter more;
  more.integer(static_cast<uint16_t>(networks_max + 1));
  for (size_t i = 0; i <= networks_max; ++i) {
    more.name("rpcudp");
    more.bytes(Id{}.bytes);
    more.bytes(identity().secret);
  }
  write("identity", FileKind::identity, more);
  EXPECT_EQ(number_of(read_identity(*directory)), 0);

  PayloadWriter contacts;
  contacts.integer(uint16_t{0});
  contacts.integer(uint8_t{0});  // Behind the last network.
  write("contacts", FileKind::contacts, contacts);
  EXPECT_EQ(sentence_of(read_contacts(*directory)),
            directory->file("contacts") +
                " is damaged (wrong content): move it away to start with --bootstrap");
  EXPECT_EQ(number_of(read_contacts(*directory)), 0);
}

TEST_F(FileErrorsTest, ANodeTimeInWhichNoRecordCouldLiveIsDamage) {
  const Instant first = instant_of(first_node_seconds);
  const Instant last = instant_of(UINT32_MAX - 4 * ttl_max);
  for (const Instant possible : {first, last}) {
    ASSERT_FALSE(write_clock(*directory, {possible, seconds(1'700'000'000)}));
    EXPECT_EQ(sentence_of(read_clock(*directory)), "");
    EXPECT_EQ(std::get<0>(read_clock(*directory))->node_time, possible);
  }
  for (const Instant impossible : {first - nanoseconds(1), last + nanoseconds(1)}) {
    ASSERT_FALSE(write_clock(*directory, {impossible, seconds(1'700'000'000)}));
    EXPECT_EQ(sentence_of(read_clock(*directory)),
              directory->file("clock") +
                  " is damaged (wrong content): put a backup in its place; without it every stored "
                  "record would seem to be from another time");
    EXPECT_EQ(number_of(read_clock(*directory)), 0);
  }
}

TEST_F(FileErrorsTest, ANetworkFileSystemIsRefusedUnlessItIsForced) {
  pretended_magic = NFS_SUPER_MAGIC;
  const std::string path = temporary.at("new/below/it");
  const Opened refused = open(path);
  EXPECT_EQ(sentence_of(refused),
            "the data directory " + path +
                " is on a network file system (NFS), whose locks and syncs cannot be trusted: "
                "choose a local --data-dir, or force it with --allow-network-file-system");
  EXPECT_EQ(asked_path, temporary.path()) << "the nearest that exists";
  EXPECT_FALSE(std::filesystem::exists(temporary.at("new")));
  EXPECT_NE(sentence_of(open(directory->path())).find("(NFS)"), std::string::npos);
  EXPECT_EQ(asked_path, directory->path());
  EXPECT_EQ(sentence_of(DataDirectory::open(path, NetworkFileSystem::forced)), "");
}

TEST_F(FileErrorsTest, NothingStaysOpenWhateverWentWrong) {
  ASSERT_FALSE(write_identity(*directory, {identity()}));
  const std::string path = directory->path();
  std::filesystem::create_directory(directory->file("contacts"));
  overwrite(directory->file("clock"), "damaged");
  const std::string other = temporary.at("other");
  const size_t before = open_files();
  EXPECT_EQ(sentence_of(read_identity(*directory)), "");
  EXPECT_NE(sentence_of(read_contacts(*directory)), "");
  EXPECT_NE(sentence_of(read_clock(*directory)), "");
  EXPECT_FALSE(write_identity(*directory, {identity()}));
  EXPECT_TRUE(write_contacts(*directory, {}));
  EXPECT_FALSE(sync_directory(path));
  EXPECT_TRUE(sync_directory(path + "/none"));
  EXPECT_NE(sentence_of(open(path)), "") << "it is held";
  EXPECT_EQ(sentence_of(open(other)), "");
  EXPECT_NE(sentence_of(DataDirectory::open_to_read(path)), "") << "it is held";
  EXPECT_EQ(open_files(), before);
}

TEST_F(FileErrorsTest, AFullDiskIsToldAndLeavesNothingBehind) {
  const std::string path = temporary.at("other");
  const size_t before = open_files();
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  {
    const LoweredLimit no_file(RLIMIT_FSIZE, 0);
    EXPECT_EQ(sentence_of(open(path)),
              "cannot write " + path + "/LOCK (is the disk full?): File too large");
    const auto failed = write_identity(*directory, {identity()});
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->sentence, "cannot write " + directory->file("identity") + ": File too large");
  }
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(std::filesystem::exists(directory->file("identity.new")));
  EXPECT_EQ(open_files(), before);
  EXPECT_EQ(sentence_of(open(path)), "") << "its lock was given back";
}

}  // namespace
}  // namespace xord

extern "C" int statfs(const char* path, struct statfs* status) noexcept {
  const auto failed = static_cast<int>(syscall(SYS_statfs, path, status));
  xord::asked_path = path;
  if (failed == 0 && xord::pretended_magic != 0) {
    status->f_type = static_cast<decltype(status->f_type)>(xord::pretended_magic);
  }
  return failed;
}
