// A stopped node's database, read without writing.
#include "storage/rocks/rocks_reader.h"

#include <algorithm>
#include <map>

#include "storage/files/small_file.h"
#include "storage/rocks/rocks_database.h"
#include "tests/storage/file_content.h"
#include "tests/storage/rocks/disk.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

class RocksReaderTest : public ::testing::Test {
 protected:
  void put(uint64_t count) {
    Disk disk(temporary.path(), {});
    disk.wait_until_loaded();
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(disk.put(numbered_key(i), "value " + std::to_string(i)));
    }
  }
  std::unique_ptr<RocksReader> open() {
    auto opened = RocksReader::open(temporary.path());
    if (const auto* error = std::get_if<IoError>(&opened)) {
      ADD_FAILURE() << error->sentence;
      return nullptr;
    }
    return std::move(std::get<std::unique_ptr<RocksReader>>(opened));
  }
  std::string refusal() {
    const auto opened = RocksReader::open(temporary.path());
    const auto* error = std::get_if<IoError>(&opened);
    return error == nullptr ? "" : error->sentence;
  }
  // Every file below db/ with its content.
  std::map<std::string, std::string> database() {
    std::map<std::string, std::string> files;
    for (const auto& at : std::filesystem::directory_iterator(temporary.at("db"))) {
      files[at.path().string()] = content_of(at.path().string());
    }
    return files;
  }

  TemporaryDirectory temporary;
};

TEST_F(RocksReaderTest, EveryRowIsMetInOrderAndReadByItsKeyAndNothingIsWritten) {
  put(300);
  const auto before = database();
  {
    const auto reader = open();
    ASSERT_EQ(reader->networks(), std::vector<std::string>{"rpcudp"});
    std::vector<RowKey> met;
    const UnreadableRows unreadable =
        reader->walk(0, row_range_of(0, 1), [&](const RowKey& row_key, Bytes bytes) {
          met.push_back(row_key);
          const auto row = parse_row(row_key, bytes);
          EXPECT_TRUE(row && text_of(row->value).starts_with("value "));
          const auto read = reader->read(0, row_key);
          const auto* same = std::get_if<std::string>(&read);
          EXPECT_TRUE(same != nullptr && equal(bytes_of(*same), bytes));
          return true;
        });
    EXPECT_EQ(unreadable.ranges, 0u);
    EXPECT_EQ(met.size(), 300u);
    EXPECT_TRUE(std::is_sorted(met.begin(), met.end()));
    RowKey unknown;
    unknown.fill(0x55);
    EXPECT_TRUE(std::holds_alternative<std::nullopt_t>(reader->read(0, unknown)));
    EXPECT_EQ(reader->log_bytes_dropped(), 0u);
  }
  EXPECT_EQ(database(), before);
}

TEST_F(RocksReaderTest, PartsMeetEachRowOnceAndAWalkEndsWhenItIsTold) {
  put(200);
  const auto reader = open();
  std::map<RowKey, int> met;
  for (uint32_t part = 0; part < 7; ++part) {
    reader->walk(0, row_range_of(part, 7), [&](const RowKey& row_key, Bytes) {
      ++met[row_key];
      return true;
    });
  }
  EXPECT_EQ(met.size(), 200u);
  for (const auto& [key, times] : met) EXPECT_EQ(times, 1);
  int visits = 0;
  reader->walk(0, row_range_of(0, 1), [&](const RowKey&, Bytes) { return ++visits < 5; });
  EXPECT_EQ(visits, 5);
}

TEST_F(RocksReaderTest, ADirectoryWithoutADatabaseHasNoNetworks) {
  const auto reader = open();
  ASSERT_NE(reader, nullptr);
  EXPECT_TRUE(reader->networks().empty());
  reader->verify_tables([](const std::string&, uint64_t, const std::optional<std::string>&) {
    ADD_FAILURE() << "there is no table";
    return true;
  });
}

TEST_F(RocksReaderTest, ANewerFormatAndALostOneAreRefused) {
  put(1);
  uint8_t newer[4];
  store_le(newer, uint32_t{2});
  ASSERT_FALSE(write_small_file(temporary.at("format"), FileKind::format, 1, newer));
  EXPECT_NE(refusal().find("has disk format 2"), std::string::npos);
  std::filesystem::remove(temporary.at("format"));
  EXPECT_NE(refusal().find("without the file"), std::string::npos);
}

