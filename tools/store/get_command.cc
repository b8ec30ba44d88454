// `xord store get`: the value that a stopped node keeps under a key.
#include <nlohmann/json.hpp>

#include "tools/client_flags.h"
#include "tools/show_value.h"
#include "tools/store/key_text.h"
#include "tools/store/store_commands.h"
#include "tools/store/store_flags.h"
#include "tools/store/stored_records.h"

namespace xord {
namespace {

// The first network that has it: a directory mostly has but one.
std::string row_of(const StoredRecords& stored, const Id& key, const std::string& text) {
  for (NetworkIndex network = 0; network < stored.reader().networks().size(); ++network) {
    auto read = stored.reader().read(network, row_key_of(key));
    if (const auto* error = std::get_if<IoError>(&read)) {
      throw Failure(ExitCode::environment, error->sentence);
    }
    if (auto* row = std::get_if<std::string>(&read)) return *row;
  }
  throw Failure(ExitCode::not_found,
                "the node keeps no record of \"" + text + "\"; ask the network with `xord get`");
}

}  // namespace

ExitCode store_get_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Print the value that a stopped node keeps under a key.", "xord store get");
  StoreFlags flags;
  std::vector<std::string> key_text;
  add_argument(app, "KEY", key_text, "The key, as text; or its id, as 40 hexadecimal digits");
  add_data_dir_flag(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "Prints as `xord get` does. A running node is asked with `xord get KEY --via HOST:PORT`.\n"
      "Exit codes: 0 found, 1 not kept or expired, 4 the directory cannot be read.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const std::string text = required(app, "KEY", key_text);
  const Id key = id_of_key(text);
  const StoredRecords stored(data_dir_of(flags, terminal));
  const std::string bytes = row_of(stored, key, text);
  const auto row = parse_row(row_key_of(key), bytes_of(bytes));
  if (!row) {
    throw Failure(ExitCode::environment, "the record of \"" + text + "\" is damaged: " +
                                             damage_of(row_key_of(key), bytes_of(bytes)) +
                                             "; `xord store check` names all that is");
  }
  if (node_seconds(stored.node_now()) >= row->times.expiry) {
    throw Failure(ExitCode::not_found,
                  "the record of \"" + text + "\" has expired; ask the network with `xord get`");
  }
  show_value(text, row->value, flags.json ? ValueForm::json : ValueForm::plain, terminal);
  return ExitCode::done;
}

}  // namespace xord
