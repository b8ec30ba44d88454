// The store alone: what a find costs, what a record costs in memory. The disk is absent: records
// come as if loaded. No figure here includes RocksDB.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "reactor/base/rng.h"
#include "reactor/monotonic.h"
#include "storage/store.h"

namespace xord {
namespace {

constexpr size_t value_size = 100;

uint64_t resident_bytes() {
  unsigned long long pages = 0;
  unsigned long long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%llu %llu", &pages, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

Id key_of(uint64_t number) {
  Id key;
  Rng(number).fill(key.bytes);
  return key;
}

// The records expire within `lives` of `now`; 0: within a week, as ordinary stores do.
std::unique_ptr<Store> loaded_store(uint64_t records, uint64_t memory_max, Instant now,
                                    NodeSeconds lives = 0) {
  StoreConfig config;
  config.hash_seed = 1;
  config.records_max = static_cast<uint32_t>(records);
  config.bytes_max = UINT64_MAX;
  config.memory_max = memory_max;
  auto store = std::make_unique<Store>(config);
  const std::vector<uint8_t> value(value_size, 'v');
  Completion loaded;
  loaded.kind = CompletionKind::record_loaded;
  loaded.value_size = value_size;
  loaded.has_value = true;
  Rng rng(7);
  for (uint64_t i = 0; i < records; ++i) {
    loaded.key = key_of(i);
    const NodeSeconds stored = node_seconds(now) - static_cast<NodeSeconds>(rng.bounded(600'000));
    loaded.times = {stored, stored, stored, stored + config.ttl};
    if (lives > 0)
      loaded.times.expiry = node_seconds(now) + 1 + static_cast<NodeSeconds>(i % lives);
    store->complete(now, loaded, value);
  }
  Completion finished;
  finished.kind = CompletionKind::load_finished;
  store->complete(now, finished, {});
  return store;
}

const Instant start = instant_of(first_node_seconds + 1'000'000);

// Memory per record in bytes, values excluded: resident after loading, less before, less values.
void load_and_weigh(benchmark::State& state) {
  const auto records = static_cast<uint64_t>(state.range(0));
  for (auto _ : state) {
    const uint64_t before = resident_bytes();
    const auto store = loaded_store(records, 0, start);
    const double bytes = static_cast<double>(resident_bytes() - before);
    state.counters["bytes_a_record"] = bytes / static_cast<double>(records);
    state.counters["records_a_second"] = benchmark::Counter(
        static_cast<double>(records), benchmark::Counter::kIsIterationInvariantRate);
  }
}
BENCHMARK(load_and_weigh)->Arg(10'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

// A million records that expire within one minute, with a turn of the loop each 0.1 ms: the longest
// time that one turn spent on it, and how far dropping fell behind. (Serving checks the expiry
// itself: none is served past its second, dropped or not.)
void expire_a_million_in_a_minute(benchmark::State& state) {
  constexpr uint64_t records = 1'000'000;
  for (auto _ : state) {
    const auto store = loaded_store(records, 0, start, 60);
    FrameOutbox operations(1024, 1 << 20);
    Duration longest;
    NodeSeconds latest = 0;
    Instant now = start;
    uint64_t served_late = 0;
    while (store->counters().read(StoreCount::expired) < records) {
      now = now + microseconds(100);
      const MonotonicTime begun = monotonic_time();
      while (store->next_wakeup() && *store->next_wakeup() <= now) {
        store->advance(now, operations);
      }
      longest = std::max(longest, monotonic_time() - begun);
      latest = node_seconds(now);
      const uint64_t key = static_cast<uint64_t>(now.nanoseconds / 100'000) % records;
      const Found found = store->find(now, key_of(key));
      served_late += found.presence != Presence::absent && found.times.expiry <= node_seconds(now);
    }
    state.counters["longest_turn_us"] = longest.seconds() * 1e6;
    state.counters["all_dropped_after_s"] = static_cast<double>(latest - node_seconds(start));
    state.counters["served_late"] = static_cast<double>(served_late);
  }
}
BENCHMARK(expire_a_million_in_a_minute)->Iterations(1)->Unit(benchmark::kMillisecond);

void find_hit(benchmark::State& state) {
  constexpr uint64_t records = 1'000'000;
  const auto store = loaded_store(records, uint64_t{256} << 20, start);
  uint64_t at = 0;
  std::vector<Id> keys;
  for (uint64_t i = 0; i < 1 << 16; ++i) keys.push_back(key_of((i * 7'919) % records));
  for (auto _ : state) benchmark::DoNotOptimize(store->find(start, keys[at++ % keys.size()]));
}
BENCHMARK(find_hit);

void find_miss(benchmark::State& state) {
  constexpr uint64_t records = 1'000'000;
  const auto store = loaded_store(records, 0, start);
  uint64_t at = 0;
  std::vector<Id> keys;
  for (uint64_t i = 0; i < 1 << 16; ++i) keys.push_back(key_of(records + i));
  for (auto _ : state) benchmark::DoNotOptimize(store->find(start, keys[at++ % keys.size()]));
}
BENCHMARK(find_miss);

}  // namespace
}  // namespace xord
