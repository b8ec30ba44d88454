// Runs one Client on the network, with sockets of both families on free ports and the reactor's
// loop on this thread, until the command is finished or a signal ends it.
#pragma once

#include "node/client/client.h"

namespace xord {

struct SessionEnd {
  ClientResult result;
  bool was_interrupted = false;  // By SIGINT or SIGTERM: `result` is meaningless.
};

// Draws secrets, and blocks for at most plan.timeout. Failure (environment) if no socket can be
// opened.
SessionEnd run_session(ClientPlan plan);

}  // namespace xord
