#include "node/server/admin/bootstrap_keeper.h"

#include <algorithm>
#include <utility>

#include "reactor/base/check.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

constexpr size_t names_max = 64;  // Remembered for retries; the first ones given are kept.
constexpr size_t addresses_shown = 8;
constexpr Duration retry_after_min = seconds(5);
constexpr Duration retry_after_max = minutes(1);
constexpr Duration settle_max = seconds(1);

}  // namespace

BootstrapKeeper::BootstrapKeeper(NetworkIndex network, Calls& calls, Shards& shards, Log& log,
                                 Doorbell& bell)
    : network_(network),
      calls_(calls),
      shards_(shards),
      log_(log),
      resolver_(bell),
      retry_after_(retry_after_min) {}

void BootstrapKeeper::start(std::vector<std::string> names, std::vector<Endpoint> contacts) {
  CHECK(own_ == 0 && !resolving_ && !in_progress_ && names_.empty());
  names_ = std::move(names);
  if (!names_.empty() || !contacts.empty()) begin_own(std::move(contacts));
}

void BootstrapKeeper::replace_names(const std::vector<std::string>& old,
                                    std::vector<std::string> names) {
  for (const std::string& name : names_) {  // Those of later joins stay.
    const auto is_in = [&name](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), name) != list.end();
    };
    if (!is_in(old) && !is_in(names) && names.size() < names_max) names.push_back(name);
  }
  names_ = std::move(names);
  retry_after_ = retry_after_min;
  retry_at_ = {};
}

// A join of the server itself, through all names it was ever given.
void BootstrapKeeper::begin_own(std::vector<Endpoint> endpoints) {
  const auto operation = calls_.begin_own(
      [this](const CallResult& result) {
        own_ = 0;
        if (result.status == ServerStatus::done) retry_after_ = retry_after_min;
      },
      CommandKind::join);
  if (!operation) return;
  own_ = *operation;
  retry_at_ = monotonic_time() + retry_after_;
  retry_after_ = std::min(retry_after_ * 2, retry_after_max);
  waiting_.push_back({names_, std::move(endpoints), *operation});
}

void BootstrapKeeper::advance() {
  settle();
  finish_resolving();
  begin_resolving();
}

void BootstrapKeeper::begin_resolving() {
  if (resolver_.is_busy() || waiting_.empty()) return;
  // A newer join would end the older one: only our own join gives way to that of a caller.
  if (in_progress_ && in_progress_->operation != own_) return;
  CHECK(!resolving_);  // Otherwise the resolver would be busy.
  resolving_ = std::move(waiting_.front());
  waiting_.pop_front();
  for (const std::string& name : resolving_->names) {
    const bool known = std::find(names_.begin(), names_.end(), name) != names_.end();
    if (!known && names_.size() < names_max) names_.push_back(name);
  }
  resolver_.begin(resolving_->names);
}

void BootstrapKeeper::finish_resolving() {
  std::optional<ResolvedNames> resolved = resolver_.take();
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
  send(std::move(join), resolved->unresolved);
}

void BootstrapKeeper::send(Join join, const std::string& unresolved) {
  if (join.endpoints.empty()) {
    return calls_.fail(join.operation, ServerStatus::bad_address, unresolved);
  }
  if (join.endpoints.size() > join_endpoints_max) join.endpoints.resize(join_endpoints_max);
  asked_ = join.endpoints;
  if (log_.is_on(LogLevel::debug)) {
    log_.write_each(LogLevel::debug, "joining", {{"names", join.names}, {"asked", asked()}});
  }
  ShardCommand command;
  command.kind = CommandKind::join;
  command.network = network_;
  command.operation = join.operation;
  command.endpoints_count = static_cast<uint16_t>(join.endpoints.size());
  const Bytes tail(reinterpret_cast<const uint8_t*>(join.endpoints.data()),
                   join.endpoints.size() * sizeof(Endpoint));
  if (!calls_.send(0, command, tail)) {
    return calls_.fail(join.operation, ServerStatus::refused, unresolved);
  }
  in_progress_ = InProgress{join.operation, unresolved};
}

bool BootstrapKeeper::finish(OperationId operation, FinishCall& finish, CallResult& result) {
  if (!in_progress_ || in_progress_->operation != operation) return false;
  result.unresolved = std::move(in_progress_->unresolved);
  in_progress_.reset();
  abandon();
  settling_ = Settling{std::move(finish), std::move(result), monotonic_time() + settle_max};
  settle();
  return true;
}

void BootstrapKeeper::settle() {
  if (!settling_) return;
  const bool waits = settling_->result.status == ServerStatus::done &&
                     shards_.answerable_count(network_) == 0 && monotonic_time() < settling_->until;
  if (!waits) abandon();
}

void BootstrapKeeper::abandon() {
  if (!settling_) return;
  const Settling settled = std::move(*settling_);
  settling_.reset();
  settled.finish(settled.result);
}

// Filed contacts that do not answer do not count: those of the last run may all be gone.
void BootstrapKeeper::retry_if_alone() {
  const bool is_joining = in_progress_ || resolving_ || settling_ || !waiting_.empty();
  if (is_joining || names_.empty() || monotonic_time() < retry_at_) return;
  if (shards_.answerable_count(network_) > 0) return;
  begin_own({});
  begin_resolving();
}

Log::Fields BootstrapKeeper::asked() const {
  Log::Fields list = Log::Fields::array();
  for (size_t i = 0; i < std::min(asked_.size(), addresses_shown); ++i) {
    list.push_back(asked_[i].text());
  }
  if (asked_.size() > addresses_shown) {
    list.push_back("and " + std::to_string(asked_.size() - addresses_shown) + " more");
  }
  return list;
}

}  // namespace xord
