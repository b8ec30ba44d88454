// How a command of `xord` ended, for tests that call it in their own process.
#pragma once

#include <sstream>
#include <string>

#include "tools/cli/commands.h"
#include "tools/cli/failure.h"

namespace xord {

using CommandFunction = ExitCode (*)(Arguments arguments, Terminal& terminal);

struct CommandOutcome {
  ExitCode code = ExitCode::done;
  std::string out;
  std::string error;  // The sentence of the Failure that it threw; empty: it threw none.
};

inline CommandOutcome outcome_of(CommandFunction command, Arguments arguments,
                                 const Environment& environment = {}) {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, environment};
  CommandOutcome outcome;
  try {
    outcome.code = command(arguments, terminal);
  } catch (const Failure& failure) {
    outcome.code = failure.code();
    outcome.error = failure.what();
  }
  outcome.out = out.str();
  return outcome;
}

}  // namespace xord
