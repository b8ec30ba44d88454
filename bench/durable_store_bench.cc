// The storage engine on a real disk, without sockets: a store and its commit thread, driven from
// this thread as by a shard. Measures durable stores a second, relative to RocksDB alone fed with
// the very batches that the engine wrote (read back from its write-ahead log); and what an hour of
// republishing unchanged records writes to disk. The directory is below $TMPDIR, or /tmp: it should
// be on a disk.
#include <benchmark/benchmark.h>
#include <rocksdb/db.h>
#include <rocksdb/utilities/options_util.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "reactor/base/check.h"
#include "reactor/base/rng.h"
#include "reactor/monotonic.h"
#include "storage/rocks/commit_thread.h"
#include "storage/store.h"

namespace xord {
namespace {

constexpr size_t value_size = 100;

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "xord-bench-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// One shard's storage with the capacities of a production shard.
class Engine {
 public:
  Engine(const std::string& directory, uint32_t records, Durability durability, uint64_t log_bytes)
      : database_(rocks_config(directory, durability, log_bytes), nullptr),
        store_(store_config(records)),
        commits_(database_, {}, doorbell_) {
    CHECK(!commits_.start());
    wait([this] { return store_.is_loaded(); });
  }

  Instant now = instant_of(first_node_seconds);

  // Refused stores (the disk is behind) are retried once something is completed.
  void store(const Id& key, Bytes value) {
    while (store_.begin_store(now, {key, value, 0, 0}, operations_).kind ==
           StoreOutcome::Kind::refused) {
      flush();
      if (!take_completions()) sleep();
    }
    if (++since_flush_ < 64) return;  // The datagrams of one turn.
    flush();
    take_completions();
  }
  void advance() {
    store_.advance(now, operations_);
    flush();
    take_completions();
  }
  void finish() {
    flush();
    wait([this] { return store_.counters().read(StoreCount::writes_pending) == 0; });
  }
  uint64_t count(StoreCount which) const { return store_.counters().read(which); }
  uint64_t count(CommitSum which) const { return sum_of(commits_.histograms(), which); }
  uint64_t bytes_written_to_disk() const {
    const DatabaseCounts counts = database_.counts();
    const auto of = [&](DatabaseCount which) { return counts[static_cast<size_t>(which)]; };
    return of(DatabaseCount::bytes_logged) + of(DatabaseCount::bytes_flushed) +
           of(DatabaseCount::bytes_compacted);
  }

 private:
  static RocksConfig rocks_config(const std::string& directory, Durability durability,
                                  uint64_t log_bytes) {
    RocksConfig config;
    config.directory = directory;
    config.networks = {"rpcudp"};
    config.durability = durability;
    config.hash_seed = 1;
    config.log_bytes_max = log_bytes;
    return config;
  }
  static StoreConfig store_config(uint32_t records) {
    StoreConfig config;
    config.hash_seed = 1;
    config.records_max = records;
    config.bytes_max = UINT64_MAX;
    config.memory_max = 64 << 20;
    config.writes_max = 4096;
    config.write_bytes_max = 3 << 20;
    return config;
  }
  void flush() {
    since_flush_ = 0;
    for (const FrameOutbox::Entry& entry : operations_.entries()) {
      while (!commits_.operations().push(operations_.bytes(entry))) sleep();
    }
    commits_.operations().publish();
    operations_.clear();
  }
  bool take_completions() {
    return commits_.completions().consume(UINT32_MAX, [this](Bytes frame) {
      const Completion& completion = *frame_header<Completion>(frame);
      if (completion.store != StoreId{}) return;
      store_.complete(now, completion, frame_tail<Completion>(frame));
    }) > 0;
  }
  void sleep() {
    doorbell_.announce_sleep();
    if (!commits_.completions().has_frames_before_sleep()) doorbell_.wait(milliseconds(100));
    doorbell_.awake();
  }
  template <class Done>
  void wait(Done&& done) {
    while (!done()) {
      if (!take_completions()) sleep();
    }
  }

