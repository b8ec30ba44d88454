// `xord store`: manages what a node keeps on disk. Each subcommand has a file in tools/store/.
#include <array>

#include "tools/cli/command_table.h"
#include "tools/cli/commands.h"
#include "tools/store/store_commands.h"

namespace xord {
namespace {

constexpr std::array<Command, 7> commands = {{
    {"stats", "How many records there are, and how much room they take", store_stats_command},
    {"check", "Whether all of it is whole; names what is damaged", store_check_command},
    {"get", "The value that is kept under a key", store_get_command},
    {"export", "Write every record as a line of text", store_export_command},
    {"import", "Take the records of an export in", store_import_command},
    {"purge", "Take records out, for good", store_purge_command},
    {"snapshot", "Make a directory that a node can be started on", store_snapshot_command},
}};

std::string help() {
  return "Look into what a node keeps in its data directory.\n\n"
         "Usage: xord store COMMAND [--data-dir DIR] [ARGUMENTS]\n\nCommands:\n" +
         list_of(commands) +
         "\n`xord store COMMAND --help` explains a command. Without --data-dir it is the directory "
         "that\n`xord run` uses: of XORD_DATA_DIR, of the file that XORD_CONFIG names, or the "
         "user's "
         "own.\n";
}

}  // namespace

ExitCode store_command(Arguments arguments, Terminal& terminal) {
  if (arguments.empty()) {
    terminal.err << help();
    return ExitCode::usage;
  }
  if (arguments[0] == "--help" || arguments[0] == "-h") {
    terminal.out << help();
    return ExitCode::done;
  }
  return find_command(arguments[0], commands, "xord store").run(arguments.subspan(1), terminal);
}

}  // namespace xord
