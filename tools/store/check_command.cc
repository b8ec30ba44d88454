// `xord store check`: checks that what a stopped node keeps is intact.
#include <fmt/format.h>

#include "node/server/log/json_text.h"
#include "reactor/base/printable.h"
#include "tools/cli/counted.h"
#include "tools/cli/interrupt.h"
#include "tools/control/data_dir_flags.h"
#include "tools/store/open_directory.h"
#include "tools/store/store_check.h"
#include "tools/store/store_commands.h"

namespace xord {
namespace {

void print(const CheckReport& report, Terminal& terminal) {
  for (const std::string& finding : report.findings) terminal.out << printable(finding) << '\n';
  if (report.findings_count > report.findings.size()) {
    terminal.out << fmt::format("and {} more\n", report.findings_count - report.findings.size());
  }
  terminal.out << fmt::format(
      "{}: {}, {}, {} ({} of them expired), {} in the index and found by it\n",
      report.is_intact() ? "intact" : fmt::format("{} damaged", report.findings_count),
      counted(report.files, "small file"), counted(report.tables, "table"),
      counted(report.records, "record"), report.expired, report.indexed);
}

}  // namespace

ExitCode store_check_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Read all that a stopped node keeps and name what is damaged. Changes nothing.",
               "xord store check");
  DataDirFlags flags;
  add_data_dir_flag(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "It checks the checksums of every small file, table and record, builds the index that\n"
      "a node would build, and finds every record again through it. A running node's directory\n"
      "is refused: check a snapshot of it (`xord store snapshot`).\n"
      "Exit codes: 0 all is intact, 1 something is damaged, 4 the directory cannot be read.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const auto directory = open_stopped(data_dir_of(flags, terminal));
  const Interrupt interrupt;
  const CheckReport report = check_store(*directory, terminal);
  if (flags.json) {
    terminal.out << json_text(report.json()) << '\n';
  } else {
    print(report, terminal);
  }
  return report.is_intact() ? ExitCode::done : ExitCode::not_found;
}

}  // namespace xord
