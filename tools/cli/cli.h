// The whole of `xord` but main(): which command is meant, and how its failure is told. A command
// is a file of its own, NAME_command.cc in its room.
#pragma once

#include "tools/cli/command_table.h"
#include "tools/cli/failure.h"
#include "tools/cli/flags.h"
#include "tools/cli/terminal.h"

namespace xord {

// All of them, as the help lists them.
std::span<const Command> commands();

// Runs `xord ARGUMENTS...`. Every Failure becomes one sentence on terminal.err and its exit code.
ExitCode run_cli(Arguments arguments, Terminal& terminal);

}  // namespace xord
