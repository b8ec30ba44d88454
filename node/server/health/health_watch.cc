#include "node/server/health/health_watch.h"

#include <algorithm>
#include <utility>

#include "node/server/calls/key_digest.h"
#include "node/server/stats/collect_stats.h"
#include "node/wire/rpcudp/value.h"
#include "reactor/base/check.h"
#include "reactor/entropy.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

constexpr Duration look_interval = milliseconds(900);  // A caller's second may be a little less.
constexpr Duration space_interval = seconds(10);
constexpr Duration tell_again = minutes(1);
constexpr std::string_view canary_value = "xord canary";

Id random_id() {
  Id id;
  fill_with_entropy(id.bytes);
  return id;
}

// Raises `longest` to the silence since `asked_at`.
void note_silence(ShardIndex shard, std::optional<MonotonicTime> asked_at, MonotonicTime now,
                  ThreadSilence* longest) {
  CHECK(!asked_at || now >= *asked_at);
  if (!asked_at || now - *asked_at <= longest->lasted) return;
  *longest = {shard, now - *asked_at};
}

}  // namespace

HealthWatch::HealthWatch(const ServerConfig& config, const Id& self, std::string directory,
                         Shards& shards, Calls& calls, const RocksStore& database, Log& log,
                         MonotonicTime now)
    : config_(config),
      directory_(std::move(directory)),
      canary_key_(key_digest("xord canary of " + self.hex())),
      shards_(shards),
      calls_(calls),
      database_(database),
      log_(log),
      started_at_(now),
      of_shards_(shards.count()),
      of_commits_(shards.count()),
      canary_at_(now + config.canary_interval),
      report_(check_health({}, now, {})) {
  CHECK(shards.count() > 0);
}

void HealthWatch::advance(MonotonicTime now, const Circumstances& circumstances) {
  const bool has_changed = circumstances.is_draining != was_draining_;
  if (now < look_at_ && !has_changed) return;
  look_at_ = now + look_interval;
  was_draining_ = circumstances.is_draining;
  send_heartbeats(now);
  add_sample(now);
  const HealthReport before = report();
  const HealthFacts now_known = facts(now, circumstances);
  HealthReport report = check_health(now_known, now, before);
  log_changes(report);
  // A first node has nobody to ask until others have found it.
  const bool has_network = now_known.has_known_nodes || now_known.contacts > 0;
  if (has_network && !circumstances.is_draining) run_canary(now);
  const std::lock_guard lock(mutex_);
  report_ = std::move(report);
}

HealthReport HealthWatch::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

// ---- Heartbeats.

void HealthWatch::send_heartbeats(MonotonicTime now) {
  for (uint32_t shard = 0; shard < shards_.count(); ++shard) {
    ask_shard(static_cast<ShardIndex>(shard), now);
    ask_commit_thread(static_cast<ShardIndex>(shard), now);
  }
}

void HealthWatch::ask_shard(ShardIndex shard, MonotonicTime now) {
  Heartbeat& heartbeat = of_shards_[shard];
  const uint64_t answered = shards_.shard(shard).counters().read(ShardCount::heartbeats);
  CHECK(answered <= heartbeat.sent);
  if (heartbeat.is_sent && answered < heartbeat.sent) return;  // One at a time.
  if (heartbeat.is_sent) heartbeat.asked_at.reset();
  ShardCommand command;
  command.kind = CommandKind::heartbeat;
  heartbeat.is_sent = calls_.send(shard, command, {});
  heartbeat.sent += heartbeat.is_sent ? 1 : 0;
  if (!heartbeat.asked_at) heartbeat.asked_at = now;
}

void HealthWatch::ask_commit_thread(ShardIndex shard, MonotonicTime now) {
  Heartbeat& heartbeat = of_commits_[shard];
  if (shards_.commits(shard).state() != DatabaseState::open) {  // It cannot answer.
    heartbeat = {};
    return;
  }
  if (heartbeat.is_sent && !shards_.commits(shard).has_answered()) return;
  shards_.ask_commit_heartbeat(shard);
  heartbeat.is_sent = true;
  heartbeat.asked_at = now;
}

bool HealthWatch::has_writes_pending(ShardIndex shard) const {
  const Shard& one = shards_.shard(shard);
  for (NetworkIndex network = 0; network < one.networks_count(); ++network) {
    if (one.store_counters(network).read(StoreCount::writes_pending) > 0) return true;
    if (one.published_counters(network).read(StoreCount::writes_pending) > 0) return true;
  }
  return false;
}

// ---- Facts.

void HealthWatch::add_sample(MonotonicTime now) {
  HealthSample sample;
  sample.at = now;
  for (uint32_t index = 0; index < shards_.count(); ++index) {
    const IoCounters& io = shards_.reactor(index).counters();
    sample.received += sum_of(io, IoSum::received);
    sample.dropped += io.read(IoCounter::receive_dropped);
    const Shard& shard = shards_.shard(index);
    for (NetworkIndex network = 0; network < shard.networks_count(); ++network) {
      const NodeCounters& node = shard.node_counters(network);
      const uint64_t answered = node.calls.sum(CallOutcome::answered);
      sample.calls_answered += answered;
      sample.calls_ended +=
          answered + node.calls.sum(CallOutcome::expired) + node.calls.sum(CallOutcome::malformed);
      sample.inbound += node.node.read(NodeCounter::inbound_uncalled);
      sample.lookups +=
          node.lookups.sum(LookupOutcome::done) + node.lookups.sum(LookupOutcome::not_found);
    }
  }
  history_.add(sample);
}

