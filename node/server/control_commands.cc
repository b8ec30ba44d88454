#include "node/server/control_commands.h"

#include "node/server/control_command.h"
#include "reactor/base/nesting.h"

namespace xord {
namespace {

ControlResult stats(Admin& admin, const ControlJson&) {
  return ControlJson::parse(admin.stats().json());
}

// Makes a data directory with the present state of this one.
ControlResult snapshot(Admin& admin, const ControlJson& request) {
  const std::string directory = text_in(request, "directory");
  if (directory.empty() || directory[0] != '/') {
    return ControlError{ControlCode::usage,
                        "snapshot takes the \"directory\" to make, as an absolute path (/...)"};
  }
  if (const auto error = admin.snapshot(directory)) {
    return ControlError{ControlCode::environment, error->sentence};
  }
  return ControlJson{{"directory", directory}};
}

constexpr size_t control_nesting_max = 8;

struct ControlCommand {
  std::string_view name;
  ControlResult (*run)(Admin& admin, const ControlJson& request);
};
constexpr ControlCommand control_commands[] = {
    {"stats", stats},           {"purge", control_purge},   {"snapshot", snapshot},
    {"keep", control_keep},     {"forget", control_forget}, {"published", control_published},
    {"limits", control_limits},
};

ControlResult answer(Admin& admin, std::string_view line) {
  // The parser does not recurse, but code that copies or prints a value does, once per level.
  if (line_nested_deeper_than(control_nesting_max, NestedText::json, line)) {
    return ControlError{ControlCode::usage, "the request is nested more than " +
                                                std::to_string(control_nesting_max) +
                                                " deep: no command needs that"};
  }
  const ControlJson request = ControlJson::parse(line, nullptr, false);
  const std::string name = request.is_object() ? text_in(request, "command") : std::string();
  if (name.empty()) {
    return ControlError{ControlCode::usage,
                        "a request is a JSON object with a \"command\", such as "
                        "{\"command\": \"stats\"}"};
  }
  std::string known;
  for (const ControlCommand& command : control_commands) {
    if (command.name == name) return command.run(admin, request);
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

std::string answer_control(Admin& admin, std::string_view line) {
  const ControlResult result = answer(admin, line);
  if (const auto* error = std::get_if<ControlError>(&result)) return text_of(*error);
  return text_of(ControlJson{{"result", std::get<ControlJson>(result)}});
}

std::string control_refusal(const std::string& sentence) {
  return text_of(ControlError{ControlCode::refused, sentence});
}

}  // namespace xord
