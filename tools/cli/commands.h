// The commands of `xord`. Each parses its own arguments, does its work, prints its result on
// terminal.out, and throws Failure when it cannot.
#pragma once

#include "tools/cli/failure.h"
#include "tools/cli/flags.h"
#include "tools/cli/terminal.h"

namespace xord {

ExitCode run_command(Arguments arguments, Terminal& terminal);        // A node, until SIGTERM.
ExitCode get_command(Arguments arguments, Terminal& terminal);        // The value of a key.
ExitCode set_command(Arguments arguments, Terminal& terminal);        // Stores a value under a key.
ExitCode ping_command(Arguments arguments, Terminal& terminal);       // Whether a node answers.
ExitCode find_command(Arguments arguments, Terminal& terminal);       // The nodes nearest to a key.
ExitCode load_command(Arguments arguments, Terminal& terminal);       // Load on a node, measured.
ExitCode published_command(Arguments arguments, Terminal& terminal);  // What a node publishes.
ExitCode forget_command(Arguments arguments, Terminal& terminal);     // ... and shall no longer.
ExitCode store_command(Arguments arguments, Terminal& terminal);      // What a node keeps on disk.
ExitCode sim_command(Arguments arguments, Terminal& terminal);        // A network, simulated.

}  // namespace xord
