#include "node/server/config/reload.h"

#include <algorithm>
#include <array>
#include <utility>

#include "reactor/base/check.h"
#include "storage/memory_plan.h"

namespace xord {
namespace {

template <auto member>
constexpr Choice choice(std::string_view name, Takes takes) {
  return {name, takes,
          [](const ServerConfig& a, const ServerConfig& b) { return a.*member == b.*member; },
          [](const ServerConfig& from, ServerConfig* to) { to->*member = from.*member; }};
}

template <auto member>
constexpr Choice limit(std::string_view name) {
  return {
      name, Takes::at_once,
      [](const ServerConfig& a, const ServerConfig& b) {
        return a.limits.*member == b.limits.*member;
      },
      [](const ServerConfig& from, ServerConfig* to) { to->limits.*member = from.limits.*member; }};
}

using Config = ServerConfig;
using enum Takes;

// Why some need a restart: docs/commands/reload.md.
constexpr std::array<Choice, 38> table = {{
    choice<&Config::listen>("listen", restart),
    choice<&Config::bootstrap>("bootstrap", at_once),
    choice<&Config::data_dir>("data-dir", restart),
    choice<&Config::allow_network_file_system>("allow-network-file-system", restart),
    choice<&Config::shards>("shards", restart),
    choice<&Config::io>("io", restart),
    choice<&Config::steering>("steering", restart),
    choice<&Config::has_pinned_threads>("pin-threads", restart),
    choice<&Config::admin>("admin", restart),
    choice<&Config::admin_token_file>("admin-token-file", at_once),
    choice<&Config::admin_hosts>("admin-hosts", at_once),
    choice<&Config::admin_is_open>("admin-open", at_once),
    choice<&Config::has_metrics_by_shard>("metrics-shards", at_once),
    choice<&Config::log_level>("log-level", at_once),
    choice<&Config::log_format>("log-format", at_once),
    choice<&Config::log_color>("color", restart),
    choice<&Config::amplification_max>("amplification-max", at_once),
    choice<&Config::trusted_nets>("trusted-net", at_once),
    limit<&LimitsConfig::mode>("limits"),
    limit<&LimitsConfig::excess_a_second>("limit-excess"),
    limit<&LimitsConfig::reads_a_second>("limit-reads"),
    limit<&LimitsConfig::factors>("limit-for"),
    limit<&LimitsConfig::limits_loopback>("limit-loopback"),
    choice<&Config::fleet_nets>("fleet-net", restart),
    choice<&Config::allow_private_contacts>("allow-private-contacts", at_once),
    choice<&Config::disjoint_paths>("disjoint-paths", at_once),
    choice<&Config::ttl>("ttl", at_once),
    choice<&Config::commit_window>("commit-window", at_once),
    choice<&Config::durability>("durability", restart),
    choice<&Config::records_max>("records-max", at_once),
    choice<&Config::memory_max>("memory-max", restart),
    choice<&Config::storage_max>("storage-max", at_once),
    choice<&Config::contacts_max>("contacts-max", restart),
    choice<&Config::drain_max>("drain-max", at_once),
    choice<&Config::drain_delay>("drain-delay", at_once),
    choice<&Config::ready_contacts>("ready-contacts", at_once),
    choice<&Config::canary>("canary", at_once),
    // Not a setting of `xord run`.
    choice<&Config::canary_interval>("canary-interval", at_once),
}};
// The array is as long as its list.
static_assert(std::all_of(table.begin(), table.end(),
                          [](const Choice& each) { return !each.name.empty(); }));

// What was reserved at start bounds two of them.
bool has_room(std::string_view name, const ServerConfig& wanted, const ReloadRoom& room) {
  if (name == "disjoint-paths") return wanted.disjoint_paths <= room.paths_max;
  if (name != "records-max") return true;
  return plan_memory(room.memory_max, wanted.records_max).records_max <= room.records_max;
}

const ShownSetting* shown_as(std::string_view name, const std::vector<ShownSetting>& settings) {
  for (const ShownSetting& setting : settings) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

}  // namespace

const Choice* find_choice(std::string_view name) {
  for (const Choice& choice : table) {
    if (choice.name == name) return &choice;
  }
  return nullptr;
}

ReloadPlan plan_reload(const ServerConfig& running, const ServerConfig& wanted,
                       const ReloadRoom& room) {
  CHECK(room.memory_max > 0 && room.records_max > 0 && room.paths_max > 0);
  ReloadPlan plan{running, {}, {}};
  plan.next.version = wanted.version;
  plan.next.settings = wanted.settings;
  for (const Choice& choice : table) {
    if (choice.is_same(running, wanted)) continue;
    if (choice.takes == at_once && has_room(choice.name, wanted, room)) {
      choice.copy(wanted, &plan.next);
      plan.changed.emplace_back(choice.name);
      continue;
    }
    plan.restart.emplace_back(choice.name);
    const ShownSetting* shown = shown_as(choice.name, running.settings);
    for (ShownSetting& setting : plan.next.settings) {
      if (shown == nullptr || setting.name != choice.name) continue;
      const std::vector<std::string> later = std::exchange(setting, *shown).value;
      setting.after_restart = later;
    }
  }
  DCHECK(plan.next.shards == running.shards);  // As is all that needs a restart.
  return plan;
}

}  // namespace xord
