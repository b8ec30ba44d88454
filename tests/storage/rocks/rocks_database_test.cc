// The database by itself: what it refuses and says while it is not open, cannot be opened, or has
// failed.
#include "storage/rocks/rocks_database.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "storage/files/small_file.h"
#include "tests/storage/file_content.h"
#include "tests/storage/rocks/disk.h"
#include "tests/storage/rocks/faulty_disk.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

using Change = RocksDatabase::Change;

class RocksDatabaseTest : public ::testing::Test {
 protected:
  RocksConfig config() {
    RocksConfig config;
    config.directory = temporary.path();
    config.networks = {"rpcudp"};
    config.env = faulty.env();
    return config;
  }
  std::string opening_error() {
    RocksDatabase database(config(), nullptr);
    const auto error = database.open(0);
    EXPECT_FALSE(database.is_open());
    EXPECT_FALSE(database.is_writable());
    EXPECT_EQ(database.generation(), 0u);
    return error ? error->sentence : "";
  }
  std::string path() const { return temporary.at("db"); }

  TemporaryDirectory temporary;
  FaultyDisk faulty;
};

RowKey key(uint64_t number) {
  return row_key_of(numbered_key(number));
}

TEST_F(RocksDatabaseTest, WhileItIsNotOpenNothingIsReadOrWritten) {
  RocksDatabase database(config(), nullptr);
  const Change change{0, key(1), "row"};
  std::vector<Change> undo;
  EXPECT_TRUE(database.write({&change, 1}, &undo).IsIOError());
  EXPECT_TRUE(undo.empty());
  EXPECT_TRUE(database.sync().ok()) << "nothing was written";
  const std::vector<RocksDatabase::RowName> names{{0, key(1)}, {0, key(2)}};
  std::vector<rocksdb::Status> statuses;
  std::vector<std::string> rows{"of an earlier call"};
  database.read(names, statuses, rows);
  ASSERT_EQ(statuses.size(), 2u);
  for (const rocksdb::Status& status : statuses) EXPECT_TRUE(status.IsIOError());
  EXPECT_EQ(rows, (std::vector<std::string>{"", ""}));
  RowRange all{0, 65'536};
  EXPECT_TRUE(database.scan(0, all, [](const RowKey&, Bytes) { return true; }).IsIOError());
  EXPECT_EQ(all.first, 0u);
  const auto refused = database.checkpoint(temporary.at("copy"));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->sentence, "the database is not open: try again later");
}

TEST_F(RocksDatabaseTest, ADatabaseThatCannotBeOpenedSaysWhatToDo) {
  { ASSERT_FALSE(RocksDatabase(config(), nullptr).open(0)); }
  overwrite(temporary.at("db/CURRENT"), "nonsense\n");
  const std::string error = opening_error();
  EXPECT_TRUE(error.starts_with("the database " + path() + " cannot be opened (")) << error;
  EXPECT_TRUE(
      error.ends_with("): stores are refused until it can; free disk space, or give the "
                      "directory back to this user, or put a backup in its place"))
      << error;
}

TEST_F(RocksDatabaseTest, ANewerFormatWithinTheDatabaseIsRefusedToo) {
  { ASSERT_FALSE(RocksDatabase(config(), nullptr).open(0)); }
  {
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, path(), &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names)
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, path(), families, &handles, &raw).ok());
    const std::unique_ptr<rocksdb::DB> database(raw);
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == "meta") {
        ASSERT_TRUE(database->Put({}, handles[i], "format", std::string("\2\0\0\0", 4)).ok());
      }
      database->DestroyColumnFamilyHandle(handles[i]);
    }
  }
  EXPECT_EQ(opening_error(),
            path() +
                " has disk format 2, and this xord reads none newer than 1: run the xord that "
                "wrote it, or choose another --data-dir");
}

TEST_F(RocksDatabaseTest, OfARefusedBatchTheRowsBeforeItAreKept) {
  RocksDatabase database(config(), nullptr);
  ASSERT_FALSE(database.open(0));
  const Change before{0, key(1), "before"};
  ASSERT_TRUE(database.write({&before, 1}, nullptr).ok());
  const std::vector<Change> refused{{0, key(1), "after"}, {0, key(2), "new"}, {0, key(3), {}}};
  std::vector<Change> undo;
  faulty.set(Fault::sync_error);
  EXPECT_FALSE(database.write(refused, &undo).ok());
  EXPECT_FALSE(database.is_writable());
  EXPECT_TRUE(database.is_open()) << "for reading";
  ASSERT_EQ(undo.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(undo[i].key, refused[i].key);
  EXPECT_EQ(undo[0].row, "before");
  EXPECT_EQ(undo[1].row, std::nullopt);
  EXPECT_EQ(undo[2].row, std::nullopt);
  const auto no_snapshot = database.checkpoint(temporary.at("copy"));
  ASSERT_TRUE(no_snapshot);
  EXPECT_EQ(no_snapshot->sentence, "the database is not accepting writes: try again when it is");
  EXPECT_TRUE(database.sync().ok()) << "there is nothing that a sync would save";
  EXPECT_TRUE(database.open(database.generation())) << "the disk does not work yet";
  EXPECT_EQ(database.generation(), 1u);
  faulty.set(Fault::none);
  EXPECT_FALSE(database.open(database.generation()));
  EXPECT_EQ(database.generation(), 2u);
  EXPECT_FALSE(database.open(1)) << "another thread opened it";
  EXPECT_EQ(database.generation(), 2u);
}

TEST_F(RocksDatabaseTest, AProbeThatFailsNamesItsFile) {
  RocksDatabase database(config(), nullptr);
  ASSERT_FALSE(database.open(0));
  const Change change{0, key(1), "row"};
  faulty.set(Fault::full);
  ASSERT_FALSE(database.write({&change, 1}, nullptr).ok());
  const auto error = database.open(1);
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->sentence.starts_with("cannot write " + temporary.at("probe") + " ("))
      << error->sentence;
  faulty.set(Fault::none);
}

TEST_F(RocksDatabaseTest, ASnapshotThatCannotBeMadeNamesItsPlace) {
  RocksDatabase database(config(), nullptr);
  ASSERT_FALSE(database.open(0));
  const std::string taken = temporary.at("taken");
  ASSERT_FALSE(database.checkpoint(taken));
  const auto error = database.checkpoint(taken);
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->sentence.starts_with("cannot save the database to " + taken + " ("))
      << error->sentence;
  EXPECT_TRUE(error->sentence.ends_with("): that disk may be full")) << error->sentence;
}

TEST_F(RocksDatabaseTest, RecordsThatCannotBeReadAreToldByTheFirstThreadAndTheLast) {
  std::map<std::string, int> told;
  std::string cause;
  RocksDatabase database(config(), [&](ReportLevel level, std::string_view message,
                                       const std::vector<ReportField>& fields) {
    ++told[std::string(message)];
    EXPECT_EQ(std::get<std::string>(fields.at(0).value), path());
    if (level == ReportLevel::error) cause = std::get<std::string>(fields.at(1).value);
  });
  database.begin_unreadable("a bad block");
  database.begin_unreadable("another");
  database.end_unreadable();
  EXPECT_EQ(told, (std::map<std::string, int>{{"records unreadable", 1}}));
  EXPECT_EQ(cause, "a bad block");
  database.end_unreadable();
  EXPECT_EQ(told["records readable again"], 1);
  database.begin_unreadable("");  // The caller has logged it.
  EXPECT_EQ(told["records unreadable"], 1);
  database.end_unreadable();
  EXPECT_EQ(told["records readable again"], 2);
}

}  // namespace
}  // namespace xord
