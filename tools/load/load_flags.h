// Turns the command line of `xord load` into a plan.
#pragma once

#include <optional>

#include "tools/cli/flags.h"
#include "tools/load/load_plan.h"

namespace xord {

// Returns the plan, or empty if the help was shown. Failure: (usage) a flag that is invalid alone
// or with the others; (no_answer) a target without an address.
std::optional<LoadPlan> parse_load_flags(Arguments arguments, Terminal& terminal);

}  // namespace xord
