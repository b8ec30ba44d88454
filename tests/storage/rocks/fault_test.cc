// A disk that fails during a run, below RocksDB: acknowledged records are served as far as they can
// be read, stores are refused, each change is logged once, and when the cause is gone everything
// works again without a restart.
#include <filesystem>
#include <future>

#include "storage/rocks/rocks_database.h"
#include "tests/storage/file_content.h"
#include "tests/storage/rocks/disk.h"
#include "tests/storage/rocks/faulty_disk.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

constexpr uint64_t kept = 200;

// Large and incompressible, so that tables take megabytes.
std::string value_of(uint64_t number) {
  std::vector<uint8_t> bytes(7000 + number % 1000);
  Rng(number).fill(bytes);
  return {bytes.begin(), bytes.end()};
}

class FaultTest : public ::testing::Test {
 protected:
  Disk& open(uint32_t shards = 2, Duration retry = milliseconds(20)) {
    disk.reset();
    Disk::Options options;
    options.shards = shards;
    options.store.memory_max = 0;  // Every find is a read from disk.
    options.env = faulty.env();
    options.retry = retry;
    disk = std::make_unique<Disk>(temporary.path(), options);
    return *disk;
  }
  void open_with_records() {
    open().wait_until_loaded();
    for (uint64_t i = 0; i < kept; ++i) ASSERT_TRUE(disk->put(numbered_key(i), value_of(i)));
    // Half in tables, half in the log and in memory.
    ASSERT_TRUE(disk->database->database().compact().ok());
    for (uint64_t i = kept; i < 2 * kept; ++i) {
      ASSERT_TRUE(disk->put(numbered_key(i), value_of(i)));
    }
  }
  void expect_all_served(const std::string& when) {
    for (uint64_t i = 0; i < 2 * kept; ++i) {
      ASSERT_EQ(disk->get(numbered_key(i)), value_of(i)) << when << ", " << i;
    }
  }
  bool is_any_refusing() const {
    return std::any_of(disk->shards.begin(), disk->shards.end(), [](const auto& shard) {
      return shard->thread.state() == DatabaseState::refusing_writes;
    });
  }
  // Waits until stores are accepted again; commit threads retry every 20 ms here.
  void wait_until_well() {
    for (auto& shard : disk->shards) {
      while (shard->thread.state() != DatabaseState::open || shard->thread.is_damaged()) {
        if (!shard->take_completions()) shard->doorbell.wait(milliseconds(5));
      }
      shard->take_completions();
    }
  }

  TemporaryDirectory temporary;
  FaultyDisk faulty;
  std::unique_ptr<Disk> disk;
};

struct WriteFault {
  Fault fault;
  const char* name;
  const char* cause;  // What is logged.
};

class WriteFaultTest : public FaultTest, public ::testing::WithParamInterface<WriteFault> {};

TEST_P(WriteFaultTest, CostsOnlyTheStoresItRefusesAndIsToldOnce) {
  open_with_records();
  faulty.set(GetParam().fault);
  // An open log takes writes without opening a file: only a new table needs a new file.
  disk->database->database().compact().PermitUncheckedError();
  uint64_t refused = 0;
  for (uint64_t i = 1000; i < 1100; ++i) refused += !disk->put(numbered_key(i), "refused");
  EXPECT_EQ(refused, 100u);
  EXPECT_FALSE(disk->put(numbered_key(1), "another value"));
  EXPECT_TRUE(is_any_refusing());
  expect_all_served("while the disk fails");
  EXPECT_EQ(disk->get(numbered_key(1000)), "-");
  EXPECT_EQ(disk->times_reported("stores refused path"), 1u) << disk->reported();
  EXPECT_NE(disk->reported().find(GetParam().cause), std::string::npos) << disk->reported();

  faulty.set(Fault::none);
  wait_until_well();
  EXPECT_EQ(disk->times_reported("stores accepted again"), 1u) << disk->reported();
  expect_all_served("after it");
  EXPECT_TRUE(disk->put(numbered_key(2000), "taken"));
  open(3).wait_until_loaded();
  expect_all_served("after a restart");
  for (uint64_t i = 1000; i < 1100; ++i) EXPECT_EQ(disk->get(numbered_key(i)), "-") << i;
  EXPECT_EQ(disk->get(numbered_key(2000)), "taken");
}

