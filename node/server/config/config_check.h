// Rejects impossible configurations, with a sentence, before anything is touched.
#pragma once

#include <optional>

#include "node/server/config/server_config.h"
#include "node/server/config/server_error.h"

namespace xord {

// The first thing wrong with `config`; empty if nothing is.
std::optional<ServerError> check_config(const ServerConfig& config);

}  // namespace xord
