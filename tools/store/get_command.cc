// `xord store get`: prints the value that a stopped node keeps under a key.
#include <nlohmann/json.hpp>

#include "tools/cli/key_flags.h"
#include "tools/cli/show_value.h"
#include "tools/control/data_dir_flags.h"
#include "tools/store/store_commands.h"
#include "tools/store/stored_records.h"

namespace xord {
namespace {

// Takes the first network that has the key: a directory usually has only one network.
std::string row_of(const StoredRecords& stored, const Key& key) {
  for (NetworkIndex network = 0; network < stored.reader().networks().size(); ++network) {
    auto read = stored.reader().read(network, row_key_of(key.id));
    if (const auto* error = std::get_if<IoError>(&read)) {
      throw Failure(ExitCode::environment, error->sentence);
    }
    if (auto* row = std::get_if<std::string>(&read)) return *row;
  }
  throw Failure(ExitCode::not_found, "the node keeps no record of " + key.quoted() +
                                         "; ask the network with `xord get`");
}

}  // namespace

ExitCode store_get_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Print the value that a stopped node keeps under a key.", "xord store get");
  DataDirFlags flags;
  KeyFlags key_flags;
  add_key_flags(app, key_flags, HexKey::is_id);
  add_data_dir_flag(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "Prints as `xord get` does. A running node is asked with `xord get KEY`.\n"
      "Exit codes: 0 found, 1 not kept or expired, 4 the directory cannot be read.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const Key key = key_of(app, key_flags, HexKey::is_id);
  const StoredRecords stored(data_dir_of(flags, terminal));
  const std::string bytes = row_of(stored, key);
  const auto row = parse_row(row_key_of(key.id), bytes_of(bytes));
  if (!row) {
    throw Failure(ExitCode::environment, "the record of " + key.quoted() + " is damaged: " +
                                             damage_of(row_key_of(key.id), bytes_of(bytes)) +
                                             "; `xord store check` names all damage");
  }
  if (node_seconds(stored.node_now()) >= row->times.expiry) {
    throw Failure(ExitCode::not_found, "the record of " + key.quoted() +
                                           " has expired; ask the network with `xord get`");
  }
  show_value(key, row->value, flags.json ? ValueForm::json : ValueForm::plain, terminal);
  return ExitCode::done;
}

}  // namespace xord
