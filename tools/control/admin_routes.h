// Requests of the control socket as those of the HTTP API (docs/ADMIN.md), where they are the same
// commands and have the same results. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "tools/control/http_exchange.h"

namespace xord {

// `request` is {"command": ...} of status, health, stats, contacts, records, explain, limits,
// log-level, reload or shutdown, whose other members are texts.
HttpAsk admin_ask_of(const nlohmann::ordered_json& request);

}  // namespace xord