TEST_F(RocksReaderTest, ADatabaseWithoutItsManifestIsRefused) {
  put(1);
  std::filesystem::remove(temporary.at("db/CURRENT"));
  EXPECT_NE(refusal().find("cannot be read"), std::string::npos);
}

TEST_F(RocksReaderTest, WhatItRefusesSaysWhatToDo) {
  put(1);
  const std::string db = temporary.at("db");
  const std::string current = content_of(temporary.at("db/CURRENT"));
  overwrite(temporary.at("db/CURRENT"), "nonsense\n");
  const std::string error = refusal();
  EXPECT_TRUE(error.starts_with("the database " + db + " cannot be read (")) << error;
  EXPECT_TRUE(error.ends_with("): put a backup in its place")) << error;
  overwrite(temporary.at("db/CURRENT"), current);
  uint8_t newer[4];
  store_le(newer, uint32_t{2});
  ASSERT_FALSE(write_small_file(temporary.at("format"), FileKind::format, 1, newer));
  EXPECT_EQ(refusal(), temporary.path() +
                           " has disk format 2, and this xord reads none newer than 1: run the "
                           "xord that wrote it, or choose another --data-dir");
  std::filesystem::remove(temporary.at("format"));
  EXPECT_EQ(refusal(), db + " exists without the file " + temporary.at("format") +
                           ", so its format is unknown: put the file back, or move the directory "
                           "away");
}

TEST_F(RocksReaderTest, DamageInTheMiddleOfTheLogIsCounted) {
  put(100);
  std::string path;
  for (const auto& at : std::filesystem::directory_iterator(temporary.at("db"))) {
    if (at.path().extension() == ".log" && at.file_size() > 0) path = at.path().string();
  }
  std::string log = content_of(path);
  log[log.size() / 2] = static_cast<char>(log[log.size() / 2] ^ 0x55);
  overwrite(path, log);
  EXPECT_GT(open()->log_bytes_dropped(), 0u);
}

TEST_F(RocksReaderTest, RowsAndTheirBytesAreEstimatedForEachList) {
  put(1000);
  {
    Disk disk(temporary.path(), {});
    disk.wait_until_loaded();
    ASSERT_TRUE(disk.database->database().compact().ok());
  }
  const auto reader = open();
  EXPECT_EQ(reader->rows_estimate(0), 1000u);
  EXPECT_GT(reader->table_bytes(0), 0u);
  const StoreId published(0, StoreList::published);
  EXPECT_EQ(reader->rows_estimate(published), 0u);
  EXPECT_EQ(reader->table_bytes(published), 0u);
}

TEST_F(RocksReaderTest, ADamagedTableIsNamedAndTheRestIsRead) {
  put(2000);
  {
    // Closing only wrote the log; opening again as a node does turns it into a table.
    Disk disk(temporary.path(), {});
    disk.wait_until_loaded();
    ASSERT_TRUE(disk.database->database().compact().ok());
  }
  const auto tables = [&] {
    std::map<std::string, std::optional<std::string>> found;
    open()->verify_tables(
        [&](const std::string& path, uint64_t, const std::optional<std::string>& damage) {
          found[path] = damage;
          return true;
        });
    return found;
  };
  const auto whole = tables();
  ASSERT_FALSE(whole.empty());
  for (const auto& [path, damage] : whole) EXPECT_FALSE(damage) << path;
  // The largest is the one with the records.
  std::string victim;
  for (const auto& [path, damage] : whole) {
    if (victim.empty() || std::filesystem::file_size(path) > std::filesystem::file_size(victim)) {
      victim = path;
    }
  }
  std::string content = content_of(victim);
  content[content.size() / 3] = static_cast<char>(content[content.size() / 3] ^ 0x40);
  overwrite(victim, content);
  const auto damaged = tables();
  for (const auto& [path, damage] : damaged) EXPECT_EQ(damage.has_value(), path == victim) << path;
  uint64_t rows = 0;
  const UnreadableRows unreadable =
      open()->walk(0, row_range_of(0, 1), [&](const RowKey&, Bytes) { return ++rows > 0; });
  EXPECT_GT(unreadable.ranges, 0u);
  EXPECT_FALSE(unreadable.cause.empty());
  EXPECT_GT(rows, 1000u);
  EXPECT_LT(rows, 2000u);
}

}  // namespace
}  // namespace xord