HealthFacts HealthWatch::facts(MonotonicTime now, const Circumstances& circumstances) {
  HealthFacts facts;
  facts.uptime = now - started_at_;
  facts.has_known_nodes = circumstances.has_known_nodes;
  facts.is_clock_doubted = circumstances.is_clock_doubted;
  facts.is_draining = circumstances.is_draining;
  facts.ready_contacts = config_.ready_contacts;
  facts.canary.is_on = config_.canary != CanaryMode::off;
  history_.describe(&facts);
  add_silences(now, &facts);
  add_network(&facts);
  add_storage(now, &facts);
  return facts;
}

void HealthWatch::add_silences(MonotonicTime now, HealthFacts* facts) const {
  for (uint32_t index = 0; index < shards_.count(); ++index) {
    const auto shard = static_cast<ShardIndex>(index);
    note_silence(shard, of_shards_[shard].asked_at, now, &facts->shard);
    if (shards_.commits(shard).has_answered() || !has_writes_pending(shard)) continue;
    note_silence(shard, of_commits_[shard].asked_at, now, &facts->commit);
  }
}

// Of the program's network: it is the one that names and settings are for.
void HealthWatch::add_network(HealthFacts* facts) const {
  facts->contacts = shards_.answerable_count(program_network);
  uint64_t least = UINT64_MAX;
  for (uint32_t index = 0; index < shards_.count(); ++index) {
    const NodeCounters& node = shards_.shard(index).node_counters(program_network);
    const uint64_t size = node.node.read(NodeCounter::network_size);
    if (size > 0) least = std::min(least, size);  // Else this shard has yet to estimate it.
    if (node.lookups.read(LookupPurpose::join, LookupOutcome::done) > 0) facts->has_joined = true;
  }
  facts->network_size = least == UINT64_MAX ? 0 : least;
}

void HealthWatch::add_storage(MonotonicTime now, HealthFacts* facts) {
  facts->storage = storage_state(shards_);
  if (facts->storage == StorageState::loading) {
    if (!loading_since_) loading_since_ = now;
    facts->loading_for = now - *loading_since_;
    for (uint32_t shard = 0; shard < shards_.count(); ++shard) {
      facts->records_loaded += shards_.commits(shard).counters().read(CommitCount::records_loaded);
    }
    const DatabaseCounts counts = database_.counts();
    facts->records_expected = counts[static_cast<size_t>(DatabaseCount::records_expected)];
  }
  if (now >= read_space_at_) {
    read_space_at_ = now + space_interval;
    space_ = disk_space_of(directory_);
  }
  if (!space_) return;
  facts->disk_free = space_->free;
  facts->disk_size = space_->size;
}

// ---- The canary.

void HealthWatch::run_canary(MonotonicTime now) {
  if (config_.canary == CanaryMode::off || has_canary_ || now < canary_at_) return;
  CHECK(canary_bounds.contain(config_.canary_interval));
  canary_at_ = now + config_.canary_interval;
  HealthFacts facts;
  add_network(&facts);
  canary_ = {};
  canary_.wanted = company_wanted(facts.network_size);
  canary_began_ = now;
  begin_canary(CommandKind::canary, random_id(), {});
}

void HealthWatch::begin_canary(CommandKind kind, const Id& key, Bytes tail) {
  CHECK(!has_canary_ && config_.canary != CanaryMode::off);
  const auto operation = calls_.begin_own(
      [this, kind](const CallResult& result) { canary_ended(kind, result); }, kind);
  has_canary_ = operation.has_value();
  if (!operation) return;  // The next one may find room.
  ShardCommand command = command_of(kind, key);
  command.operation = *operation;
  if (calls_.send(shard_of(key, shards_.count()), command, tail)) return;
  calls_.fail(*operation, ServerStatus::refused, "");
}

void HealthWatch::canary_ended(CommandKind kind, const CallResult& result) {
  CHECK(has_canary_);
  has_canary_ = false;
  // Our own bounds, or our end, say nothing about the network.
  if (result.status == ServerStatus::refused || result.status == ServerStatus::stopped) return;
  CHECK(kind == CommandKind::canary || kind == CommandKind::set);
  if (kind == CommandKind::canary) {
    CHECK(result.contacts.size() <= bucket_size);
    canary_.found = static_cast<uint32_t>(result.contacts.size());
    if (config_.canary == CanaryMode::store) {
      const auto value = encode_value(std::string(canary_value));
      CHECK(value.has_value());
      return begin_canary(CommandKind::set, canary_key_, *value);
    }
  } else {
    canary_.is_stored = result.status == ServerStatus::done && result.stored >= canary_.wanted;
  }
  canary_.took = monotonic_time() - canary_began_;
  history_.add(canary_);
}

// ---- The log.

// A start has checks that fail for a moment; nobody need read of those.
void HealthWatch::log_changes(const HealthReport& report) {
  const HealthState state = report.state;
  if (state == HealthState::draining) return;
  has_begun_ = has_begun_ || (state != HealthState::starting && state != HealthState::loading &&
                              state != HealthState::joining);
  if (!has_begun_) return;
  for (size_t i = 0; i < health_checks; ++i) {
    const HealthResult& result = report.results[i];
    Told& told = told_[i];
    if (told.level == result.level) continue;
    if (told.at && report.at - *told.at < tell_again) continue;
    log_.write_each(result.level == HealthLevel::ok ? LogLevel::info : LogLevel::warning,
                    "health changed",
                    {{"check", std::string(name_of(static_cast<HealthCheck>(i)))},
                     {"from", std::string(name_of(told.level))},
                     {"to", std::string(name_of(result.level))},
                     {"because", result.sentence},
                     {"state", std::string(name_of(state))}});
    told = {result.level, report.at};
  }
}

}  // namespace xord
