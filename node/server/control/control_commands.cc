#include "node/server/control/control_commands.h"

#include <future>
#include <memory>

#include "node/server/control/control_command.h"
#include "reactor/base/check.h"
#include "reactor/base/nesting.h"

namespace xord {
namespace {

constexpr size_t control_nesting_max = 8;

struct ControlCommand {
  std::string_view name;
  void (*run)(Admin& admin, const ControlJson& request, const ControlFinish& finish);
};
constexpr ControlCommand control_commands[] = {
    {"stats", control_stats},         {"purge", control_purge},
    {"snapshot", control_snapshot},   {"keep", control_keep},
    {"forget", control_forget},       {"published", control_published},
    {"limits", control_limits},       {"health", control_health},
    {"status", control_status},       {"reload", control_reload},
    {"log-level", control_log_level}, {"shutdown", control_shutdown},
    {"contacts", control_contacts},   {"buckets", control_buckets},
    {"records", control_records},     {"explain", control_explain},
    {"lookup", control_lookup},
};

// Waits for the result; the node's end brings it at the latest.
ControlResult result_of(const ControlCommand& command, Admin& admin, const ControlJson& request) {
  // Shared with the admin thread, which may still be inside set_value() when this one has it.
  CHECK(command.run != nullptr);
  const auto finished = std::make_shared<std::promise<ControlResult>>();
  command.run(admin, request,
              [finished](ControlResult result) { finished->set_value(std::move(result)); });
  return finished->get_future().get();
}

ControlResult answer(Admin& admin, std::string_view line) {
  const ControlResult parsed = parse_request(line);
  if (std::holds_alternative<ControlError>(parsed)) return parsed;
  const ControlJson& request = std::get<ControlJson>(parsed);
  const std::string name = request.is_object() ? text_in(request, "command") : std::string();
  if (name.empty()) {
    return ControlError{ControlCode::usage,
                        "a request is a JSON object with a \"command\", such as "
                        "{\"command\": \"stats\"}"};
  }
  std::string known;
  for (const ControlCommand& command : control_commands) {
    if (command.name == name) return result_of(command, admin, request);
    known += (known.empty() ? "" : ", ") + std::string(command.name);
  }
  return ControlError{ControlCode::usage, "this node does not know that command; it knows " +
                                              known + " (is it an older version?)"};
}

std::string text_of(const ControlJson& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string text_of(const ControlError& error) {
  return text_of(
      ControlJson{{"error", error.sentence}, {"code", static_cast<uint32_t>(error.code)}});
}

}  // namespace

// The parser does not recurse, but code that copies or prints a value does, once per level.
ControlResult parse_request(std::string_view text) {
  if (line_nested_deeper_than(control_nesting_max, NestedText::json, text)) {
    return ControlError{ControlCode::usage, "the request is nested more than " +
                                                std::to_string(control_nesting_max) +
                                                " deep: no command needs that"};
  }
  return ControlJson::parse(text, nullptr, false);
}

void control_stats(Admin& admin, const ControlJson&, const ControlFinish& finish) {
  finish(ControlJson::parse(admin.stats().json()));
}

// Makes a data directory with the present state of this one.
void control_snapshot(Admin& admin, const ControlJson& request, const ControlFinish& finish) {
  const std::string directory = text_in(request, "directory");
  if (directory.empty() || directory[0] != '/') {
    return finish(
        ControlError{ControlCode::usage,
                     "snapshot takes the \"directory\" to make, as an absolute path (/...)"});
  }
  if (const auto error = admin.snapshot(directory)) {
    return finish(ControlError{ControlCode::environment, error->sentence});
  }
  finish(ControlJson{{"directory", directory}});
}

std::string answer_control(Admin& admin, std::string_view line) {
  const ControlResult result = answer(admin, line);
  if (const auto* error = std::get_if<ControlError>(&result)) return text_of(*error);
  return text_of(ControlJson{{"result", std::get<ControlJson>(result)}});
}

std::string control_refusal(const std::string& sentence) {
  return text_of(ControlError{ControlCode::refused, sentence});
}

}  // namespace xord