INSTANTIATE_TEST_SUITE_P(
    Each, WriteFaultTest,
    ::testing::Values(WriteFault{Fault::full, "Full", "No space left"},
                      WriteFault{Fault::write_error, "WriteError", "Input/output error, writing"},
                      WriteFault{Fault::sync_error, "SyncError", "Input/output error, syncing"},
                      WriteFault{Fault::no_permission, "NoPermission", "Permission denied"},
                      WriteFault{Fault::no_descriptors, "NoDescriptors", "Too many open files"}),
    [](const auto& named) { return named.param.name; });

// The next opening finds the batch in the log, although its store was refused.
TEST_F(FaultTest, ABatchWhoseSyncFailedDoesNotComeBackWithTheLog) {
  open_with_records();
  for (const uint64_t number : {uint64_t{1000}, uint64_t{1}}) {
    faulty.set(Fault::sync_error);
    EXPECT_FALSE(disk->put(numbered_key(number), "refused"));
    faulty.set(Fault::none);
    wait_until_well();
  }
  expect_all_served("after it");
  open(3).wait_until_loaded();
  expect_all_served("after a restart");
  EXPECT_EQ(disk->get(numbered_key(1000)), "-");
}

TEST_F(FaultTest, ADiskThatFailsAgainAndAgainIsToldTwiceAndNotThatItWorksInBetween) {
  open(1, milliseconds(1)).wait_until_loaded();
  for (int times = 0; times < 4; ++times) {
    faulty.set(Fault::sync_error);
    EXPECT_FALSE(disk->put(numbered_key(1), "refused"));
    EXPECT_FALSE(disk->put(numbered_key(2), "refused, too"));
    faulty.set(Fault::none);
    wait_until_well();
    disk->database->tell_if_settled();  // Not within a minute.
  }
  EXPECT_EQ(disk->times_reported("stores refused path"), 1u) << disk->reported();
  EXPECT_EQ(disk->times_reported("stores refused again path"), 1u) << disk->reported();
  EXPECT_EQ(disk->times_reported("stores accepted again"), 1u) << disk->reported();
  const DatabaseCounts counts = disk->database->counts();
  EXPECT_EQ(counts[static_cast<size_t>(DatabaseCount::openings)], 5u);
  EXPECT_EQ(disk->shards[0]->thread.counters().read(CommitCount::commits_failed), 4u);
}

// Whether the disk works again is tried with a file.
TEST_F(FaultTest, TheFileThatTriesTheDiskIsGoneAfterwardsAndFollowsNoLink) {
  open(1, milliseconds(1)).wait_until_loaded();
  const std::string other_file = temporary.at("other file");
  overwrite(other_file, "kept");
  std::filesystem::create_symlink(other_file, temporary.at("probe"));
  faulty.set(Fault::sync_error);
  EXPECT_FALSE(disk->put(numbered_key(1), "refused"));
  faulty.set(Fault::none);
  wait_until_well();
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(temporary.at("probe"))));
  EXPECT_EQ(content_of(other_file), "kept");
}

TEST_F(FaultTest, AStopBeforeTheNextAttemptLeavesNothingThatWasRefused) {
  open(2, hours(1)).wait_until_loaded();
  const std::string kept_value = value_of(1);
  ASSERT_TRUE(disk->put(numbered_key(1), kept_value));
  faulty.set(Fault::sync_error);
  for (const uint64_t number : {1, 1000, 1001}) {
    EXPECT_FALSE(disk->put(numbered_key(number), "refused"));
  }
  EXPECT_TRUE(is_any_refusing());
  faulty.set(Fault::none);
  open(3).wait_until_loaded();
  EXPECT_EQ(disk->get(numbered_key(1)), kept_value);
  for (const uint64_t number : {1000, 1001}) EXPECT_EQ(disk->get(numbered_key(number)), "-");
}

