// What get, set, find and ping have in common: --via, --data-dir, --timeout, --json; from there to
// the nodes to begin at, and from the way the command ended to its exit code.
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
  std::vector<std::string> data_dir;  // Of the node of this host, which is asked without --via.
  std::vector<std::string> timeout;
  bool json = false;
};

void add_via_flag(CLI::App& app, ClientFlags& flags);
void add_node_dir_flag(CLI::App& app, ClientFlags& flags);  // --data-dir
void add_common_flags(CLI::App& app, ClientFlags& flags);   // --timeout and --json.
// The nodes to begin at, of --via or first_node(): names are resolved (every address is tried).
// Failure: (usage) a bad flag; (no_answer) a name that cannot be resolved, when no other can;
// (environment) no node runs on the directory of --data-dir.
struct Beginning {
  std::vector<Via> vias;
  std::string names;    // As they were given, for a sentence.
  std::string because;  // Of FirstNode.
};
Beginning beginning_of(const ClientFlags& flags, Terminal& terminal);

// Runs `plan` from `beginning`, within `plan.timeout`: the ids of earlier commands are looked up
// and this one's remembered. Failure: (no_answer) nobody answered; (environment) no socket;
// (interrupted) SIGINT or SIGTERM.
ClientResult ask_network(const Beginning& beginning, ClientPlan plan, Terminal& terminal);
// Both, with the timeout of `flags`.
ClientResult ask_network(const ClientFlags& flags, ClientPlan plan, Terminal& terminal);

// Failure (usage) when it is not a duration, or out of range.
Duration timeout_of(const ClientFlags& flags, Duration otherwise = seconds(10));

nlohmann::ordered_json json_of(const FoundNode& node);  // {id, endpoint, rtt_ms}
double milliseconds_of(Duration duration);              // To the microsecond.

}  // namespace xord
