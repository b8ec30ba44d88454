// The subcommands of `xord store`, in the form of those in tools/cli/commands.h.
#pragma once

#include "tools/cli/failure.h"
#include "tools/cli/flags.h"
#include "tools/cli/terminal.h"

namespace xord {

ExitCode store_stats_command(Arguments arguments, Terminal& terminal);     // Counts what is kept.
ExitCode store_check_command(Arguments arguments, Terminal& terminal);     // Looks for damage.
ExitCode store_get_command(Arguments arguments, Terminal& terminal);       // Prints one value.
ExitCode store_export_command(Arguments arguments, Terminal& terminal);    // Writes all as text.
ExitCode store_import_command(Arguments arguments, Terminal& terminal);    // Reads such text.
ExitCode store_purge_command(Arguments arguments, Terminal& terminal);     // Erases records.
ExitCode store_snapshot_command(Arguments arguments, Terminal& terminal);  // Makes a usable copy.

}  // namespace xord
