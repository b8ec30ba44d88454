// What get, set, find and ping have in common: --via, --timeout, --json; from there to the nodes to
// begin at, and from the way the command ended to its exit code.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "node/client.h"
#include "tools/failure.h"
#include "tools/flags.h"
#include "tools/terminal.h"

namespace xord {

struct ClientFlags {
  std::vector<std::string> via;
  std::vector<std::string> timeout;
  bool json = false;
};

void add_via_flag(CLI::App& app, ClientFlags& flags);
void add_common_flags(CLI::App& app, ClientFlags& flags);  // --timeout and --json.
// A positional argument, for which `text` is empty when it was not given.
void add_argument(CLI::App& app, const std::string& name, std::vector<std::string>& text,
                  const std::string& help);

// The argument's text. Failure (usage) when it is not there.
std::string required(const CLI::App& app, const std::string& name,
                     const std::vector<std::string>& text);

// Runs `plan`, whose vias and timeout come from `flags`: names are resolved (every address is
// tried), the ids of earlier commands are looked up and this one's remembered. Failure: (usage) a
// bad flag or no --via; (no_answer) a name that cannot be resolved, when no other can, or nobody
// answered; (environment) no socket; (interrupted) SIGINT or SIGTERM.
ClientResult ask_network(const CLI::App& app, const ClientFlags& flags, ClientPlan plan,
                         Terminal& terminal);

// Checks a timeout before anything is done with it; ask_network() uses it too.
Duration timeout_of(const ClientFlags& flags);

nlohmann::ordered_json json_of(const FoundNode& node);  // {id, endpoint, rtt_ms}
double milliseconds_of(Duration duration);              // To the microsecond.

}  // namespace xord
