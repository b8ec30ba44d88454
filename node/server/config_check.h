// What no server can be told to be, said in a sentence before anything is touched.
#pragma once

#include <optional>

#include "node/server/server.h"

namespace xord {

// The first thing in `config` that cannot be; empty: nothing.
std::optional<ServerError> check_config(const ServerConfig& config);

}  // namespace xord
