// The admin thread and everything it owns: the data directory, the database handle, the shards, the
// calls of the embedding program, the admin port, the log. It starts the node in an order that lets
// it answer before the database is open, then completes calls, resolves names, saves contacts and
// clock, and finally shuts everything down cleanly. It may block; no shard ever waits for it.
//
// API callers share four locks with the admin thread: that of Calls, that of the health report,
// that of the log's last lines, and the one that keeps shards and counters alive; no shard and no
// commit thread ever takes any.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "node/server/admin/admin_port.h"
#include "node/server/admin/bootstrap_keeper.h"
#include "node/server/admin/doors.h"
#include "node/server/admin/limited_prefixes.h"
#include "node/server/admin/start_files.h"
#include "node/server/calls/calls.h"
#include "node/server/calls/results.h"
#include "node/server/config/reload.h"
#include "node/server/config/server_config.h"
#include "node/server/config/server_error.h"
#include "node/server/config/server_hooks.h"
#include "node/server/health/health_watch.h"
#include "node/server/log/log.h"
#include "node/server/shards/contacts_saver.h"
#include "node/server/shards/shards.h"
#include "node/server/socket/control_socket.h"
#include "node/server/stats/server_stats.h"
#include "reactor/doorbell.h"
#include "reactor/thread.h"

namespace xord {

class Admin {
 public:
  // `doors`: what answers those who ask from outside.
  Admin(const ServerConfig& config, const Doors& doors, ServerHooks hooks = {});
  ~Admin();  // stop()
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  // Call it once. Returns when the node answers, or an error if it cannot start; then nothing is
  // left behind.
  [[nodiscard]] std::optional<ServerError> start();
  // Returns when everything is saved and freed. Harmless if not started, or if called again.
  void stop();

  // Valid after a successful start().
  const Id& id() const { return files_.identities[program_network].id; }
  const std::vector<Endpoint>& endpoints() const { return endpoints_; }

  // May be called by any thread; Calls::call() of the shard that owns command.key.
  void call(ShardCommand command, Bytes tail, FinishCall finish);
  // The same for commands that any one shard, or each shard in turn, can handle.
  void call_on(ShardIndex shard, ShardCommand command, Bytes tail, FinishCall finish);
  uint32_t shards_count() const { return config_.shards; }
  uint32_t networks_count() const { return static_cast<uint32_t>(files_.identities.size()); }
  const std::string& network_name(NetworkIndex network) const;
  const Id& network_id(NetworkIndex network) const;
  // As it holds now. Any thread.
  ServerConfig config() const;
  const std::vector<std::string>& admin_addresses() const { return port_->addresses(); }
  void bootstrap(std::vector<std::string> names, FinishCall finish);
  ServerStats stats();
  // As of about a second ago; as_read() was applied.
  HealthReport health() const;
  std::vector<AnswerCount> http_answers() const { return port_->answers(); }
  uint64_t log_lines_limited() const { return log_.limited_count(); }
  const LogRing& log_lines() const { return log_.last_lines(); }
  void log_stats();
  // Server::reload(), by what ServerHooks::read_config gives, or by `config`. `finish` is called
  // exactly once: by the admin thread, or here if the reload is refused at once.
  using FinishReload = std::function<void(const ReloadResult&)>;
  void reload(FinishReload finish);
  void reload(const ServerConfig& config, FinishReload finish);
  // Changes the level alone, until the next reload.
  void set_log_level(LogLevel level, FinishReload finish);
  // ServerHooks::shut_down; false if there is none.
  bool ask_shut_down() const;
  // While stop() runs: makes it stop waiting for calls in progress.
  void cut_calls();
  // Makes the directory `to` a complete data directory with the present state of this one. Runs on
  // the caller's thread, which may take minutes if tables are copied; one at a time, another is
  // refused.
  std::optional<IoError> snapshot(const std::string& to);

 private:
  // Requests from other threads to the admin thread, under requests_mutex_.
  struct Notice {
    LogLevel level;
    std::string message;
    Log::Fields fields;
  };
  // A configuration, made from the one that holds when its turn has come.
  using MakeConfig =
      std::function<std::variant<ServerConfig, ServerError>(const ServerConfig& now)>;
  struct Reload {
    MakeConfig make;
    FinishReload finish;
  };
  struct Requests {
    std::deque<BootstrapKeeper::Join> joins;  // At most program_calls_max: each belongs to a call.
    std::deque<Notice> notices;               // At most notices_max; more are dropped.
    bool stop = false;
    bool log_stats = false;
    std::deque<Reload> reloads;  // At most reloads_max.
    bool refuses_reloads = false;
    bool cut_calls = false;
  };

