// `xord get`: the value of a key, as the Python library would hold it.
#include "node/server/key_digest.h"
#include "tools/client_flags.h"
#include "tools/commands.h"
#include "tools/show_value.h"

namespace xord {

ExitCode get_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Print the value of a key: the one that most of the nodes nearest to it hold.",
               "xord get");
  ClientFlags flags;
  std::vector<std::string> key;
  add_argument(app, "KEY", key, "The key, as text");
  add_via_flag(app, flags);
  add_common_flags(app, flags);
  app.footer(
      "Text, a number, true or false with a newline behind it; bytes as they are. --json:\n"
      "{\"key\", \"type\", \"value\"}, type being str, int, float, bool or bytes (in "
      "hexadecimal).\n"
      "Exit codes: 0 found, 1 no node has it, 3 no answer.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const std::string name = required(app, "KEY", key);
  ClientPlan plan;
  plan.task = ClientTask::get;
  plan.target = key_digest(name);
  const ClientResult result = ask_network(app, flags, std::move(plan), terminal);
  if (result.status == ClientStatus::not_found) {
    throw Failure(ExitCode::not_found,
                  "no node has a value for \"" + name + "\"; store one with `xord set`");
  }
  show_value(name, result.value, flags.json ? ValueForm::json : ValueForm::plain, terminal);
  return ExitCode::done;
}

}  // namespace xord
