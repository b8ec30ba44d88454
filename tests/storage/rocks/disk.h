// Shared by the tests of storage/rocks: a database in a temporary directory with its commit
// threads, and real stores in front of them, driven from the test's thread instead of a reactor.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "reactor/base/frames.h"
#include "storage/rocks/commit_thread.h"
#include "storage/store.h"

namespace xord {

inline Id numbered_key(uint64_t number) {
  Id key;
  store_be64(&key.bytes[0], number * 0x9e3779b97f4a7c15);
  store_be64(&key.bytes[12], number * 0xbf58476d1ce4e5b9);
  return key;
}

// One shard's storage: a store and its commit thread.
class TestShard {
 public:
  TestShard(RocksStore& database, const StoreConfig& config, ShardIndex index, uint32_t shards,
            Instant start, Duration retry, Duration slow_commit);

  void start() { EXPECT_FALSE(thread.start()); }
  // Takes in the completions that have arrived; false if there are none.
  bool take_completions();
  // Takes in completions until `done` holds.
  void run_until(const std::function<bool()>& done);
  void wait_until_loaded();
  // Hands the store's operations to the commit thread.
  void flush();
  StoreOutcome begin_store(const Id& key, std::string_view value, uint32_t age = 0);
  // Begins, and waits for the outcome.
  bool store_and_wait(const Id& key, std::string_view value);
  // "-" when it is not served; reads from disk if it has to.
  std::string get(const Id& key);

  Instant now;
  Store store;
  FrameOutbox operations{8192, 8 << 20};
  Doorbell doorbell;
  CommitThread thread;
  std::map<Ticket, Finished::Kind> finished;
  bool has_load_failed = false;

 private:
  std::map<Ticket, std::string> read_;
};

class Disk {
 public:
  struct Options {
    Durability durability = Durability::sync;
    uint32_t shards = 1;
    StoreConfig store{
        .hash_seed = 77, .records_max = 20'000, .writes_max = 4096, .write_bytes_max = 4 << 20};
    std::vector<std::string> networks{"rpcudp"};
    Instant start = instant_of(first_node_seconds);
    Duration retry = milliseconds(20);  // For a database that failed.
    Duration slow_commit = hours(1);    // Reported from then on.
    uint64_t storage_max = 0;           // RocksConfig's.
    rocksdb::Env* env = nullptr;        // tests/storage/rocks/faulty_disk.h
  };

  Disk(const std::string& directory, const Options& options);
  ~Disk();
  // What was logged; taken under its lock.
  std::string reported();
  size_t times_reported(const std::string& text);
  TestShard& owner(const Id& key) { return *shards[shard_of(key, options_.shards)]; }
  std::string get(const Id& key) { return owner(key).get(key); }
  bool put(const Id& key, std::string_view value) { return owner(key).store_and_wait(key, value); }
  void wait_until_loaded();

  const Options options_;
  std::mutex mutex;
  std::string report;
  std::unique_ptr<RocksStore> database;
  std::vector<std::unique_ptr<TestShard>> shards;
};

}  // namespace xord
