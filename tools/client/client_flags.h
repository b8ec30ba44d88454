// What get, set, find and ping share: the flags --via, --data-dir, --timeout and --json, how these
// lead to the nodes to start from, and how the outcome leads to the exit code.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "node/client/client.h"
#include "tools/cli/failure.h"
#include "tools/cli/flags.h"
#include "tools/cli/terminal.h"

namespace xord {

struct ClientFlags {
  std::vector<std::string> via;
  std::vector<std::string> data_dir;  // Of this host's node, asked if there is no --via.
  std::vector<std::string> timeout;
  bool json = false;
};

void add_via_flag(CLI::App& app, ClientFlags& flags);
void add_node_dir_flag(CLI::App& app, ClientFlags& flags);  // --data-dir
void add_common_flags(CLI::App& app, ClientFlags& flags);   // --timeout, --json
// The nodes to start from, given by --via or first_node(). Names are resolved, and every address is
// tried. Failure: (usage) a bad flag; (no_answer) a name cannot be resolved and neither can any
// other; (environment) no node runs on the directory of --data-dir.
struct Beginning {
  std::vector<Via> vias;
  std::string names;    // As given, for error messages.
  std::string because;  // From FirstNode.
};
Beginning beginning_of(const ClientFlags& flags, Terminal& terminal);

// Runs `plan` from `beginning`, within `plan.timeout`. Reads the ids that earlier commands saved,
// and saves the one of this command. Failure: (no_answer) nobody answered; (environment) no socket;
// (interrupted) SIGINT or SIGTERM.
ClientResult ask_network(const Beginning& beginning, ClientPlan plan, Terminal& terminal);
// Calls beginning_of() and then the function above, with the timeout of `flags`.
ClientResult ask_network(const ClientFlags& flags, ClientPlan plan, Terminal& terminal);

// Failure (usage) if the timeout is not a duration, or out of range.
Duration timeout_of(const ClientFlags& flags, Duration otherwise = seconds(10));

nlohmann::ordered_json json_of(const FoundNode& node);  // {id, endpoint, rtt_ms}
double milliseconds_of(Duration duration);              // To the microsecond.

}  // namespace xord
