// Runs a server in the foreground until a signal ends it.
#pragma once

#include "node/server/server_config.h"
#include "tools/cli/failure.h"

namespace xord {

// The server logs its ready line and the rest itself (docs/commands/run.md). SIGTERM and
// SIGINT end it in order, SIGUSR1 makes it log its counters as one JSON object. Failure (usage or
// environment) when it cannot start.
ExitCode serve(const ServerConfig& config);

}  // namespace xord
