// `xord loglevel`: how much the running node of this host logs, until its next reload.
#include "tools/cli/commands.h"
#include "tools/control/node_flags.h"

namespace xord {

ExitCode loglevel_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Choose how much the running node on this host logs.", "xord loglevel");
  NodeFlags flags;
  std::vector<std::string> level;
  add_argument(app, "LEVEL", level, "debug, info, warning, error or off");
  add_node_flags(app, flags);
  app.footer(
      "It holds until the next reload or the node's end.\n"
      "Exit codes: 0 done, 1 refused, 2 no such level, 4 no node answers.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const std::string wanted = required(app, "LEVEL", level);
  ask_node(flags, terminal, {{"command", "log-level"}, {"level", wanted}});
  return ExitCode::done;
}

}  // namespace xord
