// How much disk the records take, whatever is stored, expires, is overwritten, and in whatever
// order with restarts (docs/STORAGE.md, "Room on disk").
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "reactor/base/rng.h"
#include "storage/rocks/rocks_store.h"
#include "tests/storage/rocks/disk.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

class DiskBoundTest : public ::testing::Test {
 protected:
  static constexpr uint64_t storage_max = 16 << 20;
  static constexpr uint64_t log_bytes = 4 << 20;  // Disk's.
  static constexpr size_t value_size = 8000;
  // Less than the ttl by what a record is to live.
  static constexpr uint32_t age_to_expire = 7 * 86'400 - 1;

  void open() {
    disk.reset();
    Disk::Options options;
    options.store.bytes_max = bytes_max;
    options.store.row_bytes = row_bytes_on_disk;
    options.start = now;
    options.storage_max = tables_for;
    disk = std::make_unique<Disk>(temporary.path(), options);
    disk->wait_until_loaded();
    disk->database->set_reclaim_time(node_seconds(now));
  }
  TestShard& shard() { return *disk->shards[0]; }
  void note_size() {
    uint64_t sum = 0;
    for (const auto& at : std::filesystem::directory_iterator(temporary.at("db"))) {
      std::error_code gone;
      const uint64_t size = at.file_size(gone);
      if (!gone) sum += size;
    }
    most_on_disk = std::max(most_on_disk, sum);
  }
  void settle() {
    shard().flush();
    shard().run_until(
        [&] { return shard().store.counters().read(StoreCount::writes_pending) == 0; });
    note_size();
  }
  void pass(NodeSeconds count) {
    for (int turns = 0; turns < 20; ++turns) {
      now = now + (turns == 0 ? seconds(count) : nanoseconds(1));
      shard().now = now;
      shard().store.advance(now, shard().operations);
      settle();
    }
    disk->database->set_reclaim_time(node_seconds(now));
  }
  // A megabyte of random values.
  void put_some(uint32_t age, uint64_t keys) {
    std::string value(value_size, 0);
    for (uint32_t i = 0; i < 125; ++i) {
      for (char& byte : value) byte = static_cast<char>(rng.next());
      const StoreOutcome outcome = shard().begin_store(numbered_key(rng.bounded(keys)), value, age);
      if (outcome.kind == StoreOutcome::Kind::pending) bytes_stored += value_size;
    }
    settle();
  }
  void expect_bound() const {
    const uint64_t tables = storage_max + storage_max / 5 + 2 * log_bytes;
    EXPECT_LE(most_on_disk, tables + tables + 2 * log_bytes);  // And one compaction, and the log.
  }

  TemporaryDirectory temporary;
  uint64_t bytes_max = storage_max;
  uint64_t tables_for = storage_max;
  Instant now = instant_of(first_node_seconds);
  Rng rng{3};
  std::unique_ptr<Disk> disk;
  uint64_t most_on_disk = 0;
  uint64_t bytes_stored = 0;
};

TEST_F(DiskBoundTest, WhatExpiresAtOnceTakesNoRoom) {
  open();
  for (int i = 0; i < 150; ++i) {
    put_some(age_to_expire, UINT64_MAX);
    pass(60);
  }
  EXPECT_GT(bytes_stored, 5 * storage_max);
  expect_bound();
}

TEST_F(DiskBoundTest, WhatIsOverwrittenTakesNoRoom) {
  open();
  for (int i = 0; i < 120; ++i) {
    put_some(0, 2000);
    pass(1);
  }
  EXPECT_GT(bytes_stored, 5 * storage_max);
  expect_bound();
}

TEST_F(DiskBoundTest, WhatExpiresWhileTheNodeIsDownTakesNoRoom) {
  for (int run = 0; run < 10; ++run) {
    open();
    pass(200);  // What had expired is erased.
    for (int i = 0; i < 12; ++i) put_some(age_to_expire, UINT64_MAX);
    now = now + seconds(10);
  }
  EXPECT_GT(bytes_stored, 5 * storage_max);
  expect_bound();
}

TEST_F(DiskBoundTest, TablesThatAreTooLargeTakeNoValueUntilRecordsAreErased) {
  bytes_max = 256 << 20;
  tables_for = 1 << 20;
  open();
  const auto& counters = shard().thread.counters();
  for (int i = 0; i < 60; ++i) put_some(0, UINT64_MAX);
  EXPECT_GT(counters.read(CommitCount::rows_refused), 0u);
  EXPECT_GT(shard().store.counters().read(StoreCount::write_failed), 0u);
  EXPECT_EQ(shard().thread.state(), DatabaseState::open) << "the disk has not failed";

  for (auto at = shard().store.first_from(now, Id{}); at;) {
    shard().store.begin_remove(now, at->key, shard().operations);
    settle();
    at = shard().store.first_from(now, Id{});
  }
  // Compactions run behind us.
  const std::string value(value_size, 'x');
  for (uint64_t i = 0; !shard().store_and_wait(numbered_key(i), value); ++i) {
    shard().run_until([&] { return true; });
  }
}

}  // namespace
}  // namespace xord
