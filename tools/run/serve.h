// Runs a server in the foreground until a signal ends it.
#pragma once

#include <functional>

#include "node/server/config/server_config.h"
#include "tools/cli/failure.h"

namespace xord {

// The server itself logs its ready line and everything after it (docs/commands/run.md).
// SIGTERM and SIGINT end it cleanly; SIGUSR1 makes it log its counters as one JSON object; SIGHUP
// makes it take over what `read_again` gives, on a thread of the server. `read_again` throws
// Failure as it did for the first configuration. Failure (usage or environment) if it cannot start.
ExitCode serve(const ServerConfig& config, std::function<ServerConfig()> read_again);

}  // namespace xord
