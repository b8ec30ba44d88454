// The subcommands of `xord store`, as those of tools/cli/commands.h are.
#pragma once

#include "tools/cli/failure.h"
#include "tools/cli/flags.h"
#include "tools/cli/terminal.h"

namespace xord {

ExitCode store_stats_command(Arguments arguments, Terminal& terminal);     // How much there is.
ExitCode store_check_command(Arguments arguments, Terminal& terminal);     // Whether it is whole.
ExitCode store_get_command(Arguments arguments, Terminal& terminal);       // One record's value.
ExitCode store_export_command(Arguments arguments, Terminal& terminal);    // All, as text.
ExitCode store_import_command(Arguments arguments, Terminal& terminal);    // ... and back.
ExitCode store_purge_command(Arguments arguments, Terminal& terminal);     // Takes records out.
ExitCode store_snapshot_command(Arguments arguments, Terminal& terminal);  // A copy to start on.

}  // namespace xord
