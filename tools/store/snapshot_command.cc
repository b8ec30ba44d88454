// `xord store snapshot`: copies a data directory as it is now. A running node makes the copy
// itself.
#include <filesystem>

#include "storage/files/snapshot_files.h"
#include "tools/control/control_client.h"
#include "tools/control/data_dir_flags.h"
#include "tools/store/open_directory.h"
#include "tools/store/stopped_database.h"
#include "tools/store/store_commands.h"

namespace xord {
namespace {

constexpr Duration answer_within = minutes(10);

void snapshot_stopped(const std::string& data_dir, const std::string& to) {
  StoppedDatabase stopped(data_dir);
  auto error = begin_snapshot(to);
  if (!error) {
    error = stopped.database().checkpoint(to + "/db");
    if (!error) error = finish_snapshot(data_dir, to);
    if (error) abandon_snapshot(to);
  }
  if (error) throw Failure(ExitCode::environment, error->sentence);
}

}  // namespace

ExitCode store_snapshot_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Copy a node's directory as it is now, so that a node can be started on the copy.",
               "xord store snapshot");
  DataDirFlags flags;
  std::vector<std::string> target;
  add_argument(app, "DIR", target, "The directory to make; on the same disk it costs little");
  add_data_dir_flag(app, flags);
  app.footer(
      "A running node does this itself and continues to serve. The snapshot has the node's\n"
      "identity, too: keep it as safe, and never run two nodes on copies of one directory.\n"
      "Exit codes: 0 done, 4 the environment.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const std::string data_dir = data_dir_of(flags, terminal);
  const std::string to =
      std::filesystem::absolute(required(app, "DIR", target)).lexically_normal().string();
  auto reading = open_unless_held(data_dir);
  if (reading == nullptr) {
    ask_control(data_dir, {{"command", "snapshot"}, {"directory", to}}, answer_within);
  } else {
    reading.reset();
    snapshot_stopped(data_dir, to);
  }
  terminal.out << to << '\n';
  return ExitCode::done;
}

}  // namespace xord
