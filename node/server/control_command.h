// Shared by the commands of the control socket: their results, reading a request's members, and
// calling a shard.
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

// A text member of the request; empty when it has none.
std::string text_in(const ControlJson& request, const char* name);
// The id that the request gives as "id" (40 hexadecimal digits) or "key" (text); empty unless it
// has exactly one of them, and a valid one.
std::optional<Id> id_in(const ControlJson& request);

// How a shard answered a command.
struct ShardAnswer {
  ServerStatus status{};
  uint32_t stored = 0;
  uint32_t erased = 0;
  std::vector<uint8_t> value;
};
// Waits for the answer, so call it only on a connection's thread. Returns when the server stops, at
// the latest.
ShardAnswer ask_shard(Admin& admin, ShardIndex shard, const ShardCommand& command, Bytes tail = {});
ControlError refused_by_node(ServerStatus status, const std::string& before);

// Commands with files of their own: control_purge.cc, control_published.cc and control_limits.cc.
ControlResult control_purge(Admin& admin, const ControlJson& request);
ControlResult control_keep(Admin& admin, const ControlJson& request);
ControlResult control_forget(Admin& admin, const ControlJson& request);
ControlResult control_published(Admin& admin, const ControlJson& request);
ControlResult control_limits(Admin& admin, const ControlJson& request);

}  // namespace xord
