// `xord forget`: stops publishing a key that `xord set --keep` added.
#include "tools/cli/commands.h"
#include "tools/cli/key_flags.h"
#include "tools/control/control_client.h"
#include "tools/control/data_dir_flags.h"

namespace xord {

ExitCode forget_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Stop the running node on this host from publishing a key.", "xord forget");
  DataDirFlags flags;
  KeyFlags key_flags;
  add_key_flags(app, key_flags, HexKey::is_id);
  add_data_dir_flag(app, flags);
  app.footer(
      "What the network holds expires by itself. Exit codes: 0 done, 1 it was not in the list, 4.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const std::string id = key_of(app, key_flags, HexKey::is_id).id.hex();
  ask_control(data_dir_of(flags, terminal), {{"command", "forget"}, {"id", id}});
  return ExitCode::done;
}

}  // namespace xord
