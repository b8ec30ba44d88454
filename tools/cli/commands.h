// The commands of `xord`. Each parses its own arguments, does its work, prints its result on
// terminal.out, and throws Failure if it fails.
#pragma once

#include "tools/cli/failure.h"
#include "tools/cli/flags.h"
#include "tools/cli/terminal.h"

namespace xord {

ExitCode run_command(Arguments arguments, Terminal& terminal);   // Runs a node until SIGTERM.
ExitCode get_command(Arguments arguments, Terminal& terminal);   // Prints the value of a key.
ExitCode set_command(Arguments arguments, Terminal& terminal);   // Stores a value under a key.
ExitCode ping_command(Arguments arguments, Terminal& terminal);  // Tells whether a node answers.
ExitCode find_command(Arguments arguments, Terminal& terminal);  // Lists the nodes nearest a key.
ExitCode load_command(Arguments arguments, Terminal& terminal);  // Measures a node under load.
ExitCode published_command(Arguments arguments, Terminal& terminal);  // Lists what it publishes.
ExitCode forget_command(Arguments arguments, Terminal& terminal);     // Stops publishing a key.
ExitCode limits_command(Arguments arguments, Terminal& terminal);     // Shows who took how much.
ExitCode contacts_command(Arguments arguments, Terminal& terminal);   // Lists the routing table.
ExitCode explain_command(Arguments arguments, Terminal& terminal);    // Tells who is served, why.
ExitCode records_command(Arguments arguments, Terminal& terminal);    // Lists what it holds.
ExitCode health_command(Arguments arguments, Terminal& terminal);     // Tells whether it is ready.
ExitCode status_command(Arguments arguments, Terminal& terminal);     // Shows what it is.
ExitCode stats_command(Arguments arguments, Terminal& terminal);      // Shows what it counted.
ExitCode reload_command(Arguments arguments, Terminal& terminal);     // Has it read its settings.
ExitCode loglevel_command(Arguments arguments, Terminal& terminal);   // Chooses how much it logs.
ExitCode stop_command(Arguments arguments, Terminal& terminal);       // Ends it.
ExitCode top_command(Arguments arguments, Terminal& terminal);        // Watches it at work.
ExitCode store_command(Arguments arguments, Terminal& terminal);      // Manages records on disk.
ExitCode sim_command(Arguments arguments, Terminal& terminal);        // Simulates a network.

}  // namespace xord
