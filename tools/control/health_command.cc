// `xord health`: whether the running node of this host should be asked by others, and which check
// says so.
#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/cli/units.h"
#include "tools/control/node_flags.h"
#include "tools/control/show_answer.h"

namespace xord {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* row_format = "{:<8}  {:<6}  {:>6}  {}\n";

void print(const Json& answer, Terminal& terminal) {
  terminal.out << answer.at("state").get<std::string>() << '\n';
  terminal.out << fmt::format(fmt::runtime(row_format), "CHECK", "STATUS", "SINCE", "DETAIL");
  for (const Json& check : answer.at("checks")) {
    const auto since = static_cast<int64_t>(check.at("since_s").get<double>());
    terminal.out << fmt::format(fmt::runtime(row_format), check.at("name").get<std::string>(),
                                check.at("status").get<std::string>(), show_age(seconds(since)),
                                check.at("detail").get<std::string>());
  }
}

}  // namespace

ExitCode health_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Tell whether the running node of this host is ready, and why not.", "xord health");
  NodeFlags flags;
  add_node_flags(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "The first line is the node's state: starting, loading, joining, ready, degraded (ready, "
      "with\n"
      "warnings), isolated, draining or failed. --json: {\"state\", \"live\", \"started\", "
      "\"ready\",\n"
      "\"checks\"}. Exit codes: 0 ready, 1 not ready, or refused, 2, 4 no node answers.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const Json answer = ask_node(flags, terminal, {{"command", "health"}});
  show_answer(answer, flags.json, terminal, print);
  return answer.at("ready").get<bool>() ? ExitCode::done : ExitCode::not_found;
}

}  // namespace xord
