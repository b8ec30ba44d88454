// `xord reload`: makes the running node of this host read its settings again.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "tools/cli/commands.h"
#include "tools/control/node_flags.h"
#include "tools/control/show_answer.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

std::string names_of(const Json& list) {
  return fmt::format("{}", fmt::join(list.get<std::vector<std::string>>(), ", "));
}

void print(const Json& answer, Terminal& terminal) {
  const std::string changed = names_of(answer.at("changed"));
  const std::string restart = names_of(answer.at("restart"));
  terminal.out << (changed.empty() ? "nothing changed" : "changed: " + changed) << '\n';
  if (!restart.empty()) terminal.out << "changed after a restart: " << restart << '\n';
}

}  // namespace

ExitCode reload_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Make the running node on this host read its settings again.", "xord reload");
  NodeFlags flags;
  add_node_flags(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "It reads the file and the environment as `xord run` did, under the same flags: all is\n"
      "applied, or, if anything is wrong, nothing. SIGHUP does the same. --json: {\"changed\",\n"
      "\"restart\"}. Exit codes: 0 done, 1 refused, 2 the settings are wrong, 4 no node answers.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const Json answer = ask_node(flags, terminal, {{"command", "reload"}});
  show_answer(answer, flags.json, terminal, print);
  return ExitCode::done;
}

}  // namespace xord
