// What a power loss leaves of the small files: their content is on disk before they get their name,
// and the name before the writer returns. Shown by the order of the system calls.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "storage/files/clock_file.h"
#include "storage/files/contacts_file.h"
#include "storage/files/identity_file.h"
#include "storage/files/small_file.h"
#include "storage/files/snapshot_files.h"
#include "tests/storage/file_content.h"
#include "tests/storage/files/disk_calls.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

using Calls = std::vector<std::string>;

std::unique_ptr<DataDirectory> opened_at(const std::string& path) {
  auto opened = DataDirectory::open(path, NetworkFileSystem::forced);
  EXPECT_FALSE(std::holds_alternative<IoError>(opened)) << std::get<IoError>(opened).sentence;
  return std::move(std::get<std::unique_ptr<DataDirectory>>(opened));
}

// Of a small file that was replaced as a whole.
Calls calls_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const auto size = std::to_string(std::filesystem::file_size(path));
  return {"sync " + path + ".new, " + size + " bytes", "rename " + path + ".new to " + path,
          "sync " + folder};
}

class SmallFilesPowerLoss : public ::testing::Test {
 protected:
  struct Writer {
    std::string path;
    std::function<std::optional<IoError>()> write;
  };
  // All four kinds. `round` makes each content another one.
  std::vector<Writer> writers(uint8_t round) {
    NetworkIdentity identity{"rpcudp", Id{}, {}};
    identity.secret.fill(round);
    const SavedContact contact{Id{}, Endpoint::ipv4(0x7f000001, static_cast<uint16_t>(1 + round)),
                               400'000'001};
    const SavedContacts contacts{"rpcudp", std::vector<SavedContact>(1u + round, contact)};
    const SavedClock clock{instant_of(first_node_seconds + round), seconds(1'700'000'000)};
    const std::string format = directory->file("format");
    return {
        {directory->file("identity"), [=, this] { return write_identity(*directory, {identity}); }},
        {directory->file("contacts"), [=, this] { return write_contacts(*directory, {contacts}); }},
        {directory->file("clock"), [=, this] { return write_clock(*directory, clock); }},
        {format, [=] { return write_small_file(format, FileKind::format, 1, Bytes(&round, 1)); }}};
  }

  TemporaryDirectory temporary;
  std::unique_ptr<DataDirectory> directory = opened_at(temporary.at("data"));
};

TEST_F(SmallFilesPowerLoss, EachIsSyncedThenNamedThenItsNameIsSynced) {
  for (const uint8_t round : {uint8_t{0}, uint8_t{1}}) {
    for (const Writer& writer : writers(round)) {
      const DiskCalls calls;
      ASSERT_FALSE(writer.write());
      EXPECT_EQ(calls.seen(), calls_of(writer.path));
    }
  }
}

TEST_F(SmallFilesPowerLoss, ACallThatFailsIsAnErrorAndTheOldContentStaysUntilTheNameIsGiven) {
  for (const Writer& writer : writers(0)) ASSERT_FALSE(writer.write());
  for (const size_t failing : {0, 1, 2}) {
    for (const Writer& writer : writers(1)) {
      SCOPED_TRACE(writer.path + ", call " + std::to_string(failing));
      const std::string before = content_of(writer.path);
      {
        const DiskCalls calls(failing);
        const auto error = writer.write();
        ASSERT_TRUE(error);
        EXPECT_EQ(error->error_number, EIO);
        EXPECT_EQ(calls.seen().size(), failing + 1) << "nothing is done after it";
      }
      EXPECT_EQ(content_of(writer.path) == before, failing < 2);
      EXPECT_FALSE(std::filesystem::exists(writer.path + ".new"));
    }
  }
}

TEST_F(SmallFilesPowerLoss, ASnapshotHasAllFourEachSyncedAndItsIdentityLast) {
  for (const Writer& writer : writers(3)) ASSERT_FALSE(writer.write());
  const std::string to = temporary.at("copy");
  ASSERT_FALSE(begin_snapshot(to));
  const DiskCalls calls;
  ASSERT_FALSE(finish_snapshot(directory->path(), to));
  Calls expected;
  for (const char* name : {"format", "clock", "contacts", "identity"}) {
    EXPECT_EQ(content_of(to + "/" + name), content_of(directory->file(name))) << name;
    for (const std::string& call : calls_of(to + "/" + name)) expected.push_back(call);
  }
  expected.push_back("sync " + temporary.path());
  EXPECT_EQ(calls.seen(), expected);
}

TEST_F(SmallFilesPowerLoss, TheNamesOfANewDataDirectoryAreSyncedUntilItHasAnIdentity) {
  const std::string path = temporary.at("new/deep");
  Calls expected;
  for (std::filesystem::path at = path; at.has_relative_path(); at = at.parent_path()) {
    expected.push_back("sync " + at.parent_path().string());
  }
  {
    const DiskCalls calls;
    opened_at(path);
    EXPECT_EQ(calls.seen(), expected);
  }
  {
    const DiskCalls calls;
    const auto opened = opened_at(path);
    EXPECT_EQ(calls.seen(), expected) << "the first start may have been killed before it synced";
    ASSERT_FALSE(write_identity(*opened, {NetworkIdentity{"rpcudp", Id{}, {}}}));
  }
  const DiskCalls calls;
  opened_at(path);
  EXPECT_EQ(calls.seen(), Calls{});
}

}  // namespace
}  // namespace xord