TEST_F(FaultTest, ADiskThatCannotReadCostsWhatItCannotReadAndOnlyForAsLongAsItCannot) {
  open_with_records();
  open().wait_until_loaded();  // All in tables now, and no block in RocksDB's cache.
  faulty.set(Fault::read_error);
  uint64_t missing = 0;
  for (uint64_t i = 0; i < 2 * kept; ++i) {
    const std::string got = disk->get(numbered_key(i));
    if (got == "-") {
      ++missing;
    } else {
      ASSERT_EQ(got, value_of(i));
    }
  }
  EXPECT_GT(missing, 0u);
  EXPECT_TRUE(disk->shards[0]->thread.is_damaged() || disk->shards[1]->thread.is_damaged());
  EXPECT_EQ(disk->times_reported("records unreadable"), 1u) << disk->reported();
  EXPECT_TRUE(disk->put(numbered_key(2000), "taken"));  // Writing needs no reads.

  faulty.set(Fault::none);
  wait_until_well();
  EXPECT_EQ(disk->times_reported("records readable again"), 1u) << disk->reported();
  expect_all_served("after it");
}

TEST_F(FaultTest, WhatCouldNotBeLoadedIsLoadedOnceItCanBeRead) {
  open_with_records();
  open().wait_until_loaded();  // All in tables.
  faulty.set(Fault::read_error);
  open().wait_until_loaded();
  uint64_t served = 0;
  for (uint64_t i = 0; i < 2 * kept; ++i) served += disk->get(numbered_key(i)) == value_of(i);
  EXPECT_LT(served, 2 * kept);
  EXPECT_NE(disk->reported().find("key_ranges="), std::string::npos) << disk->reported();
  EXPECT_TRUE(disk->put(numbered_key(2000), "taken"));

  faulty.set(Fault::none);
  wait_until_well();
  EXPECT_EQ(disk->times_reported("records readable again"), 1u) << disk->reported();
  expect_all_served("in the end");
}

// ---- Snapshots.

TEST_F(FaultTest, StoresAndReadsGoOnWhileASnapshotIsBeingMade) {
  open_with_records();
  std::promise<void> begun;
  std::promise<void> go_on;
  const auto may_go_on = go_on.get_future().share();
  faulty.before_link = [&, is_first = true]() mutable {
    if (std::exchange(is_first, false)) begun.set_value();
    may_go_on.wait();
  };
  auto made = std::async(std::launch::async, [this] {
    return disk->database->database().checkpoint(temporary.at("copy"));
  });
  begun.get_future().wait();
  EXPECT_TRUE(disk->put(numbered_key(2000), "taken"));
  EXPECT_TRUE(disk->put(numbered_key(2001), "taken"));  // To another shard, or the same.
  expect_all_served("while a snapshot is made");
  go_on.set_value();
  const auto error = made.get();
  EXPECT_FALSE(error) << error->sentence;
}

// Opening again brings the refused batch back from the log, until the undo is written.
TEST_F(FaultTest, NoSnapshotIsMadeWhileAStoreThatWasRefusedMayBeInTheLog) {
  RocksConfig config;
  config.directory = temporary.path();
  config.networks = {"rpcudp"};
  config.env = faulty.env();
  RocksDatabase database(config, nullptr);
  ASSERT_FALSE(database.open(0));
  std::vector<RocksDatabase::Change> undo;
  const RocksDatabase::Change change{0, row_key_of(numbered_key(1)), "refused"};
  faulty.set(Fault::sync_error);
  ASSERT_FALSE(database.write({&change, 1}, &undo).ok());
  faulty.set(Fault::none);
  const std::string copy = temporary.at("copy");
  EXPECT_TRUE(database.checkpoint(copy));
  ASSERT_FALSE(database.open(database.generation()));
  EXPECT_TRUE(database.checkpoint(copy));
  ASSERT_TRUE(database.write(undo, nullptr).ok());
  database.end_undo();
  EXPECT_FALSE(database.checkpoint(copy));
}

// ---- What `--durability os` promises.

