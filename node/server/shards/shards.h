// All shards of a server, from opening to a clean end: their sockets, loops, mailboxes, commit
// threads and threads. Used by the admin thread, except for command() and the counters.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "node/server/config/server_config.h"
#include "node/server/shards/shard.h"
#include "node/server/shards/shard_change.h"
#include "node/wire/dialect.h"
#include "reactor/base/check.h"
#include "reactor/cores.h"
#include "reactor/doorbell.h"
#include "reactor/monotonic.h"
#include "reactor/reactor.h"
#include "storage/files/identity_file.h"
#include "storage/memory_plan.h"
#include "storage/rocks/commit_thread.h"
#include "storage/rocks/rocks_store.h"

namespace xord {

// Frames that the admin thread takes from one mailbox before it releases their room.
constexpr uint32_t frames_per_turn = 64;

// Maximum keys that the node itself publishes each day; 79 bytes of memory each, allocated as they
// come; a million keys are 12 a second.
constexpr uint64_t published_max = uint64_t{1} << 20;

// What all shards of a network share.
struct NetworkSetup {
  const Dialect* dialect = nullptr;  // Borrowed.
  std::vector<uint8_t> listens;      // Its addresses, as indices in ServerConfig::listen.
  Id self;
  Secret secret{};  // Of `identity`: the same in each run.
  LoadedRecords loaded = LoadedRecords::served;
};

// Address space that make_nodes() reserves for records and values; memory is used only as they
// come.
uint64_t reserved_bytes(const ServerConfig& config);

class Shards {
 public:
  // `config` must have a resolved number of shards; `networks` is by NetworkIndex, with each listen
  // address in one of them; `admin` is rung when there is something to consume, and outlives the
  // shards.
  Shards(const ServerConfig& config, std::vector<NetworkSetup> networks, NodeClock clock,
         Doorbell& admin);
  ~Shards();  // stop()
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;

  // Binds the sockets and makes the loops. Nothing answers yet.
  [[nodiscard]] std::optional<IoError> open();
  // Makes the nodes and stores, or fails if the host has no memory for them. `database` outlives
  // the shards; `hash_seed` is the one the database uses.
  [[nodiscard]] std::optional<IoError> make_nodes(RocksStore& database, uint64_t hash_seed);
  // Restores a contact on every shard. Call it before run().
  void restore(NetworkIndex network, const Contact& contact, Duration age);
  // Starts the loops and returns when all of them turn: from then on the node answers. An error if
  // a loop could not start.
  [[nodiscard]] std::optional<IoError> run();
  // Starts the commit threads, which open the database and load its records. An error if the host
  // grants no thread for one of them.
  [[nodiscard]] std::optional<IoError> start_commits();
  // Stops the loops, commits what they queued, and joins all threads. Harmless if nothing runs.
  void stop();

  uint32_t count() const { return static_cast<uint32_t>(reactors_.size()); }
  // Sends a command to a shard, or refuses it when the shard's mailbox is full. One caller at a
  // time.
  [[nodiscard]] bool command(ShardIndex shard, const ShardCommand& command, Bytes tail);
  // Passes up to frames_per_turn frames of each shard's results, then of its reports, to
  // visit_result(Bytes) and visit_report(ShardIndex, Bytes); true if there were any.
  template <class VisitResult, class VisitReport>
  bool consume(VisitResult&& visit_result, VisitReport&& visit_report);
  // Call it after announce_sleep() of the admin doorbell.
  bool has_frames_before_sleep() const;
  bool is_drained() const;
  // --- Choices that change at run time. All but those of Takes::at_once in `config` are as before.
  // What every thread may be told at any time; change_of() then goes by it, too.
  void choose(const ServerConfig& config);
  // For one shard: a command of kind `change` with its address makes it effective.
  std::unique_ptr<ShardChange> change_of(ShardIndex shard) const;
  // As reserved.
  const MemoryPlan& memory() const { return memory_; }
  uint32_t paths_reserved() const { return paths_reserved_; }

  // CommitThread::ask_heartbeat() of this shard's.
  void ask_commit_heartbeat(ShardIndex shard) {
    CHECK(shard < commits_.size());
    commits_[shard]->ask_heartbeat();
  }
  // Contacts of `network` that every shard may hand out. Each has a replica of the whole table,
  // which lags the owner by a message, so this is the fewest that any shard has.
  uint32_t answerable_count(NetworkIndex network) const;

  const Reactor& reactor(uint32_t shard) const {
    CHECK(shard < reactors_.size());
    return *reactors_[shard];
  }
  const Shard& shard(uint32_t index) const {
    CHECK(index < shards_.size());
    return *shards_[index];
  }
  const CommitThread& commits(uint32_t shard) const {
    CHECK(shard < commits_.size());
    return *commits_[shard];
  }
  Instant now() const { return clock_.now(); }

 private:
  NodeConfig node_config(ShardIndex shard, NetworkIndex network) const;
  StoreConfig store_config(NetworkIndex network) const;
  StoreLimits store_limits() const;
  StoreConfig list_config(NetworkIndex network) const;
  void make_mailboxes();
  void end_loops();
  ShardSetup setup_of(ShardIndex shard, std::vector<ShardNetwork> networks) const;

  ServerConfig config_;
  const std::vector<NetworkSetup> networks_;
  const std::vector<NetworkIndex> network_of_listen_;
  const MemoryPlan memory_;
  const uint32_t paths_reserved_;
  const NodeClock clock_;
  Doorbell& admin_;

  // In order of construction: each borrows from those above it.
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::vector<std::unique_ptr<Mailbox>> between_;  // [producer * count + consumer]; null to itself.
  std::vector<std::unique_ptr<Mailbox>> commands_;
  std::vector<std::unique_ptr<Mailbox>> results_;
  std::vector<std::unique_ptr<Mailbox>> reports_;
  std::vector<std::unique_ptr<CommitThread>> commits_;
  std::vector<std::unique_ptr<Shard>> shards_;
  // Each is written by its shard's thread, before that thread adds to loops_ended_.
  std::vector<std::optional<IoError>> run_errors_;
  std::atomic<uint32_t> loops_ended_{0};
  std::vector<ShardThread> threads_;
};

template <class VisitResult, class VisitReport>
bool Shards::consume(VisitResult&& visit_result, VisitReport&& visit_report) {
  DCHECK(results_.size() == reports_.size());
  uint32_t frames = 0;
  for (size_t shard = 0; shard < reports_.size(); ++shard) {
    frames += results_[shard]->consume(frames_per_turn, visit_result);
    frames += reports_[shard]->consume(
        frames_per_turn, [&](Bytes frame) { visit_report(static_cast<ShardIndex>(shard), frame); });
  }
  return frames > 0;
}

}  // namespace xord
