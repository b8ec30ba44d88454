// `xord store`: manages what a node keeps on disk. Each subcommand has a file in tools/store/.
#include <array>

#include "tools/cli/command_table.h"
#include "tools/cli/commands.h"
#include "tools/store/store_commands.h"

namespace xord {
namespace {

constexpr std::array<Command, 7> commands = {{
    {"stats", "Count the records, and the space they take", store_stats_command},
    {"check", "Check that everything is intact; name what is damaged", store_check_command},
    {"get", "Print the value kept under a key", store_get_command},
    {"export", "Write every record as a line of text", store_export_command},
    {"import", "Read the records of an export", store_import_command},
    {"purge", "Erase records for good", store_purge_command},
    {"snapshot", "Copy the directory, so that a node can be started on it", store_snapshot_command},
}};

std::string help() {
  return "Inspect and manage what a node keeps in its data directory.\n\n"
         "Usage: xord store COMMAND [--data-dir DIR] [ARGUMENTS]\n\nCommands:\n" +
         list_of(commands) +
         "\n`xord store COMMAND --help` explains a command. Without --data-dir, a command uses\n"
         "the directory of `xord run`: from XORD_DATA_DIR, from the file that XORD_CONFIG names,\n"
         "or the user's own.\n";
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