  RocksStore database_;
  Doorbell doorbell_;
  Store store_;
  CommitThread commits_;
  FrameOutbox operations_{1024, 1 << 20};
  uint32_t since_flush_ = 0;
};

Id key_of(uint64_t number) {
  Id key;
  Rng(number).fill(key.bytes);
  return key;
}

Bytes value_of(uint64_t number, std::vector<uint8_t>& value) {
  Rng(~number).fill(value);
  return value;
}

// ---- Durable stores a second, and RocksDB alone.

constexpr uint64_t stores = 400'000;
// More than a run writes, so that its log is complete when it is read back.
constexpr uint64_t log_bytes = uint64_t{1} << 30;

double run_engine(const std::string& directory, double& batch_size) {
  Engine engine(directory, stores, Durability::sync, log_bytes);
  std::vector<Id> keys;
  for (uint64_t i = 0; i < stores; ++i) keys.push_back(key_of(i));
  std::vector<uint8_t> value(value_size);
  value_of(1, value);
  const MonotonicTime begun = monotonic_time();
  for (uint64_t i = 0; i < stores; ++i) {
    store_le(value.data(), i);
    engine.store(keys[i], value);
  }
  engine.finish();
  const Duration took = monotonic_time() - begun;
  CHECK(engine.count(StoreCount::stored) == stores);
  batch_size = static_cast<double>(stores) / static_cast<double>(engine.count(CommitSum::batches));
  return static_cast<double>(stores) / took.seconds();
}

struct Recorded {
  rocksdb::DBOptions options;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  std::vector<std::unique_ptr<rocksdb::WriteBatch>> batches;
};

std::unique_ptr<rocksdb::DB> open_alone(const Recorded& recorded, const std::string& path,
                                        std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
  rocksdb::DB* database = nullptr;
  rocksdb::DBOptions options = recorded.options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  CHECK(rocksdb::DB::Open(options, path, recorded.families, &handles, &database).ok());
  return std::unique_ptr<rocksdb::DB>(database);
}

// The batches as they lie in the engine's log, with the options it ran with.
Recorded read_batches(const std::string& path) {
  Recorded recorded;
  CHECK(rocksdb::LoadLatestOptions({}, path, &recorded.options, &recorded.families).ok());
  Recorded reading = {recorded.options, recorded.families, {}};
  reading.options.WAL_ttl_seconds = 3600;  // Keeps the log that opening replays.
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto database = open_alone(reading, path, handles);
  std::unique_ptr<rocksdb::TransactionLogIterator> at;
  CHECK(database->GetUpdatesSince(0, &at).ok());
  for (; at->Valid(); at->Next()) {
    rocksdb::BatchResult batch = at->GetBatch();
    recorded.batches.push_back(std::move(batch.writeBatchPtr));
  }
  for (auto* handle : handles) CHECK(database->DestroyColumnFamilyHandle(handle).ok());
  return recorded;
}

double run_alone(Recorded& recorded, const std::string& path) {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto database = open_alone(recorded, path, handles);
  rocksdb::WriteOptions options;
  options.sync = true;
  uint64_t rows = 0;
  const MonotonicTime begun = monotonic_time();
  for (const auto& batch : recorded.batches) {
    rows += batch->Count();
    CHECK(database->Write(options, batch.get()).ok());
  }
  const Duration took = monotonic_time() - begun;
  CHECK(rows >= stores);
  for (auto* handle : handles) CHECK(database->DestroyColumnFamilyHandle(handle).ok());
  return static_cast<double>(stores) / took.seconds();
}

void durable_stores(benchmark::State& state) {
  for (auto _ : state) {
    ScratchDirectory scratch;
    double batch_size = 0;
    std::filesystem::create_directory(scratch.path() + "/engine");
    const double engine = run_engine(scratch.path() + "/engine", batch_size);
    Recorded recorded = read_batches(scratch.path() + "/engine/db");
    const double alone = run_alone(recorded, scratch.path() + "/alone");
    state.SetIterationTime(static_cast<double>(stores) / engine);
    state.counters["engine_per_second"] = engine;
    state.counters["rocksdb_alone_per_second"] = alone;
    state.counters["share"] = engine / alone;
    state.counters["stores_a_batch"] = batch_size;
  }
}
BENCHMARK(durable_stores)
    ->Iterations(1)
    ->Repetitions(5)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

// ---- Republishing unchanged records.

// A million records, each stored again by five holders each hour, over eight hours of node time.
void republish(benchmark::State& state) {
  constexpr uint64_t records = 1'000'000;
  constexpr uint32_t holders = 5;
  for (auto _ : state) {
    ScratchDirectory scratch;
    Engine engine(scratch.path(), records, Durability::os, 32 << 20);
    std::vector<uint8_t> value(value_size);
    for (uint64_t i = 0; i < records; ++i) engine.store(key_of(i), value_of(i, value));
    engine.finish();
    const auto megabytes = [](uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
    state.counters["MB_storing_them"] = megabytes(engine.bytes_written_to_disk());
    const uint64_t before = engine.bytes_written_to_disk();
    for (uint64_t hour = 1; hour <= 8; ++hour) {
      for (uint64_t i = 0; i < records * holders; ++i) {
        if (i % 5'000 == 0) {  // A thousand steps an hour.
          engine.now = engine.now + hours(1) / 1000;
          engine.advance();
        }
        const uint64_t which = i % records;
        engine.store(key_of(which), value_of(which, value));
      }
      engine.finish();
      const double written = megabytes(engine.bytes_written_to_disk() - before);
      if (hour == 1) state.counters["MB_first_hour"] = written;
      if (hour == 8) state.counters["MB_an_hour_over_eight"] = written / 8;
    }
    state.counters["unchanged"] = static_cast<double>(engine.count(StoreCount::unchanged));
    state.counters["times_written"] = static_cast<double>(engine.count(StoreCount::times_written));
  }
}
BENCHMARK(republish)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace xord
