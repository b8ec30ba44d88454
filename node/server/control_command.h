// What the commands of the control socket have in common: their results, what they read out of a
// request, and the way to a shard and back.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "node/server/admin.h"

namespace xord {

using ControlJson = nlohmann::ordered_json;

// Numbered as exit codes (docs/commands/README.md): the command that asked ends with it.
enum class ControlCode : uint8_t { refused = 1, usage = 2, environment = 4 };

struct ControlError {
  ControlCode code{};
  std::string sentence;
};
using ControlResult = std::variant<ControlJson, ControlError>;

// A text member of the request; empty when there is none.
std::string text_in(const ControlJson& request, const char* name);
// The id that the request names by "id" (40 hexadecimal digits) or "key" (text); empty when it has
// not exactly one of them, or an id that is none.
std::optional<Id> id_in(const ControlJson& request);

// How a shard answered a command.
struct ShardAnswer {
  ServerStatus status{};
  uint32_t stored = 0;
  std::vector<uint8_t> value;
};
// Waits for it: on a connection's thread only. It comes, at the latest, when the server stops.
ShardAnswer ask_shard(Admin& admin, ShardIndex shard, const ShardCommand& command, Bytes tail = {});
ControlError refused_by_node(ServerStatus status, const std::string& before);

// The commands that have files of their own: control_purge.cc and control_published.cc.
ControlResult control_purge(Admin& admin, const ControlJson& request);
ControlResult control_keep(Admin& admin, const ControlJson& request);
ControlResult control_forget(Admin& admin, const ControlJson& request);
ControlResult control_published(Admin& admin, const ControlJson& request);

}  // namespace xord
