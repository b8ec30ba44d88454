// All of `xord` except main(): picks the command and reports its failure. Each command has a file
// of its own, tools/FOLDER/NAME_command.cc.
#pragma once

#include "tools/cli/command_table.h"
#include "tools/cli/failure.h"
#include "tools/cli/flags.h"
#include "tools/cli/terminal.h"

namespace xord {

// All commands, in the order of the help.
std::span<const Command> commands();

// Runs `xord ARGUMENTS...`. Every Failure becomes one sentence on terminal.err and its exit code.
ExitCode run_cli(Arguments arguments, Terminal& terminal);

}  // namespace xord
