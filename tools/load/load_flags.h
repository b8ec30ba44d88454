// The command line of `xord load`, turned into a plan.
#pragma once

#include <optional>

#include "tools/cli/flags.h"
#include "tools/load/load_plan.h"

namespace xord {

// The plan, or empty when the help was shown. Failure: (usage) a flag that makes no sense, alone or
// with the others; (no_answer) a target without an address.
std::optional<LoadPlan> parse_load_flags(Arguments arguments, Terminal& terminal);

}  // namespace xord
