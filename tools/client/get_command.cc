// `xord get`: prints the value of a key as the Python library would hold it.
#include "tools/cli/commands.h"
#include "tools/cli/key_flags.h"
#include "tools/cli/show_value.h"
#include "tools/client/client_flags.h"

namespace xord {

ExitCode get_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Print the value of a key: the one that most of the nodes nearest to it hold.",
               "xord get");
  ClientFlags flags;
  KeyFlags key_flags;
  add_key_flags(app, key_flags, HexKey::is_text);
  add_via_flag(app, flags);
  add_node_dir_flag(app, flags);
  add_common_flags(app, flags);
  app.footer(
      "Text, a number, true or false and a newline; bytes as they are. A terminal gets control\n"
      "characters as escapes. --json: {\"key\" or \"id\", \"type\", \"value\"}, type being str, "
      "int,\n"
      "float, bool or bytes (in hexadecimal).\n"
      "Exit codes: 0 found, 1 no node has it, 3 no answer.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const Key key = key_of(app, key_flags, HexKey::is_text);
  ClientPlan plan;
  plan.task = ClientTask::get;
  plan.target = key.id;
  const ClientResult result = ask_network(flags, std::move(plan), terminal);
  if (result.status == ClientStatus::not_found) {
    const bool is_hex = !key.is_id && Id::from_hex(key.text);
    throw Failure(ExitCode::not_found, "no node has a value for " + key.quoted() +
                                           (is_hex ? "; if that is an id, write --id before it"
                                                   : "; store one with `xord set`"));
  }
  show_value(key, result.value, flags.json ? ValueForm::json : ValueForm::plain, terminal);
  return ExitCode::done;
}

}  // namespace xord
