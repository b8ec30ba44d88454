// `xord find`: lists the nodes nearest to a key.
#include <iomanip>

#include "node/server/log/json_text.h"
#include "tools/cli/commands.h"
#include "tools/cli/key_flags.h"
#include "tools/client/client_flags.h"

namespace xord {

ExitCode find_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("List the nodes nearest to a key: at most 20, nearest first.", "xord find");
  ClientFlags flags;
  KeyFlags key_flags;
  add_key_flags(app, key_flags, HexKey::is_text);
  add_via_flag(app, flags);
  add_node_dir_flag(app, flags);
  add_common_flags(app, flags);
  app.footer(
      "Prints id, endpoint and round trip of each. --json: a list of {\"id\", \"endpoint\",\n"
      "\"rtt_ms\"}. Exit codes: 0 found, 3 no answer.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  ClientPlan plan;
  plan.task = ClientTask::find;
  plan.target = key_of(app, key_flags, HexKey::is_text).id;
  const ClientResult result = ask_network(flags, std::move(plan), terminal);
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const FoundNode& node : result.nodes) list.push_back(json_of(node));
  if (flags.json) {
    terminal.out << json_text(list) << '\n';
    return ExitCode::done;
  }
  for (const FoundNode& node : result.nodes) {
    terminal.out << node.contact.id.hex() << "  " << std::left << std::setw(22)
                 << node.contact.endpoint.text() << std::right << std::fixed << std::setprecision(3)
                 << std::setw(10) << milliseconds_of(node.round_trip) << " ms\n";
  }
  return ExitCode::done;
}

}  // namespace xord
