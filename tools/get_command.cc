// `xord get`: the value of a key, as the Python library would hold it.
#include <cmath>

#include "node/server/key_digest.h"
#include "node/wire/value.h"
#include "reactor/base/hex.h"
#include "tools/client_flags.h"
#include "tools/commands.h"

namespace xord {
namespace {

// Bytes as hexadecimal digits; a float that JSON has no number for (nan, inf) as its text.
nlohmann::json json_of(const Value& value) {
  if (const auto* bytes = std::get_if<std::vector<uint8_t>>(&value)) return to_hex(*bytes);
  if (const auto* number = std::get_if<double>(&value)) {
    return std::isfinite(*number) ? nlohmann::json(*number) : nlohmann::json(render_value(value));
  }
  if (const auto* yes = std::get_if<bool>(&value)) return *yes;
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  if (const auto* number = std::get_if<uint64_t>(&value)) return *number;
  return std::get<std::string>(value);
}

void print(const std::string& key, Bytes packed, const ClientFlags& flags, Terminal& terminal) {
  const auto value = decode_value(packed);
  if (flags.json) {
    const nlohmann::json shown = {
        {"key", key},
        {"type", value ? std::string(type_name(*value)) : "other"},
        {"value", value ? json_of(*value) : nlohmann::json(to_hex(packed))}};
    terminal.out << shown.dump() << '\n';
    return;
  }
  if (!value) {
    throw Failure(ExitCode::not_found,
                  "\"" + key +
                      "\" has a value of a type that the library never stores; --json shows its "
                      "bytes");
  }
  terminal.out << render_value(*value);
  if (!std::holds_alternative<std::vector<uint8_t>>(*value)) terminal.out << '\n';
}

}  // namespace

ExitCode get_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Print the value of a key: the one that most of the nodes nearest to it hold.",
               "xord get");
  ClientFlags flags;
  std::vector<std::string> key;
  add_argument(app, "KEY", key, "The key, as text");
  add_via_flag(app, flags);
  add_common_flags(app, flags);
  app.footer(
      "Text, a number, true or false with a newline behind it; bytes as they are. --json:\n"
      "{\"key\", \"type\", \"value\"}, type being str, int, float, bool or bytes (in "
      "hexadecimal).\n"
      "Exit codes: 0 found, 1 no node has it, 3 no answer.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const std::string name = required(app, "KEY", key);
  ClientPlan plan;
  plan.task = ClientTask::get;
  plan.target = key_digest(name);
  const ClientResult result = ask_network(app, flags, std::move(plan), terminal);
  if (result.status == ClientStatus::not_found) {
    throw Failure(ExitCode::not_found,
                  "no node has a value for \"" + name + "\"; store one with `xord set`");
  }
  print(name, result.value, flags, terminal);
  return ExitCode::done;
}

}  // namespace xord
