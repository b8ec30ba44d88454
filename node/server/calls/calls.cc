#include "node/server/calls/calls.h"

#include <algorithm>
#include <utility>

#include "node/server/shards/shards.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

// Whether a command waits for the records of the last run.
bool needs_records(CommandKind kind) {
  switch (kind) {
    case CommandKind::list_charges:
    case CommandKind::explain:
    case CommandKind::list_contacts:
    case CommandKind::list_buckets:
    case CommandKind::find:
    case CommandKind::trace:
    case CommandKind::canary:
      return false;
    default:
      return true;
  }
}

CallResult failure(ServerStatus status) {
  CallResult result;
  result.status = status;
  return result;
}

}  // namespace

void Calls::open(Shards& shards) {
  const std::lock_guard lock(mutex_);
  CHECK(shards_ == nullptr);
  shards_ = &shards;
  is_accepting_ = true;
}

void Calls::close() {
  const std::lock_guard lock(mutex_);
  is_accepting_ = false;
}

void Calls::call(ShardIndex shard, ShardCommand command, Bytes tail, FinishCall finish) {
  std::optional<ServerStatus> why;
  {
    const std::lock_guard lock(mutex_);
    why = refuse(command.kind);
    if (!why) {
      command.operation = begin(std::move(finish), command.kind, false);
      if (is_holding_ && needs_records(command.kind)) {
        CHECK(waiting_.size() < server_calls_max);
        waiting_.push_back({shard, command, {tail.begin(), tail.end()}});
        return;
      }
      if (shards_->command(shard, command, tail)) return;
      why = ServerStatus::refused;
      finish = take_locked(command.operation, *why, 0).finish;
    }
  }
  finish(failure(*why));
}

std::variant<OperationId, ServerStatus> Calls::admit(FinishCall& finish, CommandKind kind) {
  const std::lock_guard lock(mutex_);
  if (const auto why = refuse(kind)) return *why;
  return begin(std::move(finish), kind, false);
}

std::optional<OperationId> Calls::begin_own(FinishCall finish, CommandKind kind) {
  const std::lock_guard lock(mutex_);
  if (own_count_ == own_calls_max) return std::nullopt;
  return begin(std::move(finish), kind, true);
}

std::optional<ServerStatus> Calls::refuse(CommandKind kind) {
  const bool has_room = calls_.size() - own_count_ < server_calls_max;
  if (is_accepting_ && has_room) return std::nullopt;
  const ServerStatus why = is_accepting_ ? ServerStatus::refused : ServerStatus::stopped;
  counters_.count_end(kind, Duration{}, why, 0);
  return why;
}

OperationId Calls::begin(FinishCall finish, CommandKind kind, bool is_own) {
  CHECK(calls_.size() < program_calls_max);
  CHECK(finish && is_call(kind));  // Without one, take() found no call.
  const OperationId operation = next_++;
  CHECK(operation != 0);  // 0 stands for none.
  Call call{std::move(finish), kind, monotonic_time(), is_own};
  const bool is_new = calls_.emplace(operation, std::move(call)).second;
  CHECK(is_new);
  own_count_ += is_own ? 1 : 0;
  return operation;
}

bool Calls::send(ShardIndex shard, const ShardCommand& command, Bytes tail) {
  const std::lock_guard lock(mutex_);
  CHECK(shards_ != nullptr);
  CHECK(command.operation == 0 || calls_.contains(command.operation));
  return shards_->command(shard, command, tail);
}

bool Calls::is_holding() const {
  const std::lock_guard lock(mutex_);
  return is_holding_;
}

void Calls::release() {
  const std::lock_guard lock(mutex_);
  CHECK(waiting_.empty() || is_holding_);
  while (!waiting_.empty()) {
    const Waiting& first = waiting_.front();
    CHECK(calls_.contains(first.command.operation));
    if (!shards_->command(first.shard, first.command, first.tail)) return;
    waiting_.pop_front();
  }
  is_holding_ = false;
}

Calls::Call Calls::take(OperationId operation, ServerStatus status, uint32_t stored) {
  const std::lock_guard lock(mutex_);
  return take_locked(operation, status, stored);
}

Calls::Call Calls::take_locked(OperationId operation, ServerStatus status, uint32_t stored) {
  const auto at = calls_.find(operation);
  if (at == calls_.end()) return {};
  Call call = std::move(at->second);
  calls_.erase(at);
  CHECK(!call.is_own || own_count_ > 0);
  own_count_ -= call.is_own ? 1 : 0;
  counters_.count_end(call.kind, monotonic_time() - call.began, status, stored);
  return call;
}

void Calls::fail(OperationId operation, ServerStatus status, const std::string& unresolved) {
  const Call call = take(operation, status);
  CHECK(call.finish);
  CallResult result = failure(status);
  result.unresolved = unresolved;
  call.finish(result);
}

void Calls::abandon() {
  std::unordered_map<OperationId, Call> abandoned;
  {
    const std::lock_guard lock(mutex_);
    CHECK(!is_accepting_);
    CHECK(own_count_ == std::count_if(calls_.begin(), calls_.end(),
                                      [](const auto& each) { return each.second.is_own; }));
    abandoned.swap(calls_);
    own_count_ = 0;
    for (const auto& [operation, call] : abandoned) {
      counters_.count_end(call.kind, monotonic_time() - call.began, ServerStatus::stopped, 0);
    }
  }
  for (const auto& [operation, call] : abandoned) call.finish(failure(ServerStatus::stopped));
  CHECK(count() == 0);  // Whatever was finished, none can begin.
}

uint32_t Calls::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<uint32_t>(calls_.size());
}

uint32_t Calls::program_count() const {
  const std::lock_guard lock(mutex_);
  CHECK(own_count_ <= calls_.size());
  return static_cast<uint32_t>(calls_.size()) - own_count_;
}

}  // namespace xord