  // admin.cc: the loop.
  void run(std::promise<std::optional<ServerError>>& started);
  bool must_stop();
  void turn();
  bool consume_frames();
  bool take_requests();
  void do_what_is_due();
  Duration next_due() const;
  void finish(Bytes frame);
  void release_waiting_calls();
  void save_contacts();
  void save_clock();
  void log_save_result(const std::optional<IoError>& error, bool& is_failing,
                       const std::string& what);
  void tell_progress();
  void watch_health();
  void notice(LogLevel level, std::string_view message, Log::Fields fields);
  bool clock_is_doubted() const;
  void end_doubt();

  // admin_log.cc: what the log reports about the node.
  void take_report(ShardIndex shard, Bytes frame);
  void take_contacts(ShardIndex shard, Bytes frame);
  void log_limit(nlohmann::ordered_json fields, ShardIndex shard, const NodeNotice& notice);
  void log_notice(ShardIndex shard, const NodeNotice& notice);
  void log_nobody_answered(nlohmann::ordered_json fields, const NodeNotice& notice);
  void log_clone(nlohmann::ordered_json fields, const NodeNotice& notice);
  void watch_limits();
  void write_stats(LogLevel level, const ServerStats& stats);
  void log_totals(const ServerStats& stats);
  void log_call(const Calls::Call& call, const OperationResult& result);
  void log_table();

  // admin_reload.cc: other choices at run time.
  void request(MakeConfig make, FinishReload finish);
  bool advance_reload();  // Whether one began or ended.
  std::optional<ServerError> begin_reload(const ServerConfig& wanted);
  std::optional<ServerError> check_wanted(const ServerConfig& wanted) const;
  void apply(const ReloadPlan& plan);
  void finish_reload(const ReloadResult& result);
  void abandon_reloads();

  // admin_start.cc: start and shutdown.
  std::optional<ServerError> start_up();
  void log_start_files();
  std::optional<ServerError> open_sockets();
  std::optional<ServerError> start_threads(uint64_t hash_seed);
  std::optional<ServerError> fit_to_host(RocksConfig* rocks);
  void restore_contacts();
  void join_at_start();
  std::vector<Endpoint> endpoints_to_join(const std::string& network) const;
  void open_control();
  void log_admin_port();
  void log_ready();
  void shut_down();
  void drain();

  // What the admin thread keeps of one network.
  struct Network {
    std::unique_ptr<BootstrapKeeper> keeper;
    // What has been logged.
    bool has_first_request = false;
    std::optional<Endpoint> clone;  // Where our id was last seen, and when.
    MonotonicTime clone_told_at;
    LimitedPrefixes limited;
  };

  // Written by the admin thread alone, under the mutex below, which other threads take to read.
  ServerConfig config_;
  ServerConfig given_;  // The same, with `auto` where it was given: reloads compare with it.
  mutable std::mutex config_mutex_;
  const Doors doors_;
  const ServerHooks hooks_;
  Log log_;
  Doorbell bell_;
  StartFiles files_;
  std::unique_ptr<RocksStore> database_;
  std::unique_ptr<Shards> shards_;
  Calls calls_;
  std::vector<Network> networks_;  // By NetworkIndex.
  std::unique_ptr<ContactsSaver> saver_;
  std::unique_ptr<HealthWatch> health_;
  std::unique_ptr<AdminPort> port_;
  std::unique_ptr<ControlSocket> control_;  // Null if it could not be opened. It knows port_.
  std::vector<Endpoint> endpoints_;
  MonotonicTime started_at_;
  Instant started_node_time_;
  bool has_saved_contacts_ = false;       // Of the program's network, from an earlier run.
  std::optional<MonotonicTime> stop_at_;  // A stop was asked for, and begins then.
  MonotonicTime reclaim_at_;
  MonotonicTime save_clock_at_;
  MonotonicTime save_contacts_at_;
  bool contacts_fail_ = false;  // Saving contacts fails, as was logged; likewise the clock.
  bool clock_fails_ = false;
  MonotonicTime tell_progress_at_;

  // The reload under way: a change for each shard, until all have taken theirs.
  struct Change {
    std::unique_ptr<ShardChange> change;
    bool is_sent = false;
  };
  std::optional<Reload> reload_;
  ReloadResult reload_result_;
  std::vector<Change> changes_;
  uint64_t addresses_held_ = 0;  // HostNeeds::addresses of the start.

  // What has been logged.
  static constexpr size_t limits_count = 4;
  std::array<bool, limits_count> is_near_{};
  MonotonicTime table_at_;

  std::mutex mutex_;   // Guards the next two members, and the shards against their end.
  bool live_ = false;  // The shards may be asked for counters.
  ServerStats final_stats_;

  std::mutex requests_mutex_;  // Commit threads take it too, to log a line.
  Requests requests_;

  std::mutex snapshot_mutex_;  // Held while a snapshot is made; never waited for.

  Thread thread_;
};

ServerStatus status_of(OperationStatus status);

}  // namespace xord
