// The commands of the control socket and of the HTTP API: their results, and what they share to
// read a request's members.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "node/server/admin/admin.h"

namespace xord {

using ControlJson = nlohmann::ordered_json;

// Numbered as exit codes (docs/commands/README.md): the command that asked ends with it.
enum class ControlCode : uint8_t { refused = 1, usage = 2, environment = 4 };

struct ControlError {
  ControlCode code{};
  std::string sentence;
  bool is_absent = false;  // What the request names does not exist.
};
using ControlResult = std::variant<ControlJson, ControlError>;

// Reads a request; a value that is_discarded() if it is not JSON. An error if it is nested deeper
// than any command needs.
ControlResult parse_request(std::string_view text);
// A text member of the request; empty when it has none.
std::string text_in(const ControlJson& request, const char* name);
// The id that the request gives as "id" (40 hexadecimal digits) or "key" (text); empty unless it
// has exactly one of them, and a valid one.
std::optional<Id> id_in(const ControlJson& request);

ControlError refused_by_node(ServerStatus status, const std::string& before);

// Takes a command's result: called exactly once, before the command returns or later by the admin
// thread, so it must not block. Several calls to shards follow one another without a thread that
// waits.
using ControlFinish = std::function<void(ControlResult)>;

// In control_purge.cc, control_published.cc and control_limits.cc. `admin` is borrowed until
// `finish` was called.
void control_purge(Admin& admin, const ControlJson& request, const ControlFinish& finish);
void control_keep(Admin& admin, const ControlJson& request, const ControlFinish& finish);
void control_forget(Admin& admin, const ControlJson& request, const ControlFinish& finish);
void control_published(Admin& admin, const ControlJson& request, const ControlFinish& finish);
void control_limits(Admin& admin, const ControlJson& request, const ControlFinish& finish);
// In control_node.cc.
void control_health(Admin& admin, const ControlJson& request, const ControlFinish& finish);
void control_status(Admin& admin, const ControlJson& request, const ControlFinish& finish);
void control_reload(Admin& admin, const ControlJson& request, const ControlFinish& finish);
void control_log_level(Admin& admin, const ControlJson& request, const ControlFinish& finish);
void control_shutdown(Admin& admin, const ControlJson& request, const ControlFinish& finish);
// In control_explain.cc.
void control_explain(Admin& admin, const ControlJson& request, const ControlFinish& finish);
// In control_lookup.cc.
void control_lookup(Admin& admin, const ControlJson& request, const ControlFinish& finish);
// In control_lists.cc.
void control_contacts(Admin& admin, const ControlJson& request, const ControlFinish& finish);
void control_buckets(Admin& admin, const ControlJson& request, const ControlFinish& finish);
void control_records(Admin& admin, const ControlJson& request, const ControlFinish& finish);
// In control_commands.cc.
void control_stats(Admin& admin, const ControlJson& request, const ControlFinish& finish);
// Returns when the snapshot is made, which may take minutes.
void control_snapshot(Admin& admin, const ControlJson& request, const ControlFinish& finish);

}  // namespace xord
