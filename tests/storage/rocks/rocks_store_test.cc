// Stores, commit threads and RocksDB together, on a real disk.
#include <rocksdb/db.h>

#include "storage/files/small_file.h"
#include "storage/rocks/rocks_database.h"
#include "tests/lowered_limit.h"
#include "tests/storage/file_content.h"
#include "tests/storage/rocks/disk.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

class RocksStoreTest : public ::testing::Test {
 protected:
  // Closes the one that is open: two cannot hold one directory.
  Disk& open(const Disk::Options& options = {}) {
    disk.reset();
    disk = std::make_unique<Disk>(temporary.path(), options);
    return *disk;
  }
  Disk& open_loaded(const Disk::Options& options = {}) {
    open(options).wait_until_loaded();
    return *disk;
  }
  static std::string value_of(uint64_t number) {
    return "value " + std::to_string(number) + std::string(number % 200, '.');
  }
  void put_many(uint64_t first, uint64_t end) {
    std::map<Ticket, TestShard*> pending;
    for (uint64_t i = first; i < end; ++i) {
      TestShard& shard = disk->owner(numbered_key(i));
      const StoreOutcome outcome = shard.begin_store(numbered_key(i), value_of(i));
      ASSERT_EQ(outcome.kind, StoreOutcome::Kind::pending);
      shard.flush();
      shard.run_until([&] { return shard.finished.contains(outcome.ticket) || i % 50 != 0; });
    }
    for (auto& shard : disk->shards) {
      shard->run_until(
          [&] { return shard->store.counters().read(StoreCount::writes_pending) == 0; });
    }
  }
  void expect_many(uint64_t first, uint64_t end) {
    for (uint64_t i = first; i < end; ++i) {
      ASSERT_EQ(disk->get(numbered_key(i)), value_of(i)) << i;
    }
  }
  std::vector<std::string> files_ending(const std::string& ending) {
    std::vector<std::string> found;
    for (const auto& at : std::filesystem::directory_iterator(temporary.at("db"))) {
      if (at.path().extension() == ending) found.push_back(at.path().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  // Moves everything into tables on disk, as a long run would.
  void compact() {
    rocksdb::DB* raw = nullptr;
    std::vector<std::string> names;
    const std::string path = temporary.at("db");
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names)
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    ASSERT_TRUE(rocksdb::DB::Open({}, path, families, &handles, &raw).ok());
    const std::unique_ptr<rocksdb::DB> database(raw);
    for (auto* handle : handles) {
      ASSERT_TRUE(database->Flush({}, handle).ok());
      ASSERT_TRUE(database->CompactRange({}, handle, nullptr, nullptr).ok());
      database->DestroyColumnFamilyHandle(handle);
    }
  }
  // 3,000 records, of which a few dozen cannot be read.
  void leave_a_damaged_table() {
    open_loaded();
    put_many(0, 3000);
    disk.reset();
    compact();
    for (const std::string& path : files_ending(".sst")) {
      std::string table = content_of(path);
      if (table.size() < 100'000) continue;  // The table with the records.
      for (size_t i = 0; i < 40; ++i) table[50'000 + i] = static_cast<char>(~table[50'000 + i]);
      overwrite(path, table);
    }
  }
  // How many of them are served; none may be another's, or altered.
  uint64_t count_served() {
    uint64_t served = 0;
    for (uint64_t i = 0; i < 3000; ++i) {
      const std::string got = disk->get(numbered_key(i));
      if (got == "-") continue;
      EXPECT_EQ(got, value_of(i));
      ++served;
    }
    return served;
  }

  TemporaryDirectory temporary;
  std::unique_ptr<Disk> disk;
};

TEST_F(RocksStoreTest, WhatWasStoredIsServedAfterARestartWithAnyNumberOfShards) {
  open_loaded();
  put_many(0, 500);
  for (uint32_t shards : {3u, 1u, 7u}) {
    open_loaded({.shards = shards});
    expect_many(0, 500);
    EXPECT_EQ(disk->get(numbered_key(500)), "-");
  }
}

TEST_F(RocksStoreTest, WithoutMemoryForValuesEveryOneIsReadFromDisk) {
  Disk::Options options;
  options.store.memory_max = 0;
  open_loaded(options);
  put_many(0, 200);
  expect_many(0, 200);
  EXPECT_GE(disk->shards[0]->thread.counters().read(CommitCount::rows_read), 200u);
  open_loaded(options);
  expect_many(0, 200);
}

TEST_F(RocksStoreTest, EachBatchIsMeasured) {
  open_loaded();
  for (uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(disk->put(numbered_key(i), "value"));
  const CommitThread& thread = disk->shards[0]->thread;
  EXPECT_EQ(sum_of(thread.histograms(), CommitSum::batches), 5u) << "each waited for the last";
  const uint64_t took = sum_of(thread.histograms(), CommitSum::commit_nanoseconds);
  EXPECT_GT(took, 0u);
  const uint64_t longest = thread.counters().read(CommitCount::commit_nanoseconds_max);
  EXPECT_LE(longest, took);
  EXPECT_LE(took, 5 * longest);
}

TEST_F(RocksStoreTest, CountsSayWhatWasWrittenAndWhatLiesOnDisk) {
  open_loaded();
  DatabaseCounts counts = disk->database->counts();
  const auto count = [&](DatabaseCount which) { return counts[static_cast<size_t>(which)]; };
  EXPECT_EQ(count(DatabaseCount::write_amplification_percent), 0u) << "nothing was stored";
  EXPECT_EQ(count(DatabaseCount::records_expected), 0u);
  EXPECT_EQ(count(DatabaseCount::openings), 1u);
  put_many(0, 1000);
  ASSERT_TRUE(disk->database->database().compact().ok());
  counts = disk->database->counts();
  uint64_t stored = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    stored += row_header_size + value_of(i).size() + row_checksum_size;
  }
  EXPECT_EQ(disk->shards[0]->thread.counters().read(CommitCount::bytes_written), stored);
  EXPECT_EQ(disk->shards[0]->thread.counters().read(CommitCount::rows_written), 1000u);
  const uint64_t logged = count(DatabaseCount::bytes_logged);
  const uint64_t flushed = count(DatabaseCount::bytes_flushed);
  const uint64_t compacted = count(DatabaseCount::bytes_compacted);
  EXPECT_GT(logged, stored) << "keys, too";
  EXPECT_GT(flushed, 0u);
  EXPECT_GT(compacted, 0u);
  EXPECT_EQ(count(DatabaseCount::write_amplification_percent),
            (logged + flushed + compacted) * 100 / stored);
  uint64_t tables = 0;
  for (const std::string& path : files_ending(".sst")) tables += std::filesystem::file_size(path);
  EXPECT_GT(count(DatabaseCount::table_bytes), 0u);
  EXPECT_LE(count(DatabaseCount::table_bytes), tables);
  EXPECT_GT(count(DatabaseCount::memory_bytes), 0u);
  open_loaded();
  counts = disk->database->counts();
  EXPECT_EQ(count(DatabaseCount::records_expected), 1000u);
  EXPECT_EQ(disk->shards[0]->thread.counters().read(CommitCount::records_loaded), 1000u);
}

TEST_F(RocksStoreTest, ACommitThatTakesTooLongIsReported) {
  open_loaded();
  put_many(0, 10);
  EXPECT_EQ(disk->times_reported("slow commit"), 0u) << disk->reported();
  Disk::Options options;
  options.slow_commit = Duration{};  // So that every one does.
  open_loaded(options);
  ASSERT_TRUE(disk->put(numbered_key(11), "v"));
  const std::string reported = disk->reported();
  EXPECT_EQ(disk->times_reported("slow commit"), 1u) << reported;
  EXPECT_NE(reported.find(" shard=0 ms="), std::string::npos) << reported;
  EXPECT_NE(reported.find(" rows=1 bytes="), std::string::npos) << reported;
}

TEST_F(RocksStoreTest, TimesAndSourceComeBackAndTheLastStoreOfAKeyWins) {
  open_loaded();
  const Id key = numbered_key(1);
  ASSERT_TRUE(disk->put(key, "one"));
  ASSERT_TRUE(disk->put(key, "two"));
  const RecordTimes before = disk->owner(key).store.find(disk->owner(key).now, key).times;
  open_loaded();
  EXPECT_EQ(disk->get(key), "two");
  EXPECT_EQ(disk->owner(key).store.find(disk->owner(key).now, key).times, before);
}

TEST_F(RocksStoreTest, AWriteOfTimesKeepsTheValueAndMovesTheExpiryOnDisk) {
  open_loaded();
  const Id key = numbered_key(1);
  TestShard& shard = disk->owner(key);
  ASSERT_TRUE(disk->put(key, "one"));
  shard.now = shard.now + hours(24);
  ASSERT_TRUE(disk->put(key, "one"));
  EXPECT_EQ(shard.store.counters().read(StoreCount::times_written), 1u);
  const RecordTimes times = shard.store.find(shard.now, key).times;
  open_loaded({.start = shard.now});
  EXPECT_EQ(disk->get(key), "one");
  EXPECT_EQ(disk->owner(key).store.find(disk->owner(key).now, key).times.expiry, times.expiry);
}

TEST_F(RocksStoreTest, ARowKeepsWhenItWasFirstSeenAndByWhom) {
  open_loaded();
  const Id key = numbered_key(1);
  TestShard& shard = disk->owner(key);
  ASSERT_TRUE(disk->put(key, "one"));
  shard.now = shard.now + hours(24);
  ASSERT_TRUE(disk->put(key, "one"));
  ASSERT_EQ(shard.store.counters().read(StoreCount::times_written), 1u);
  std::vector<rocksdb::Status> statuses;
  std::vector<std::string> rows;
  const RocksDatabase::RowName name{0, row_key_of(key)};
  disk->database->database().read({&name, 1}, statuses, rows);
  ASSERT_TRUE(statuses.at(0).ok());
  const auto row = parse_row(name.key, bytes_of(rows.at(0)));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->times.first_seen, first_node_seconds);
  EXPECT_EQ(row->times.last_store, first_node_seconds + 86'400);
  EXPECT_EQ(row->source_prefix, 3u);
  EXPECT_EQ(text_of(row->value), "one");
}

// Values as far as they find room in memory, and of the others what the index needs.
TEST_F(RocksStoreTest, WhatIsLoadedHasAllThatIsKnownOfARecord) {
  constexpr size_t value_size = 300;
  constexpr uint64_t count = 10;
  constexpr uint64_t fitting = 3;
  open_loaded();
  std::map<Id, RecordTimes> times;
  for (uint64_t i = 0; i < count; ++i) {
    const Id key = numbered_key(i);
    ASSERT_TRUE(disk->put(key, std::string(value_size, static_cast<char>('a' + i))));
    times[key] = disk->owner(key).store.find(disk->owner(key).now, key).times;
    times[key].first_seen = first_node_seconds;  // Only the disk knows it.
  }
  Disk::Options options;
  options.store.memory_max = fitting * value_size;
  TestShard& shard = *open(options).shards[0];
  uint64_t loaded_count = 0;
  uint64_t with_value = 0;
  bool is_finished = false;
  while (!is_finished) {
    shard.thread.completions().consume(UINT32_MAX, [&](Bytes frame) {
      const Completion& each = *frame_header<Completion>(frame);
      is_finished |= each.kind == CompletionKind::load_finished && !each.store.is_published();
      if (each.kind != CompletionKind::record_loaded) return;
      ++loaded_count;
      with_value += each.has_value;
      EXPECT_EQ(frame_tail<Completion>(frame).size(), each.has_value ? value_size : 0);
      EXPECT_EQ(each.value_size, value_size);
      EXPECT_EQ(each.source_prefix, 3u);
      EXPECT_EQ(each.times, times.at(each.key));
      EXPECT_NE(each.fingerprint, 0u);
    });
  }
  EXPECT_EQ(loaded_count, count);
  EXPECT_EQ(with_value, fitting);
}

TEST_F(RocksStoreTest, ARecordThatNoPeerCanHaveStoredIsLeftOutAndTold) {
  open_loaded();
  ASSERT_TRUE(disk->put(numbered_key(1), "one"));
  RocksDatabase::Change faulty{0, row_key_of(numbered_key(2)), std::string()};
  const Row expired_when_published{{5, 5, 5, 5}, 0, bytes_of("two")};
  encode_row(faulty.key, expired_when_published, *faulty.row);
  ASSERT_TRUE(disk->database->database().write({&faulty, 1}, nullptr).ok());
  open_loaded();
  EXPECT_EQ(disk->get(numbered_key(1)), "one");
  EXPECT_EQ(disk->get(numbered_key(2)), "-");
  EXPECT_EQ(disk->shards[0]->thread.counters().read(CommitCount::rows_faulty), 1u);
  EXPECT_EQ(disk->times_reported("1 records in " + temporary.path() +
                                 " hold values or times that no peer can have stored"),
            1u)
      << disk->reported();
}

// The index knows it, and the disk has something else.
TEST_F(RocksStoreTest, ARowThatIsDamagedMeanwhileIsLost) {
  Disk::Options options;
  options.store.memory_max = 0;
  open_loaded(options);
  const Id key = numbered_key(1);
  ASSERT_TRUE(disk->put(key, "one"));
  const RocksDatabase::Change damaged{0, row_key_of(key), std::string(40, '\1')};
  ASSERT_TRUE(disk->database->database().write({&damaged, 1}, nullptr).ok());
  EXPECT_EQ(disk->get(key), "-");
  TestShard& shard = disk->owner(key);
  for (const auto& [ticket, kind] : shard.finished) {
    EXPECT_NE(kind, Finished::Kind::read_failed) << "it counts as absent";
  }
  EXPECT_EQ(shard.thread.counters().read(CommitCount::rows_damaged), 1u);
  EXPECT_EQ(shard.thread.counters().read(CommitCount::rows_unreadable), 1u);
  EXPECT_EQ(disk->times_reported("error=wrong checksum"), 1u) << disk->reported();
}

TEST_F(RocksStoreTest, TwoNetworksKeepTheSameKeyApart) {
  open_loaded({.networks = {"mainline", "rpcudp"}});
  // The test's stores use network 0: mainline here.
  ASSERT_TRUE(disk->put(numbered_key(1), "mainline's"));
  open_loaded({.networks = {"rpcudp", "mainline"}});
  EXPECT_EQ(disk->get(numbered_key(1)), "-");
  ASSERT_TRUE(disk->put(numbered_key(1), "rpcudp's"));
  open_loaded({.networks = {"mainline"}});  // A network that is not configured keeps its records.
  EXPECT_EQ(disk->get(numbered_key(1)), "mainline's");
}

TEST_F(RocksStoreTest, TheListOfWhatWasPublishedIsKeptApartFromTheRecordsAndErasedByKey) {
  Disk::Options list;
  list.store.id = {0, StoreList::published};
  open_loaded(list);
  ASSERT_TRUE(disk->put(numbered_key(1), "mine"));
  ASSERT_TRUE(disk->put(numbered_key(2), "mine too"));
  TestShard& shard = disk->owner(numbered_key(1));
  ASSERT_EQ(shard.store.begin_remove(shard.now, numbered_key(1), shard.operations).kind,
            StoreOutcome::Kind::pending);
  shard.flush();
  shard.run_until([&] { return shard.store.counters().read(StoreCount::removed) == 1; });
  open_loaded();
  EXPECT_EQ(disk->get(numbered_key(2)), "-");
  open_loaded(list);
  EXPECT_EQ(disk->get(numbered_key(1)), "-");
  EXPECT_EQ(disk->get(numbered_key(2)), "mine too");
}

TEST_F(RocksStoreTest, AnExpiredRecordIsNotServedAfterARestart) {
  open_loaded();
  ASSERT_TRUE(disk->put(numbered_key(1), "one"));
  Disk::Options later;
  later.start = instant_of(first_node_seconds + later.store.ttl);
  open_loaded(later);
  EXPECT_EQ(disk->get(numbered_key(1)), "-");
  EXPECT_EQ(disk->shards[0]->store.counters().read(StoreCount::loaded_expired), 1u);
}

TEST_F(RocksStoreTest, ATornTailOfTheLogLosesOnlyWhatItTore) {
  open_loaded();
  for (uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(disk->put(numbered_key(i), value_of(i)));
  disk.reset();
  const std::vector<std::string> logs = files_ending(".log");
  ASSERT_FALSE(logs.empty());
  const auto size = std::filesystem::file_size(logs.back());
  ASSERT_GT(size, 100u);
  std::filesystem::resize_file(logs.back(), size - 7);
  open_loaded();
  expect_many(0, 99);
  EXPECT_EQ(disk->get(numbered_key(99)), "-");
  EXPECT_NE(disk->reported().find("in the middle of a batch"), std::string::npos)
      << disk->reported();
}

TEST_F(RocksStoreTest, DamageInTheMiddleOfTheLogIsReportedWithHowMuchWasLost) {
  open_loaded();
  for (uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(disk->put(numbered_key(i), value_of(i)));
  disk.reset();
  const std::string path = files_ending(".log").back();
  std::string log = content_of(path);
  log[log.size() / 2] = static_cast<char>(log[log.size() / 2] ^ 0x55);
  overwrite(path, log);
  open_loaded();
  EXPECT_NE(disk->reported().find("bytes_dropped="), std::string::npos) << disk->reported();
  expect_many(0, 30);
}

TEST_F(RocksStoreTest, ADamagedTableIsReportedAndTheRestIsServed) {
  leave_a_damaged_table();
  open_loaded();
  EXPECT_NE(disk->reported().find("records damaged"), std::string::npos) << disk->reported();
  const uint64_t served = count_served();
  EXPECT_LT(served, 3000u);
  EXPECT_GT(served, 2500u);
  EXPECT_TRUE(disk->put(numbered_key(9999), "new"));
}

// RocksDB takes no more writes from a database in which a compaction failed.
TEST_F(RocksStoreTest, ACompactionThatMeetsADamagedTableCostsStoresOnlyUntilItIsOpenedAgain) {
  leave_a_damaged_table();
  open_loaded();
  const uint64_t served = count_served();
  ASSERT_FALSE(disk->database->database().compact().ok());
  EXPECT_FALSE(disk->put(numbered_key(9999), "refused"));
  EXPECT_EQ(disk->shards[0]->thread.state(), DatabaseState::refusing_writes);
  EXPECT_EQ(count_served(), served);
  EXPECT_EQ(disk->times_reported("stores refused path"), 1u) << disk->reported();
  while (disk->shards[0]->thread.state() != DatabaseState::open) {
    if (!disk->shards[0]->take_completions()) disk->shards[0]->doorbell.wait(milliseconds(5));
  }
  EXPECT_EQ(disk->times_reported("stores accepted again"), 1u) << disk->reported();
  EXPECT_TRUE(disk->put(numbered_key(9999), "taken"));
  EXPECT_EQ(count_served(), served);
  open_loaded();
  EXPECT_EQ(count_served(), served);
  EXPECT_EQ(disk->get(numbered_key(9999)), "taken");
}

TEST_F(RocksStoreTest, ARowWithAWrongChecksumIsNotServed) {
  open_loaded();
  put_many(0, 3);
  RocksDatabase& database = disk->database->database();
  const RowKey row_key = row_key_of(numbered_key(1));
  const RocksDatabase::Change damaged{0, row_key, std::string(40, '\1')};
  ASSERT_TRUE(database.write({&damaged, 1}, nullptr).ok());
  open_loaded();
  EXPECT_EQ(disk->get(numbered_key(0)), value_of(0));
  EXPECT_EQ(disk->get(numbered_key(1)), "-");
  EXPECT_NE(disk->reported().find("records=1 "), std::string::npos) << disk->reported();
}

TEST_F(RocksStoreTest, ANewerDiskFormatIsRefusedAndNothingIsTouched) {
  open_loaded();
  put_many(0, 3);
  disk.reset();
  uint8_t newer[4];
  store_le(newer, uint32_t{2});
  ASSERT_FALSE(write_small_file(temporary.at("format"), FileKind::format, 1, newer));
  const auto snapshot = [this] {
    std::map<std::string, std::string> files;
    for (const auto& at : std::filesystem::recursive_directory_iterator(temporary.path())) {
      if (at.is_regular_file()) files[at.path().string()] = content_of(at.path().string());
    }
    return files;
  };
  const auto before = snapshot();
  TestShard& shard = *open().shards[0];
  shard.run_until([&] { return shard.has_load_failed; });
  EXPECT_NE(disk->reported().find("disk format 2"), std::string::npos) << disk->reported();
  EXPECT_FALSE(disk->put(numbered_key(9), "x"));
  disk.reset();
  EXPECT_EQ(snapshot(), before);
}

TEST_F(RocksStoreTest, ADatabaseWithoutItsFormatFileIsNotTouched) {
  open_loaded();
  disk.reset();
  std::filesystem::remove(temporary.at("format"));
  TestShard& shard = *open().shards[0];
  shard.run_until([&] { return shard.has_load_failed; });
  EXPECT_NE(disk->reported().find("without the file"), std::string::npos) << disk->reported();
}

TEST_F(RocksStoreTest, ADatabaseThatCouldNotBeOpenedAtStartIsToldOnceEachWay) {
  open_loaded();
  put_many(0, 3);
  disk.reset();
  const std::string format = content_of(temporary.at("format"));
  overwrite(temporary.at("format"), "damaged");
  open({.shards = 2});
  for (auto& shard : disk->shards) shard->run_until([&] { return shard->has_load_failed; });
  EXPECT_EQ(disk->times_reported("format is damaged"), 1u) << disk->reported();
  EXPECT_EQ(disk->times_reported("stores accepted again"), 0u) << disk->reported();
  overwrite(temporary.at("format"), format);
  disk->wait_until_loaded();
  EXPECT_EQ(disk->times_reported("stores accepted again"), 1u) << disk->reported();
  expect_many(0, 3);
}

TEST_F(RocksStoreTest, RowsAreReclaimedOnlyATwentyFourthOfATtlBehindTheirExpiryByNodeTime) {
  Disk::Options options;
  options.store.ttl = 2400;
  open_loaded(options);
  put_many(0, 10);
  RocksDatabase& database = disk->database->database();
  const auto rows_after_compaction_at = [&](NodeSeconds now) {
    if (now != 0) disk->database->set_reclaim_time(now);
    EXPECT_TRUE(database.compact().ok());
    uint64_t rows = 0;
    RowRange range{0, 65'536};
    EXPECT_TRUE(database.scan(0, range, [&](const RowKey&, Bytes) { return ++rows > 0; }).ok());
    return rows;
  };
  const NodeSeconds expiry = first_node_seconds + 2400;
  EXPECT_EQ(rows_after_compaction_at(0), 10u);  // No shard has published the time.
  EXPECT_EQ(rows_after_compaction_at(expiry + 99), 10u);
  EXPECT_EQ(rows_after_compaction_at(expiry + 100), 0u);
}

TEST_F(RocksStoreTest, WithDurabilityOsStoresAreKeptOverARestartToo) {
  open_loaded({.durability = Durability::os});
  put_many(0, 300);
  open_loaded({.durability = Durability::os, .shards = 2});
  expect_many(0, 300);
}

TEST_F(RocksStoreTest, AShardThatReadsLateStillGetsEveryRecordOfItsRange) {
  Disk::Options options;
  options.store.memory_max = 8 << 20;
  open_loaded(options);
  for (uint64_t i = 0; i < 200; ++i) {
    ASSERT_TRUE(disk->put(numbered_key(i), std::string(8000, static_cast<char>('a' + i % 26))));
  }
  open(options);  // 1.6 MB of values through a mailbox of 256 KiB, which is not read at first.
  while (disk->shards[0]->thread.counters().read(CommitCount::completions_waited) == 0) {
  }
  disk->wait_until_loaded();
  EXPECT_EQ(disk->shards[0]->store.counters().read(StoreCount::loaded), 200u);
}

TEST_F(RocksStoreTest, WhatWasPublishedBeforeStopIsCommitted) {
  open_loaded();
  TestShard& shard = *disk->shards[0];
  for (uint64_t i = 0; i < 500; ++i) shard.begin_store(numbered_key(i), value_of(i));
  shard.flush();
  open_loaded();
  expect_many(0, 500);
}

// The file size limit stands in for a full disk: write(2) fails, then works again.
TEST_F(RocksStoreTest, ADiskThatRefusesWritesCostsOnlyTheStoresItRefused) {
  open_loaded();
  put_many(0, 50);
  signal(SIGXFSZ, SIG_IGN);
  {
    const LoweredLimit nothing(RLIMIT_FSIZE, 0);
    EXPECT_FALSE(disk->put(numbered_key(0), "refused"));
    EXPECT_FALSE(disk->put(numbered_key(100), "refused too"));
    EXPECT_EQ(disk->shards[0]->thread.state(), DatabaseState::refusing_writes);
    expect_many(0, 50);
  }
  // The commit thread retries by itself; the test only shortens the wait.
  TestShard& shard = *disk->shards[0];
  while (shard.thread.state() != DatabaseState::open) disk->put(numbered_key(101), "probe");
  EXPECT_TRUE(disk->put(numbered_key(102), "taken"));
  expect_many(1, 50);
  EXPECT_EQ(disk->get(numbered_key(0)), value_of(0));
  open_loaded();
  expect_many(0, 50);
  EXPECT_EQ(disk->get(numbered_key(100)), "-");
  EXPECT_EQ(disk->get(numbered_key(102)), "taken");
}

}  // namespace
}  // namespace xord
