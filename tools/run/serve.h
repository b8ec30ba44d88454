// Runs a server in the foreground until a signal ends it.
#pragma once

#include "node/server/server_config.h"
#include "tools/cli/failure.h"

namespace xord {

// The server itself logs its ready line and everything after it (docs/commands/run.md).
// SIGTERM and SIGINT end it cleanly; SIGUSR1 makes it log its counters as one JSON object. Failure
// (usage or environment) if it cannot start.
ExitCode serve(const ServerConfig& config);

}  // namespace xord
