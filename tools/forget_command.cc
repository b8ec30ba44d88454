// `xord forget`: ends what `xord set --keep` began.
#include "tools/client_flags.h"
#include "tools/commands.h"
#include "tools/control_client.h"
#include "tools/store/key_text.h"
#include "tools/store/store_flags.h"

namespace xord {

ExitCode forget_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Let a running node of this host no longer publish a key anew each day.",
               "xord forget");
  StoreFlags flags;
  std::vector<std::string> key;
  add_argument(app, "KEY", key, "The key, as text; or its id, as 40 hexadecimal digits");
  add_data_dir_flag(app, flags);
  app.footer(
      "What the network holds lapses by itself. Exit codes: 0 done, 1 it was not in the list, 4.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const std::string id = id_of_key(required(app, "KEY", key)).hex();
  ask_control(data_dir_of(flags, terminal), {{"command", "forget"}, {"id", id}});
  return ExitCode::done;
}

}  // namespace xord
