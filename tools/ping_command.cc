// `xord ping`: one node, its id, and how long its answer took.
#include <cstdio>

#include "tools/client_flags.h"
#include "tools/commands.h"

namespace xord {

ExitCode ping_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Ask one node whether it is there, and who it is.", "xord ping");
  ClientFlags flags;
  add_argument(app, "HOST:PORT", flags.via, "The node");
  add_common_flags(app, flags);
  app.footer(
      "Prints its id and the round trip. --json: {\"id\", \"endpoint\", \"rtt_ms\"}.\n"
      "Exit codes: 0 it answered, 3 it did not.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  required(app, "HOST:PORT", flags.via);
  ClientPlan plan;
  plan.task = ClientTask::ping;
  const FoundNode node = ask_network(app, flags, std::move(plan), terminal).nodes.at(0);
  if (flags.json) {
    terminal.out << json_of(node).dump() << '\n';
    return ExitCode::done;
  }
  char rtt[32];
  std::snprintf(rtt, sizeof rtt, "%.3f", milliseconds_of(node.round_trip));
  terminal.out << node.contact.id.hex() << " at " << node.contact.endpoint.text() << " answered in "
               << rtt << " ms\n";
  return ExitCode::done;
}

}  // namespace xord
