// What a running server can take over of another configuration: the table of all choices in a
// ServerConfig, and the comparison of two of them. Pure; node/server/admin/admin_reload.cc applies
// it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/server/config/server_config.h"

namespace xord {

enum class Takes : uint8_t { at_once, restart };

// A choice: a member of ServerConfig that a person sets.
struct Choice {
  std::string_view name;  // Of the setting of `xord run`.
  Takes takes{};
  bool (*is_same)(const ServerConfig& a, const ServerConfig& b);
  void (*copy)(const ServerConfig& from, ServerConfig* to);
};
// Null if there is no choice of that name. It lives as long as the program.
const Choice* find_choice(std::string_view name);

// What was reserved at start, and cannot grow.
struct ReloadRoom {
  uint64_t memory_max = 0;   // Resolved.
  uint64_t records_max = 0;  // As planned by it: plan_memory().
  uint32_t paths_max = 0;    // Disjoint paths.
};

struct ReloadPlan {
  ServerConfig next;                 // The running one, with what changes at once.
  std::vector<std::string> changed;  // The names of those.
  std::vector<std::string> restart;  // Of those that differ and need a restart.
};
// `running`: the configuration that holds, as it was given (memory-max and shards may be `auto`).
// `wanted` must have been checked. Shown settings that need a restart keep their value, and get the
// other as ShownSetting::after_restart.
ReloadPlan plan_reload(const ServerConfig& running, const ServerConfig& wanted,
                       const ReloadRoom& room);

}  // namespace xord
