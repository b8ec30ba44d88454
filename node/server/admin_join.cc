// Joining the network: resolves names to endpoints (on a separate thread), sends endpoints to shard
// 0, and repeats both whenever no contact answers.
#include <algorithm>

#include "node/server/admin.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

constexpr size_t names_max = 64;  // Remembered for retries; the first ones given are kept.
constexpr Duration retry_after_max = minutes(1);

}  // namespace

// A join of the server itself, through all names it was ever given.
void Admin::begin_own_join(std::vector<Endpoint> endpoints) {
  FinishCall finish = [this](const CallResult& result) {
    own_join_ = 0;
    if (result.status == ServerStatus::done) retry_join_after_ = seconds(5);
  };
  Join join{names_, std::move(endpoints), 0};
  {
    const std::lock_guard lock(mutex_);
    const std::optional<OperationId> operation =
        calls_.begin(finish, CommandKind::join, monotonic_time());
    if (!operation) return;
    join.operation = *operation;
  }
  own_join_ = join.operation;
  retry_join_at_ = monotonic_time() + retry_join_after_;
  retry_join_after_ = std::min(retry_join_after_ * 2, retry_after_max);
  waiting_joins_.push_back(std::move(join));
}

void Admin::begin_resolving() {
  if (resolver_->is_busy() || waiting_joins_.empty()) return;
  // A newer join would end the older one: only our own join gives way to that of a caller.
  if (join_in_progress_ && join_in_progress_->operation != own_join_) return;
  resolving_ = std::move(waiting_joins_.front());
  waiting_joins_.pop_front();
  for (const std::string& name : resolving_->names) {
    const bool known = std::find(names_.begin(), names_.end(), name) != names_.end();
    if (!known && names_.size() < names_max) names_.push_back(name);
  }
  resolver_->begin(resolving_->names);
}

void Admin::finish_resolving() {
  std::optional<ResolvedNames> resolved = resolver_->take();
  if (!resolved) return;
  CHECK(resolving_);
  Join join = std::move(*resolving_);
  resolving_.reset();
  if (!resolved->unresolved.empty()) {
    log_.write(LogLevel::warning, "name not resolved", {{"error", resolved->unresolved}});
  }
  // Endpoints from names first: the contacts of the last run may all be gone.
  std::vector<Endpoint> endpoints = std::move(resolved->endpoints);
  endpoints.insert(endpoints.end(), join.endpoints.begin(), join.endpoints.end());
  join.endpoints = std::move(endpoints);
  send_join(std::move(join), resolved->unresolved);
}

void Admin::send_join(Join join, const std::string& unresolved) {
  if (join.endpoints.empty()) {
    return fail_call(join.operation, ServerStatus::bad_address, unresolved);
  }
  if (join.endpoints.size() > join_endpoints_max) join.endpoints.resize(join_endpoints_max);
  asked_ = join.endpoints;
  log_join(join, join.names);
  ShardCommand command;
  command.kind = CommandKind::join;
  command.operation = join.operation;
  command.endpoints_count = static_cast<uint16_t>(join.endpoints.size());
  const Bytes tail(reinterpret_cast<const uint8_t*>(join.endpoints.data()),
                   join.endpoints.size() * sizeof(Endpoint));
  bool is_sent = false;
  {
    const std::lock_guard lock(mutex_);
    is_sent = shards_->command(0, command, tail);
  }
  if (!is_sent) return fail_call(join.operation, ServerStatus::refused, unresolved);
  join_in_progress_ = JoinInProgress{join.operation, unresolved};
}

void Admin::settle() {
  if (!settling_) return;
  const bool waits = settling_->result.status == ServerStatus::done &&
                     shards_->answerable_count() == 0 && monotonic_time() < settling_->until;
  if (waits) return;
  const Settling settled = std::move(*settling_);
  settling_.reset();
  settled.finish(settled.result);
}

// Filed contacts that do not answer do not count: those of the last run may all be gone.
void Admin::retry_join_if_alone() {
  const bool joining = join_in_progress_ || resolving_ || !waiting_joins_.empty();
  if (joining || names_.empty() || monotonic_time() < retry_join_at_) return;
  if (shards_->answerable_count() > 0) return;
  begin_own_join({});
  begin_resolving();
}

}  // namespace xord
