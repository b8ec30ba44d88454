// BootstrapKeeper: keeps the node in one network. It resolves names to endpoints, sends them to
// shard 0, which runs one join at a time, and repeats both whenever no contact answers. Used by the
// admin thread only, and never blocks it.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "node/server/calls/calls.h"
#include "node/server/log/log.h"
#include "node/server/names/resolver.h"
#include "node/server/shards/shards.h"
#include "reactor/base/check.h"

namespace xord {

class BootstrapKeeper {
 public:
  struct Join {
    std::vector<std::string> names;
    std::vector<Endpoint> endpoints;  // Already resolved.
    OperationId operation = 0;
  };

  // All are borrowed; `bell` is rung when names are resolved.
  BootstrapKeeper(NetworkIndex network, Calls& calls, Shards& shards, Log& log, Doorbell& bell);

  // The join of a start: through configured names, and through the contacts of the last run, so
  // that a restart needs no bootstrap server. With neither, nothing is done until join().
  void start(std::vector<std::string> names, std::vector<Endpoint> contacts);
  // Other configured names in the place of `old`, from the next join on; if no contact answers,
  // that is now.
  void replace_names(const std::vector<std::string>& old, std::vector<std::string> names);
  // A join that the program asked for, and that Calls admitted.
  void join(Join join) {
    CHECK(join.operation != 0 && waiting_.size() < program_calls_max);
    waiting_.push_back(std::move(join));
  }
  // Does what has become possible. Call it in each turn of the admin thread.
  void advance();
  // Joins again if no contact answers. Call it about once a second.
  void retry_if_alone();
  // Takes over the end of this keeper's join: false if `operation` is another call.
  bool finish(OperationId operation, FinishCall& finish, CallResult& result);
  // At a stop: ends the call whose join is done.
  void abandon();

  // Whether advance() waits for something that rings no bell.
  bool is_settling() const { return settling_.has_value(); }
  // Tried again whenever no contact answers: those of start(), and those of later joins while there
  // are fewer than 64.
  const std::vector<std::string>& names() const { return names_; }
  // What the last join asked, for the log: at most eight addresses, and how many more.
  Log::Fields asked() const;

 private:
  // The join that shard 0 is running, and its unresolved names.
  struct InProgress {
    OperationId operation = 0;
    std::string unresolved;
  };
  // A join that is done but not yet reported: its caller gets the result once every shard knows a
  // contact that answers, because the set that follows may go to any shard.
  struct Settling {
    FinishCall finish;
    CallResult result;
    MonotonicTime until;
  };

  void begin_own(std::vector<Endpoint> endpoints);
  void begin_resolving();
  void finish_resolving();
  void send(Join join, const std::string& unresolved);
  void settle();

  const NetworkIndex network_;
  Calls& calls_;
  Shards& shards_;
  Log& log_;
  Resolver resolver_;
  std::vector<std::string> names_;
  std::vector<Endpoint> asked_;
  std::deque<Join> waiting_;  // Each belongs to a call.
  std::optional<Join> resolving_;
  std::optional<InProgress> in_progress_;
  std::optional<Settling> settling_;
  OperationId own_ = 0;  // 0: no join of our own is running.
  MonotonicTime retry_at_;
  Duration retry_after_;
};

}  // namespace xord