class DurabilityOsTest : public FaultTest {
 protected:
  Disk& open_os() {
    disk.reset();
    Disk::Options options;
    options.durability = Durability::os;
    options.env = faulty.env();
    disk = std::make_unique<Disk>(temporary.path(), options);
    disk->wait_until_loaded();
    return *disk;
  }
  // Whether a sync of the log that began after `since` ends; 30 times what is promised.
  bool is_synced(MonotonicTime since) {
    const MonotonicTime until = monotonic_time() + seconds(30);
    while (faulty.log_synced_at() < since && monotonic_time() < until) {
      disk->shards[0]->doorbell.wait(milliseconds(5));
    }
    return faulty.log_synced_at() >= since;
  }
  void lose_power() {
    faulty.cut_power();
    disk.reset();
    Rng rng(20'261'126);
    faulty.restore_power(rng);
  }
};

TEST_F(DurabilityOsTest, AStoreIsAcknowledgedWithoutASync) {
  open_os();
  faulty.set(Fault::sync_error);
  EXPECT_TRUE(disk->put(numbered_key(1), "acknowledged"));
  faulty.set(Fault::none);
  wait_until_well();
  EXPECT_EQ(disk->get(numbered_key(1)), "acknowledged");
  EXPECT_EQ(open_os().get(numbered_key(1)), "acknowledged");
}

TEST_F(DurabilityOsTest, AStoreIsSyncedSoonThoughNoneFollows) {
  open_os();
  for (uint64_t i = 0; i < 3; ++i) {
    const MonotonicTime begun = monotonic_time();
    ASSERT_TRUE(disk->put(numbered_key(i), "kept"));
    ASSERT_TRUE(is_synced(begun)) << i;
  }
  lose_power();
  open_os();
  for (uint64_t i = 0; i < 3; ++i) EXPECT_EQ(disk->get(numbered_key(i)), "kept") << i;
}

// After a stop nobody would sync the last second any more.
TEST_F(DurabilityOsTest, AnOrderlyStopSyncsWhatWasStoredSinceTheLastSync) {
  open_os();
  const MonotonicTime begun = monotonic_time();
  ASSERT_TRUE(disk->put(numbered_key(0), "kept"));
  ASSERT_TRUE(is_synced(begun));
  for (uint64_t i = 1; i < 4; ++i) ASSERT_TRUE(disk->put(numbered_key(i), "kept"));
  disk.reset();
  lose_power();
  open_os();
  for (uint64_t i = 0; i < 4; ++i) EXPECT_EQ(disk->get(numbered_key(i)), "kept") << i;
}

// ---- Power loss.

struct PowerLoss {
  Durability durability;
  const char* name;
};
class PowerLossTest : public ::testing::TestWithParam<PowerLoss> {
 protected:
  // What a run sent, and when it was acknowledged (0: never).
  struct Sent {
    std::string value;
    MonotonicTime acknowledged_at;
  };

