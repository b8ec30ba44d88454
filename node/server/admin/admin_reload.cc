// Reload: other choices for a running node, all or nothing. Whatever can be refused is refused
// before anything is touched; what follows cannot fail. Shards and commit threads take theirs over
// each at its own time, so for a moment some go by the old choices and some by the new ones; a
// datagram that is forwarded is judged by those of the shard that answers it.
#include <cstring>

#include "node/server/admin/admin.h"
#include "node/server/config/config_check.h"
#include "node/server/host/host_check.h"
#include "node/server/host/host_memory.h"
#include "reactor/base/check.h"
#include "reactor/cores.h"

namespace xord {
namespace {

constexpr size_t reloads_max = 8;

ReloadResult refusal(ServerStatus status, const std::string& sentence) {
  CHECK(status != ServerStatus::done && !sentence.empty());
  return {status, sentence, {}, {}};
}

}  // namespace

ServerConfig Admin::config() const {
  const std::lock_guard lock(config_mutex_);
  return config_;
}

bool Admin::ask_shut_down() const {
  if (hooks_.shut_down == nullptr) return false;
  hooks_.shut_down();
  return true;
}

void Admin::reload(FinishReload finish) {
  if (hooks_.read_config == nullptr) {
    const std::string sentence =
        "the program around this node chooses its settings: change them there";
    notice(LogLevel::warning, "reload refused", {{"error", sentence}});
    return finish(refusal(ServerStatus::refused, sentence));
  }
  request([this](const ServerConfig&) { return hooks_.read_config(); }, std::move(finish));
}

void Admin::reload(const ServerConfig& config, FinishReload finish) {
  request([config](const ServerConfig&) { return config; }, std::move(finish));
}

void Admin::set_log_level(LogLevel level, FinishReload finish) {
  const auto make = [level](const ServerConfig& now) {
    ServerConfig config = now;
    config.log_level = level;
    for (ShownSetting& setting : config.settings) {
      if (setting.name != "log-level" || now.log_level == level) continue;
      setting.value = {std::string(name_of(level))};
      setting.origin = "set while the node runs";
    }
    return config;
  };
  request(make, std::move(finish));
}

void Admin::request(MakeConfig make, FinishReload finish) {
  CHECK(make != nullptr && finish != nullptr);
  ReloadResult refused;
  {
    const std::lock_guard lock(requests_mutex_);
    if (requests_.refuses_reloads) {
      refused = refusal(ServerStatus::stopped, "the node is ending");
    } else if (requests_.reloads.size() == reloads_max) {
      refused = refusal(ServerStatus::refused,
                        std::to_string(reloads_max) + " reloads wait already: try again later");
    } else {
      requests_.reloads.push_back({std::move(make), std::move(finish)});
      bell_.ring();
      return;
    }
  }
  finish(refused);
}

// Begins the next reload, or goes on with the one under way.
bool Admin::advance_reload() {
  const bool begins = !reload_;
  if (begins) {
    {
      const std::lock_guard lock(requests_mutex_);
      if (requests_.reloads.empty()) return false;
      reload_ = std::move(requests_.reloads.front());
      requests_.reloads.pop_front();
    }
    auto made = reload_->make(given_);
    auto* refused = std::get_if<ServerError>(&made);
    const auto error = refused != nullptr ? *refused : begin_reload(std::get<ServerConfig>(made));
    if (error) {
      log_.write_each(LogLevel::warning, "reload refused", {{"error", error->sentence}});
      finish_reload(refusal(ServerStatus::unacceptable, error->sentence));
      return true;
    }
  }
  bool is_done = true;
  for (ShardIndex shard = 0; shard < changes_.size(); ++shard) {
    Change& each = changes_[shard];
    const ShardChange* address = each.change.get();
    ShardCommand command;
    command.kind = CommandKind::change;
    const Bytes tail(reinterpret_cast<const uint8_t*>(&address), sizeof address);
    each.is_sent = each.is_sent || calls_.send(shard, command, tail);
    is_done = is_done && each.change->is_taken.load(std::memory_order_acquire);
  }
  if (!is_done) return begins;
  log_.write_each(reload_result_.restart.empty() ? LogLevel::info : LogLevel::warning, "reloaded",
                  {{"changed", reload_result_.changed}, {"restart", reload_result_.restart}});
  finish_reload(reload_result_);
  return true;
}

// An error has changed nothing.
std::optional<ServerError> Admin::begin_reload(const ServerConfig& wanted) {
  CHECK(changes_.empty() && shards_ != nullptr && port_ != nullptr);
  if (auto error = check_wanted(wanted)) return error;
  const ReloadRoom room = {config_.memory_max, shards_->memory().records_max,
                           shards_->paths_reserved()};
  const ReloadPlan plan = plan_reload(given_, wanted, room);
  // What stays, because it needs a restart, must agree with what changes.
  if (auto error = check_config(plan.next)) return error;
  auto rules = AdminPort::rules_of(plan.next);
  if (auto* error = std::get_if<ServerError>(&rules)) return std::move(*error);
  port_->set_rules(std::get<AccessRules>(std::move(rules)));
  apply(plan);
  return std::nullopt;
}

// As start_up() does, with this host as it is now.
std::optional<ServerError> Admin::check_wanted(const ServerConfig& wanted) const {
  if (auto error = check_config(wanted)) return error;
  CHECK(addresses_held_ > 0);  // It has started.
  auto fitted = fit_memory(wanted, allowed_cores().shards, granted_memory());
  if (auto* error = std::get_if<ServerError>(&fitted)) return *error;
  const auto& fit = std::get<MemoryFit>(fitted);
  ServerConfig resolved = wanted;
  resolved.shards = fit.shards;
  resolved.memory_max = fit.memory_max;
  return check_addresses(needs_of(resolved, fit.own_bytes), addresses_held_);
}

void Admin::apply(const ReloadPlan& plan) {
  CHECK(plan.next.shards == given_.shards && plan.next.memory_max == given_.memory_max);
  CHECK(database_ != nullptr && !networks_.empty());
  const auto names = given_.bootstrap;
  {
    const std::lock_guard lock(config_mutex_);
    for (const std::string& name : plan.changed) {
      const Choice* choice = find_choice(name);
      CHECK(choice != nullptr && choice->takes == Takes::at_once);
      choice->copy(plan.next, &config_);
    }
    config_.version = plan.next.version;
    config_.settings = plan.next.settings;
  }
  given_ = plan.next;
  log_.change(config_.log_level, config_.log_format);
  if (names != config_.bootstrap) {
    networks_[program_network].keeper->replace_names(names, config_.bootstrap);
  }
  database_->set_storage_max(config_.storage_max);
  shards_->choose(config_);
  for (ShardIndex shard = 0; shard < shards_->count(); ++shard) {
    changes_.push_back({shards_->change_of(shard), false});
  }
  reload_result_ = {ServerStatus::done, "", plan.changed, plan.restart};
}

void Admin::finish_reload(const ReloadResult& result) {
  CHECK(reload_.has_value());
  changes_.clear();
  const FinishReload finish = std::move(reload_->finish);
  reload_.reset();
  finish(result);
}

// The shards have stopped: none reads a change any more.
void Admin::abandon_reloads() {
  std::deque<Reload> waiting;
  {
    const std::lock_guard lock(requests_mutex_);
    requests_.refuses_reloads = true;
    waiting.swap(requests_.reloads);
  }
  const ReloadResult ending = refusal(ServerStatus::stopped, "the node is ending");
  if (reload_) finish_reload(ending);
  for (const Reload& each : waiting) each.finish(ending);
}

}  // namespace xord
