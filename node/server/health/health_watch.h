// HealthWatch: looks once a second at everything that the health of a running server depends on,
// and keeps the table of checks (node/server/health/health.h). It sends each shard and each commit
// thread a heartbeat a second (one that sleeps makes no turns, so turns alone prove nothing), and
// the network a canary each minute: a lookup of a random id. It logs what changes: a line a check,
// at most one a minute each.
//
// Used by the admin thread, except for report(). It waits for the disk of the data directory only,
// every ten seconds; a report that is not renewed for that long says so by itself.
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "node/server/calls/calls.h"
#include "node/server/config/server_config.h"
#include "node/server/health/health.h"
#include "node/server/health/health_history.h"
#include "node/server/host/disk_space.h"
#include "node/server/log/log.h"
#include "node/server/shards/shards.h"
#include "storage/rocks/rocks_store.h"

namespace xord {

class HealthWatch {
 public:
  // What only the owner knows.
  struct Circumstances {
    bool has_known_nodes = false;  // HealthFacts::has_known_nodes
    bool is_clock_doubted = false;
    bool is_draining = false;
  };

  // The node starts: until the first advance() that is what the report says. All but the strings
  // are borrowed; `calls` ends its calls before them. `self` is the node's id in the program's
  // network, `directory` the data directory.
  HealthWatch(const ServerConfig& config, const Id& self, std::string directory, Shards& shards,
              Calls& calls, const RocksStore& database, Log& log, MonotonicTime now);

  // Call it at least once a second: it looks once a second. Not once the shards are stopped.
  void advance(MonotonicTime now, const Circumstances& circumstances);
  // Something changed that the next advance() should not wait for.
  void look_again() { look_at_ = {}; }
  // Any thread.
  HealthReport report() const;

 private:
  // A heartbeat of a shard or a commit thread.
  struct Heartbeat {
    std::optional<MonotonicTime> asked_at;  // Empty: it was answered.
    bool is_sent = false;                   // Else the mailbox was full.
    uint64_t sent = 0;                      // Of all so far.
  };

  void send_heartbeats(MonotonicTime now);
  void ask_shard(ShardIndex shard, MonotonicTime now);
  void ask_commit_thread(ShardIndex shard, MonotonicTime now);
  bool has_writes_pending(ShardIndex shard) const;
  void add_sample(MonotonicTime now);
  HealthFacts facts(MonotonicTime now, const Circumstances& circumstances);
  void add_silences(MonotonicTime now, HealthFacts* facts) const;
  void add_network(HealthFacts* facts) const;
  void add_storage(MonotonicTime now, HealthFacts* facts);

  void run_canary(MonotonicTime now);
  void begin_canary(CommandKind kind, const Id& key, Bytes tail);
  void canary_ended(CommandKind kind, const CallResult& result);

  void log_changes(const HealthReport& report);

  const ServerConfig& config_;
  const std::string directory_;
  const Id canary_key_;  // Of `canary = store`.
  Shards& shards_;
  Calls& calls_;
  const RocksStore& database_;
  Log& log_;
  const MonotonicTime started_at_;

  MonotonicTime look_at_;
  bool was_draining_ = false;
  std::vector<Heartbeat> of_shards_;
  std::vector<Heartbeat> of_commits_;
  HealthHistory history_;
  std::optional<MonotonicTime> loading_since_;
  std::optional<DiskSpace> space_;
  MonotonicTime read_space_at_;

  MonotonicTime canary_at_;
  bool has_canary_ = false;  // One is under way, and this is its result so far.
  CanaryRun canary_;
  MonotonicTime canary_began_;

  // What the log was told of each check.
  struct Told {
    HealthLevel level = HealthLevel::ok;
    std::optional<MonotonicTime> at;
  };
  bool has_begun_ = false;  // The start is over.
  std::array<Told, health_checks> told_;

  mutable std::mutex mutex_;  // Guards the next member; held only to copy it.
  HealthReport report_;
};

}  // namespace xord