  void run_and_cut_power(Rng& rng, uint64_t round) {
    Disk::Options options;
    options.durability = GetParam().durability;
    options.shards = 1 + static_cast<uint32_t>(rng.bounded(3));
    options.env = faulty.env();
    Disk disk(temporary.path(), options);
    for (auto& shard : disk.shards) {
      shard->run_until([&] { return shard->store.is_loaded() || shard->has_load_failed; });
      ASSERT_FALSE(shard->has_load_failed) << "round " << round << ": " << disk.reported();
    }
    const MonotonicTime begun = monotonic_time();
    const uint64_t batches = 1 + rng.bounded(40);
    for (uint64_t batch = 0; batch < batches; ++batch) store_some(disk, rng, round);
    // Long enough to include a once-a-second sync, in some rounds.
    while (options.durability == Durability::os && round % 4 == 3 &&
           monotonic_time() < begun + milliseconds(1500)) {
      store_some(disk, rng, round);
      // Stay below records_max. The doorbell may have been rung already, which ends a wait at once.
      const MonotonicTime next = monotonic_time() + milliseconds(10);
      while (monotonic_time() < next) disk.shards[0]->doorbell.wait(next - monotonic_time());
    }
    if (rng.chance(0.3)) disk.database->database().compact().PermitUncheckedError();
    begin_some(disk, rng, round);  // Pending when the power goes.
    faulty.cut_power();
    synced_at = faulty.log_synced_at();
  }
  std::vector<std::pair<uint64_t, Ticket>> begin_some(Disk& disk, Rng& rng, uint64_t round) {
    std::vector<std::pair<uint64_t, Ticket>> begun;
    const uint64_t count = 1 + rng.bounded(30);
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t key = next_key++;
      sent[key] = {"round " + std::to_string(round) + std::string(rng.bounded(3000), 'x'), {}};
      TestShard& shard = disk.owner(numbered_key(key));
      begun.emplace_back(key, shard.begin_store(numbered_key(key), sent[key].value).ticket);
    }
    for (auto& shard : disk.shards) shard->flush();
    return begun;
  }
  void store_some(Disk& disk, Rng& rng, uint64_t round) {
    for (const auto& [key, ticket] : begin_some(disk, rng, round)) {
      TestShard& shard = disk.owner(numbered_key(key));
      shard.run_until([&] { return shard.finished.contains(ticket); });
      ASSERT_EQ(shard.finished[ticket], Finished::Kind::stored);
      sent[key].acknowledged_at = monotonic_time();
    }
  }
  // With `sync`, everything acknowledged; with `os`, everything acknowledged before the last sync
  // began.
  void expect_what_was_promised(uint64_t round) {
    Disk::Options options;
    options.env = faulty.env();
    Disk disk(temporary.path(), options);
    TestShard& shard = *disk.shards[0];
    shard.run_until([&] { return shard.store.is_loaded() || shard.has_load_failed; });
    ASSERT_FALSE(shard.has_load_failed) << "round " << round << ": " << disk.reported();
    const bool is_sync = GetParam().durability == Durability::sync;
    uint64_t lost = 0;
    for (auto& [key, one] : sent) {
      const std::string served = disk.get(numbered_key(key));
      const bool was_acknowledged = one.acknowledged_at > MonotonicTime{};
      const bool is_promised =
          was_acknowledged && (is_sync || one.acknowledged_at < synced_at || is_old(key));
      if (served == "-") {
        ASSERT_FALSE(is_promised) << "round " << round << ", key " << key << ", "
                                  << (synced_at - one.acknowledged_at).seconds()
                                  << " s before the last sync began; " << disk.reported();
        lost += was_acknowledged;
        one.acknowledged_at = {};
      } else {
        ASSERT_EQ(served, one.value) << "round " << round << ", key " << key;
        one.acknowledged_at = MonotonicTime{1};  // It is in tables now, as recovery leaves it.
      }
    }
    lost_all += lost;
    first_key_of_run = next_key;
  }
  bool is_old(uint64_t key) const { return key < first_key_of_run; }

  TemporaryDirectory temporary;
  FaultyDisk faulty;
  std::map<uint64_t, Sent> sent;
  uint64_t next_key = 0;
  uint64_t first_key_of_run = 0;
  uint64_t lost_all = 0;
  MonotonicTime synced_at;
};

TEST_P(PowerLossTest, LosesNothingThatWasPromised) {
  const uint64_t seed = 20'261'125;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (uint64_t round = 0; round < 8; ++round) {
    run_and_cut_power(rng, round);
    if (HasFailure()) return;
    faulty.restore_power(rng);
    expect_what_was_promised(round);
    if (HasFailure()) return;
    faulty.cut_power();  // The verifier does not end cleanly either.
    faulty.restore_power(rng);
  }
  uint64_t acknowledged = 0;
  for (const auto& [key, one] : sent) acknowledged += one.acknowledged_at > MonotonicTime{};
  std::printf("power cut 8 times: %llu of %llu records served, %llu acknowledged ones lost\n",
              static_cast<unsigned long long>(acknowledged),
              static_cast<unsigned long long>(sent.size()),
              static_cast<unsigned long long>(lost_all));
  if (GetParam().durability == Durability::sync) {
    EXPECT_EQ(lost_all, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Both, PowerLossTest,
                         ::testing::Values(PowerLoss{Durability::sync, "Sync"},
                                           PowerLoss{Durability::os, "Os"}),
                         [](const auto& named) { return named.param.name; });

}  // namespace
}  // namespace xord
