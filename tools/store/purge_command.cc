// `xord store purge`: erases records. A running node does this itself, on request.
#include <fmt/format.h>

#include <algorithm>

#include "node/server/log/json_text.h"
#include "reactor/base/check.h"
#include "tools/cli/counted.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/key_flags.h"
#include "tools/control/control_client.h"
#include "tools/control/data_dir_flags.h"
#include "tools/store/open_directory.h"
#include "tools/store/record_purge.h"
#include "tools/store/store_commands.h"

namespace xord {
namespace {

constexpr Duration answer_within = minutes(10);

struct PurgeFlags {
  KeyFlags key;
  std::vector<std::string> prefix;
  bool expired = false;
  bool all = false;
  bool yes = false;
};

PurgeSelection selection_of(const CLI::App& app, const PurgeFlags& flags) {
  const bool is_key = !flags.key.key.empty() || !flags.key.id.empty();
  const size_t named =
      size_t{is_key} + flags.prefix.size() + size_t{flags.expired} + size_t{flags.all};
  if (named != 1) {
    throw Failure(
        ExitCode::usage,
        "name what to purge, and only one: a KEY, --id HEX, --prefix HEX, --expired or --all; see "
        "`xord store purge --help`");
  }
  if (flags.all && !flags.yes) {
    throw Failure(ExitCode::usage, "--all erases every record: add --yes if you mean it");
  }
  PurgeSelection selection;
  selection.is_expired_only = flags.expired;
  if (is_key) {
    selection.prefix = key_of(app, flags.key, HexKey::is_id).id;
    selection.prefix_bits = id_bits;
  }
  if (!flags.prefix.empty()) {
    const std::string& digits = flags.prefix[0];
    const size_t missing = 2 * id_size - std::min(2 * id_size, digits.size());
    const auto prefix = Id::from_hex(digits + std::string(missing, '0'));
    if (digits.empty() || !prefix) {
      throw Failure(ExitCode::usage,
                    "--prefix \"" + digits +
                        "\" is not the beginning of an id: write 1 to 40 hexadecimal "
                        "digits");
    }
    selection.prefix = *prefix;
    selection.prefix_bits = static_cast<uint32_t>(4 * digits.size());
  }
  return selection;
}

uint64_t ask_running(const std::string& data_dir, const PurgeSelection& selection) {
  if (selection.is_expired_only) {
    throw Failure(ExitCode::environment,
                  "a node is running on " + data_dir +
                      "; it serves nothing expired and frees the space by itself: stop it to "
                      "do so at once");
  }
  nlohmann::ordered_json request = {{"command", "purge"}};
  if (selection.prefix_bits == 0) {
    request["all"] = true;
  } else {
    CHECK(selection.prefix_bits % 4 == 0);  // Given in digits.
    request["prefix"] = selection.prefix.hex().substr(0, selection.prefix_bits / 4);
  }
  return ask_control(data_dir, request, answer_within).at("purged").get<uint64_t>();
}

void add_purge_flags(CLI::App& app, PurgeFlags& flags) {
  add_key_flags(app, flags.key, HexKey::is_id);
  app.get_option("KEY")->type_name("(KEY | --id HEX | --prefix HEX | --expired | --all --yes)");
  add_repeatable(app, "--prefix", flags.prefix, "All keys whose ids begin with these digits")
      ->type_name("HEX");
  app.add_flag("--expired", flags.expired, "Expired records, and the space they take on disk");
  app.add_flag("--all", flags.all, "Every record");
  app.add_flag("--yes", flags.yes, "Confirm --all");
}

}  // namespace

ExitCode store_purge_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Erase records that a node keeps, for good.", "xord store purge");
  DataDirFlags flags;
  PurgeFlags purge_flags;
  add_purge_flags(app, purge_flags);
  add_data_dir_flag(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "A running node does this itself and continues to serve. Other nodes keep their copies, and\n"
      "may store one here again.\n"
      "Exit codes: 0 done, 1 there was no such KEY, 4 the environment.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const PurgeSelection selection = selection_of(app, purge_flags);
  const std::string data_dir = data_dir_of(flags, terminal);
  auto reading = open_unless_held(data_dir);
  const bool is_running = reading == nullptr;
  reading.reset();
  const Interrupt interrupt;
  const uint64_t purged =
      is_running ? ask_running(data_dir, selection) : purge_records(data_dir, selection, terminal);
  if (flags.json) {
    terminal.out << json_text(nlohmann::ordered_json{{"purged", purged}}) << '\n';
  } else {
    terminal.out << "purged " << counted(purged, "record") << '\n';
  }
  const bool is_missing = purged == 0 && selection.prefix_bits == id_bits;
  return is_missing ? ExitCode::not_found : ExitCode::done;
}

}  // namespace xord
