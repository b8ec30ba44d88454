// `xord store import`: reads the records of an export into a data directory.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "node/server/log/json_text.h"
#include "reactor/base/printable.h"
#include "tools/cli/counted.h"
#include "tools/cli/interrupt.h"
#include "tools/control/data_dir_flags.h"
#include "tools/store/record_import.h"
#include "tools/store/store_commands.h"

namespace xord {
namespace {

ImportReport import_from(std::istream& in, const std::string& name, const std::string& data_dir,
                         Terminal& terminal) {
  ImportTarget target(data_dir);
  return RecordImport(in, name, target, terminal).run();
}

ImportReport import_from(const std::string& file, const std::string& data_dir, Terminal& terminal) {
  if (file == "-") return import_from(std::cin, "the standard input", data_dir, terminal);
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    throw Failure(ExitCode::usage, file +
                                       " is a directory: name a file that `xord store export` "
                                       "wrote, or give a data directory by --data-dir");
  }
  std::ifstream in(file, std::ios::binary);
  if (in) return import_from(in, file, data_dir, terminal);
  throw Failure(ExitCode::environment,
                io_error("cannot read " + file + " (name an export)", errno).sentence);
}

void print(const ImportReport& report, const DataDirFlags& flags, Terminal& terminal) {
  for (const std::string& damage : report.damages) terminal.err << printable(damage) << '\n';
  if (flags.json) {
    const nlohmann::ordered_json shown = {{"imported", report.imported},
                                          {"kept", report.kept},
                                          {"damaged", report.damaged},
                                          {"whole", report.is_whole}};
    terminal.out << json_text(shown) << '\n';
    return;
  }
  terminal.out << "imported " << counted(report.imported, "record");
  if (report.kept > 0) {
    terminal.out << fmt::format(", kept {} that are newer here", report.kept);
  }
  terminal.out << '\n';
}

}  // namespace

ExitCode store_import_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Read the records of an export into a stopped node's data directory.",
               "xord store import");
  DataDirFlags flags;
  std::vector<std::string> file;
  add_argument(app, "FILE", file, "What `xord store export` wrote; - is the standard input");
  add_data_dir_flag(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "A missing directory is made, with a new identity and the clock of the export. In an\n"
      "existing one, records keep their remaining lives. Of two records with one key, the one\n"
      "published later stays. Damaged lines are named and left out. Exports may follow one\n"
      "another, as cat joins them. Ctrl-C keeps what was imported so far; importing again\n"
      "completes it.\n"
      "Exit codes: 0 done, 1 something was damaged or missing, 2 not an export, 4 the "
      "environment.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const Interrupt interrupt;
  const ImportReport report =
      import_from(required(app, "FILE", file), data_dir_of(flags, terminal), terminal);
  print(report, flags, terminal);
  if (report.is_whole && report.damaged == 0) return ExitCode::done;
  throw Failure(ExitCode::not_found, report.is_whole || report.damaged > 0
                                         ? "a part of the export is damaged; the rest was "
                                           "imported"
                                         : "the export is truncated; the part that is present "
                                           "was imported");
}

}  // namespace xord
