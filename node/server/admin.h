// The admin thread and everything it owns: the data directory, the database handle, the shards, the
// calls of the embedding program, the log. It starts the node in an order that lets it answer
// before the database is open, then completes calls, resolves names, saves contacts and clock, and
// finally shuts everything down cleanly. It may block; no shard ever waits for it.
//
// API callers and the admin thread share one mutex, which no shard and no commit thread ever takes:
// callers push commands into a shard's mailbox under it, one at a time.
#pragma once

#include <array>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "node/server/calls.h"
#include "node/server/contacts_saver.h"
#include "node/server/control_socket.h"
#include "node/server/log.h"
#include "node/server/resolver.h"
#include "node/server/server.h"
#include "node/server/shards.h"
#include "node/server/start_files.h"
#include "reactor/doorbell.h"
#include "reactor/thread.h"

namespace xord {

class Admin {
 public:
  explicit Admin(const ServerConfig& config);
  ~Admin();  // stop()
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  // Call it once. Returns when the node answers, or an error if it cannot start; then nothing is
  // left behind.
  [[nodiscard]] std::optional<ServerError> start();
  // Returns when everything is saved and freed. Harmless if not started, or if called again.
  void stop();

  // Valid after a successful start().
  const Id& id() const { return files_.identities.front().id; }
  const std::vector<Endpoint>& endpoints() const { return endpoints_; }

  // May be called by any thread. `finish` is called exactly once: by the admin thread, or here if
  // the call fails at once. `tail` is copied.
  void call(ShardCommand command, Bytes tail, FinishCall finish);
  // The same for commands that any one shard, or each shard in turn, can handle.
  void call_on(ShardIndex shard, ShardCommand command, Bytes tail, FinishCall finish);
  uint32_t shards_count() const { return config_.shards; }
  void bootstrap(std::vector<std::string> names, FinishCall finish);
  ServerStats stats();
  void log_stats();
  void reload();
  // While stop() runs: makes it stop waiting for calls in progress.
  void cut_calls();
  // Makes the directory `to` a complete data directory with the present state of this one. Runs on
  // the caller's thread, which may take minutes if tables are copied; one at a time, another is
  // refused.
  std::optional<IoError> snapshot(const std::string& to);

 private:
  // Requests from other threads to the admin thread, under requests_mutex_.
  struct Join {
    std::vector<std::string> names;
    std::vector<Endpoint> endpoints;  // Already resolved.
    OperationId operation = 0;
  };
  struct Notice {
    LogLevel level;
    std::string message;
    Log::Fields fields;
  };
  struct Requests {
    std::deque<Join> joins;      // At most program_calls_max: each belongs to a call.
    std::deque<Notice> notices;  // At most notices_max; more are dropped.
    bool stop = false;
    bool log_stats = false;
    bool reload = false;
    bool cut_calls = false;
  };

  // admin.cc: the loop.
  void run(std::promise<std::optional<ServerError>>& started);
  void turn();
  bool consume_frames();
  bool take_requests();
  void do_what_is_due();
  Duration next_due() const;
  void finish(Bytes frame);
  void release_waiting_calls();
  void fail_call(OperationId operation, ServerStatus status, const std::string& unresolved);
  void save_contacts();
  void save_clock();
  void log_save_result(const std::optional<IoError>& error, bool& is_failing,
                       const std::string& what);
  void tell_progress();
  void notice(LogLevel level, std::string_view message, Log::Fields fields);
  bool clock_is_doubted() const;
  void end_doubt();

  // admin_log.cc: what the log reports about the node.
  void take_report(ShardIndex shard, Bytes frame);
  void take_contacts(ShardIndex shard, Bytes frame);
  const std::string& network_name(NetworkIndex network) const;
  void log_notice(const NodeNotice& notice);
  void log_nobody_answered(nlohmann::ordered_json fields, const NodeNotice& notice);
  void log_clone(nlohmann::ordered_json fields, const Endpoint& endpoint);
  void watch_limits();
  void write_stats(LogLevel level, const ServerStats& stats);
  void log_totals(const ServerStats& stats);
  void log_call(const Calls::Call& call, const OperationResult& result);
  void log_table();
  void log_join(const Join& join, const std::vector<std::string>& names);

