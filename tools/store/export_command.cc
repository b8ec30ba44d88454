// `xord store export`: writes every record of a stopped node as a line of text.
#include <fmt/format.h>

#include <functional>

#include "storage/files/export_line.h"
#include "tools/cli/counted.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/output_file.h"
#include "tools/control/data_dir_flags.h"
#include "tools/store/store_commands.h"
#include "tools/store/stored_records.h"

namespace xord {
namespace {

constexpr size_t piece_bytes = 256 << 10;

struct Exported {
  uint64_t records = 0;
  uint64_t damaged = 0;
  UnreadableRows unreadable;
};

ExportRecord record_of(const StoredRecords& stored, const StoredRecords::Visited& visited) {
  const Row& row = *visited.row;
  return {stored.reader().networks()[visited.network],
          key_of_row(visited.row_key),
          row.times,
          row.source_prefix,
          {row.value.begin(), row.value.end()}};
}

using Append = std::function<void(const std::string& lines)>;

Exported write(const StoredRecords& stored, const Append& append, Terminal& terminal) {
  Exported exported;
  std::string lines;
  append_export_line(lines, ExportHeader{stored.node_now(), stored.wall_now()});
  exported.unreadable =
      stored.walk("exported", terminal, [&](const StoredRecords::Visited& visited) {
        if (!visited.row) {
          ++exported.damaged;
          return;
        }
        ++exported.records;
        append_export_line(lines, record_of(stored, visited));
        if (lines.size() < piece_bytes) return;
        append(lines);
        lines.clear();
      });
  append_export_line(lines, ExportEnd{exported.records});
  append(lines);
  return exported;
}

Exported write_to_stdout(const StoredRecords& stored, Terminal& terminal) {
  const auto append = [&](const std::string& lines) {
    terminal.out << lines;
    if (terminal.out) return;
    throw Failure(ExitCode::environment,
                  "cannot write to stdout: the disk is full, or nothing reads the pipe");
  };
  return write(stored, append, terminal);
}

Exported write_to_file(const std::string& path, const StoredRecords& stored, Terminal& terminal) {
  // Values may be private: only the owner may read the file, unless the owner changes that.
  OutputFile file(path, 0600);
  const Exported exported = write(
      stored, [&](const std::string& lines) { file.append(lines); }, terminal);
  file.finish();
  return exported;
}

}  // namespace

ExitCode store_export_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Write every record of a stopped node as a line of text, for `xord store import`.",
               "xord store export");
  DataDirFlags flags;
  std::vector<std::string> file;
  add_argument(app, "FILE", file, "Where to write; - is the standard output [-]")
      ->type_name("[FILE]");
  add_data_dir_flag(app, flags);
  app.footer(
      "docs/STORAGE.md describes the lines. A file is written whole or not at all; a link is\n"
      "followed, a device or FIFO is written in place. Damaged records are left out.\n"
      "A running node's directory is refused: export a snapshot of it.\n"
      "Exit codes: 0 done, 1 something is damaged and left out, 4 the directory cannot be read or\n"
      "the file cannot be written.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const StoredRecords stored(data_dir_of(flags, terminal));
  const Interrupt interrupt;
  const bool is_for_stdout = file.empty() || file[0] == "-";
  const Exported exported =
      is_for_stdout ? write_to_stdout(stored, terminal) : write_to_file(file[0], stored, terminal);
  terminal.err << "exported " << counted(exported.records, "record") << '\n';
  if (exported.damaged == 0 && exported.unreadable.ranges == 0) return ExitCode::done;
  throw Failure(ExitCode::not_found,
                fmt::format("{} and {} that cannot be read are left out; `xord store check` names "
                            "them",
                            counted(exported.damaged, "damaged record"),
                            counted(exported.unreadable.ranges, "range", " of keys")));
}

}  // namespace xord
