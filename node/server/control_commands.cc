#include "node/server/control_commands.h"

#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <variant>

#include "node/server/admin.h"
#include "node/server/key_digest.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

// Numbered as the exit codes of commands are (docs/COMMANDS.md): who asked ends with it.
enum class ControlCode : uint8_t { refused = 1, usage = 2, environment = 4 };

struct ControlError {
  ControlCode code{};
  std::string sentence;
};
using ControlResult = std::variant<Json, ControlError>;

ControlResult stats(Admin& admin, const Json&) {
  return Json::parse(admin.stats().json());
}

// A text member of the request; empty when there is none.
std::string text_in(const Json& request, const char* name) {
  const auto at = request.find(name);
  return at != request.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// ---- purge: the records of a key, of all keys that share leading bits, or all.

struct PurgeRange {
  Id from;
  uint32_t prefix_bits = 0;
};

std::optional<PurgeRange> prefix_range(const std::string& digits) {
  if (digits.empty() || digits.size() > 2 * id_size) return std::nullopt;
  const auto from = Id::from_hex(digits + std::string(2 * id_size - digits.size(), '0'));
  if (!from) return std::nullopt;
  return PurgeRange{*from, static_cast<uint32_t>(4 * digits.size())};
}

std::optional<PurgeRange> purge_range(const Json& request) {
  const uint32_t named = request.contains("key") + request.contains("id") +
                         request.contains("prefix") + request.contains("all");
  if (named != 1) return std::nullopt;
  if (request.contains("all")) {
    return request["all"] == true ? std::optional(PurgeRange{}) : std::nullopt;
  }
  if (request.contains("prefix")) return prefix_range(text_in(request, "prefix"));
  if (request.contains("id")) {
    const auto id = Id::from_hex(text_in(request, "id"));
    return id ? std::optional(PurgeRange{*id, id_bits}) : std::nullopt;
  }
  if (!request["key"].is_string()) return std::nullopt;
  return PurgeRange{key_digest(text_in(request, "key")), id_bits};
}

struct PurgeStep {
  ServerStatus status{};
  uint32_t erased = 0;
  std::optional<Id> next;
};

// One call of a shard: waits for its disk.
PurgeStep purge_step(Admin& admin, ShardIndex shard, const Id& from, uint32_t prefix_bits) {
  ShardCommand command;
  command.kind = CommandKind::purge;
  command.key = from;
  command.prefix_bits = static_cast<uint8_t>(prefix_bits);
  std::promise<PurgeStep> done;
  admin.call_on(shard, command, {}, [&](const CallResult& result) {
    PurgeStep step{result.status, result.stored, std::nullopt};
    if (result.value.size() == id_size) step.next = Id::from(result.value);
    done.set_value(step);
  });
  return done.get_future().get();
}

// A shard at a time, from the range's first key to its last.
ControlResult purge(Admin& admin, const Json& request) {
  const auto range = purge_range(request);
  if (!range) {
    return ControlError{ControlCode::usage,
                        "purge takes one of \"key\" (text), \"id\" (40 hexadecimal digits), "
                        "\"prefix\" (up to 40 of them) and \"all\": true"};
  }
  const bool is_one = range->prefix_bits == id_bits;
  const uint32_t first = is_one ? shard_of(range->from, admin.shards_count()) : 0;
  const uint32_t end = is_one ? first + 1 : admin.shards_count();
  uint64_t erased = 0;
  for (uint32_t shard = first; shard < end; ++shard) {
    std::optional<Id> from = range->from;
    while (from) {
      const PurgeStep step =
          purge_step(admin, static_cast<ShardIndex>(shard), *from, range->prefix_bits);
      erased += step.erased;
      if (step.status != ServerStatus::done) {
        return ControlError{ControlCode::refused, "after " + std::to_string(erased) +
                                                      " records the node said " +
                                                      std::string(name_of(step.status)) +
                                                      ": try again, and look into its log"};
      }
      from = step.next;
    }
  }
  return Json{{"purged", erased}};
}

// ---- snapshot: a data directory as this one is now.

ControlResult snapshot(Admin& admin, const Json& request) {
  const std::string directory = text_in(request, "directory");
  if (directory.empty() || directory[0] != '/') {
    return ControlError{ControlCode::usage,
                        "snapshot takes a \"directory\" to be made, from the root (/...)"};
  }
  if (const auto error = admin.snapshot(directory)) {
    return ControlError{ControlCode::environment, error->sentence};
  }
  return Json{{"directory", directory}};
}

struct ControlCommand {
  std::string_view name;
  ControlResult (*run)(Admin& admin, const Json& request);
};
constexpr ControlCommand control_commands[] = {
    {"stats", stats},
    {"purge", purge},
    {"snapshot", snapshot},
};

ControlResult answer(Admin& admin, std::string_view line) {
  const Json request = Json::parse(line, nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string()) {
    return ControlError{ControlCode::usage,
                        "a request is a JSON object with a \"command\", such as "
                        "{\"command\": \"stats\"}"};
  }
  const auto& name = request["command"].get_ref<const std::string&>();
  std::string known;
  for (const ControlCommand& command : control_commands) {
    if (command.name == name) return command.run(admin, request);
    known += (known.empty() ? "" : ", ") + std::string(command.name);
  }
  return ControlError{ControlCode::usage,
                      "this node knows no such command: it has " + known + " (is it older?)"};
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string text_of(const ControlError& error) {
  return text_of(Json{{"error", error.sentence}, {"code", static_cast<uint32_t>(error.code)}});
}

}  // namespace

std::string answer_control(Admin& admin, std::string_view line) {
  const ControlResult result = answer(admin, line);
  if (const auto* error = std::get_if<ControlError>(&result)) return text_of(*error);
  return text_of(Json{{"result", std::get<Json>(result)}});
}

std::string control_refusal(const std::string& sentence) {
  return text_of(ControlError{ControlCode::refused, sentence});
}

}  // namespace xord