  // admin_start.cc: start and shutdown.
  std::optional<ServerError> start_up();
  void log_start_files();
  std::optional<ServerError> fit_to_host(RocksConfig* rocks);
  void restore_contacts();
  void join_at_start();
  void open_control();
  void log_ready();
  void shut_down();
  void drain();
  void abandon_calls();

  // admin_join.cc: joining the network.
  void begin_own_join(std::vector<Endpoint> endpoints);
  void begin_resolving();
  void finish_resolving();
  void send_join(Join join, const std::string& unresolved);
  void settle();
  void retry_join_if_alone();

  ServerConfig config_;
  Log log_;
  Doorbell bell_;
  StartFiles files_;
  std::unique_ptr<RocksStore> database_;
  std::unique_ptr<Shards> shards_;
  std::unique_ptr<ContactsSaver> saver_;
  std::unique_ptr<ControlSocket> control_;  // Null if it could not be opened.
  std::vector<Endpoint> endpoints_;
  MonotonicTime started_at_;
  Instant started_node_time_;
  MonotonicTime reclaim_at_;
  MonotonicTime save_clock_at_;
  MonotonicTime save_contacts_at_;
  bool contacts_fail_ = false;  // Saving contacts fails, as was logged; likewise the clock.
  bool clock_fails_ = false;
  MonotonicTime tell_progress_at_;

  // What has been logged.
  static constexpr size_t limits_count = 4;
  std::array<bool, limits_count> is_near_{};
  bool has_first_request_ = false;
  std::optional<Endpoint> clone_;  // Where our id was last seen, and when.
  MonotonicTime clone_told_at_;
  MonotonicTime table_at_;

  // Joining. All names ever given are tried again whenever no contact answers.
  std::unique_ptr<Resolver> resolver_;
  std::optional<Join> resolving_;
  std::deque<Join> waiting_joins_;
  std::vector<std::string> names_;
  std::vector<Endpoint> asked_;  // Endpoints asked by the last join of shard 0.
  // The join that shard 0 is running, and its unresolved names. A node runs one join at a time.
  struct JoinInProgress {
    OperationId operation = 0;
    std::string unresolved;
  };
  std::optional<JoinInProgress> join_in_progress_;
  // A join that is done but not yet reported: its caller is told once every shard knows a contact
  // that answers, because the set that follows may go to any shard.
  struct Settling {
    FinishCall finish;
    CallResult result;
    MonotonicTime until;
  };
  std::optional<Settling> settling_;
  OperationId own_join_ = 0;  // 0: no join of our own is running.
  MonotonicTime retry_join_at_;
  Duration retry_join_after_;

  // Sets and gets that came before the records of the last run were loaded: a get would miss a
  // value held here, a set would not keep its own copy.
  struct WaitingCall {
    ShardIndex shard;
    ShardCommand command;
    std::vector<uint8_t> tail;
  };

  std::mutex mutex_;  // Guards the next six members, and pushing commands.
  bool accepting_ = false;
  bool live_ = false;  // The shards may be asked for counters.
  Calls calls_;
  bool records_are_there_ = false;         // Or will not be, at least not soon.
  std::deque<WaitingCall> waiting_calls_;  // At most operations_max.
  ServerStats final_stats_;

  std::mutex requests_mutex_;  // Commit threads take it too, to log a line.
  Requests requests_;

  std::mutex snapshot_mutex_;  // Held while a snapshot is made; never waited for.

  Thread thread_;
};

ServerStatus status_of(OperationStatus status);
StorageState storage_state(const Shards& shards);
// Reads all counters of running shards.
ServerStats collect_stats(const Shards& shards, const RocksStore& database, const Id& id);

}  // namespace xord
