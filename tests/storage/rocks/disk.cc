#include "tests/storage/rocks/disk.h"

namespace xord {

TestShard::TestShard(RocksStore& database, const StoreConfig& config, ShardIndex index,
                     uint32_t shards, Instant start, Duration retry, Duration slow_commit)
    : now(start),
      store(config),
      thread(database,
             {.shard = index,
              .shards = shards,
              .retry = retry,
              .slow_commit = slow_commit,
              .load_bytes_max = config.memory_max,
              .operations_bytes = 1 << 20,
              .completions_bytes = 256 << 10},
             doorbell) {}

bool TestShard::take_completions() {
  const uint32_t count = thread.completions().consume(UINT32_MAX, [this](Bytes frame) {
    const Completion& completion = *frame_header<Completion>(frame);
    const Finished done = store.complete(now, completion, frame_tail<Completion>(frame));
    if (done.kind == Finished::Kind::load_failed) has_load_failed = true;
    if (done.kind == Finished::Kind::nothing) return;
    finished[done.ticket] = done.kind;
    if (done.kind == Finished::Kind::read && done.found.presence == Presence::value) {
      read_[done.ticket] = text_of(done.found.value);
    }
  });
  return count > 0;
}

void TestShard::run_until(const std::function<bool()>& done) {
  while (!done()) {
    if (take_completions()) continue;
    doorbell.announce_sleep();
    if (thread.completions().has_frames_before_sleep()) {
      doorbell.awake();
      continue;
    }
    doorbell.wait(seconds(60));  // ctest ends a hang.
  }
}

void TestShard::wait_until_loaded() {
  run_until([this] { return store.is_loaded(); });
}

void TestShard::flush() {
  for (const auto& entry : operations.entries()) {
    while (!thread.operations().push(operations.bytes(entry))) {
      thread.operations().publish();
      take_completions();
    }
  }
  thread.operations().publish();
  operations.clear();
}

StoreOutcome TestShard::begin_store(const Id& key, std::string_view value, uint32_t age) {
  return store.begin_store(now, {key, bytes_of(value), age, 3}, operations);
}

bool TestShard::store_and_wait(const Id& key, std::string_view value) {
  const StoreOutcome outcome = begin_store(key, value);
  flush();
  if (outcome.kind == StoreOutcome::Kind::unchanged) return true;
  if (outcome.kind == StoreOutcome::Kind::refused) return false;
  run_until([&] { return finished.contains(outcome.ticket); });
  return finished[outcome.ticket] == Finished::Kind::stored;
}

std::string TestShard::get(const Id& key) {
  const Found found = store.find(now, key);
  if (found.presence == Presence::value) return std::string(text_of(found.value));
  if (found.presence != Presence::cold) return "-";
  const std::optional<Ticket> ticket = store.begin_read(now, key, operations);
  if (!ticket) return "-";
  flush();
  run_until([&] { return finished.contains(*ticket); });
  return read_.contains(*ticket) ? read_[*ticket] : "-";
}

Disk::Disk(const std::string& directory, const Options& options) : options_(options) {
  RocksConfig config;
  config.directory = directory;
  config.networks = options.networks;
  config.ttl = options.store.ttl;
  config.durability = options.durability;
  config.hash_seed = options.store.hash_seed;
  config.log_bytes_max = 4 << 20;
  config.env = options.env;
  config.storage_max = options.storage_max;
  database = std::make_unique<RocksStore>(config, [this](ReportLevel, std::string_view message,
                                                         const std::vector<ReportField>& fields) {
    const std::lock_guard lock(mutex);
    report += message;
    for (const ReportField& each : fields) {
      const auto* number = std::get_if<uint64_t>(&each.value);
      report += " " + std::string(each.name) + "=";
      report += number != nullptr ? std::to_string(*number) : std::get<std::string>(each.value);
    }
    report += "\n";
  });
  for (uint32_t i = 0; i < options.shards; ++i) {
    shards.push_back(std::make_unique<TestShard>(
        *database, options.store, static_cast<ShardIndex>(i), options.shards, options.start,
        options.retry, options.slow_commit));
  }
  for (const auto& shard : shards) shard->start();
}

Disk::~Disk() {
  shards.clear();
  database.reset();
}

std::string Disk::reported() {
  const std::lock_guard lock(mutex);
  return report;
}

size_t Disk::times_reported(const std::string& text) {
  const std::string all = reported();
  size_t count = 0;
  for (size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++count;
  return count;
}

void Disk::wait_until_loaded() {
  for (const auto& shard : shards) shard->wait_until_loaded();
}

}  // namespace xord
