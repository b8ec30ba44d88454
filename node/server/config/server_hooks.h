// ServerHooks: what the program around a server does when an operator asks for it.
#pragma once

#include <functional>
#include <variant>

#include "node/server/config/server_config.h"
#include "node/server/config/server_error.h"

namespace xord {

// What an operator may ask of the program around a server, over the HTTP API (docs/ADMIN.md) and
// the control socket. Without a function the request is refused. They are called by threads of the
// server, must not call the server, and, but for the last, must not block.
struct ServerHooks {
  std::function<void()> shut_down = nullptr;  // End the program, or at least call stop().
  // Reads the configuration again, as at start, for a reload. Called by the admin thread, while
  // calls of the program wait: it may read files, but must not wait for the network.
  std::function<std::variant<ServerConfig, ServerError>()> read_config = nullptr;
};

}  // namespace xord
