// The health report as JSON, the same for the control socket and HTTP.
#pragma once

#include <nlohmann/json.hpp>

#include "node/server/health/health.h"

namespace xord {

// {"state", "live", "started", "ready", "checks": [{"name", "status", "detail", "since_s", "of"}]}:
// docs/CONTROL.md. `now`: when it is read.
nlohmann::ordered_json json_of(const HealthReport& report, MonotonicTime now);

}  // namespace xord
