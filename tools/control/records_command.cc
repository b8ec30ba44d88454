// `xord records`: which records a running node holds, without their values.
#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/cli/key_flags.h"
#include "tools/cli/units.h"
#include "tools/control/list_pages.h"
#include "tools/control/node_flags.h"

namespace xord {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* row_format = "{:<40}  {:<5}  {:>6}  {:>10}  {:>10}\n";

std::string line_of(const Json& record) {
  const Json& type = record.at("type");
  return fmt::format(fmt::runtime(row_format), record.at("id").get<std::string>(),
                     type.is_null() ? "-" : type.get<std::string>(),
                     record.at("value_bytes").get<uint32_t>(),
                     show_age(seconds(record.at("published_ago_s").get<int64_t>())),
                     show_age(seconds(record.at("expires_in_s").get<int64_t>())));
}

}  // namespace

ExitCode records_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("List the records that the node of this host holds.", "xord records");
  NodeFlags flags;
  KeyFlags key;
  std::vector<std::string> prefix;
  add_key_flags(app, key, HexKey::is_id);
  app.get_option("KEY")->type_name("[KEY]");
  add_repeatable(app, "--prefix", prefix, "Those whose ids begin with these hexadecimal digits")
      ->type_name("HEX");
  add_node_flags(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "In the order of their ids, without values: `xord get` prints one. The type is not known of\n"
      "a value that is on disk only. --json: a list of {\"id\", \"type\", \"value_bytes\",\n"
      "\"published_ago_s\", \"stored_ago_s\", \"expires_in_s\", \"is_in_memory\"}.\n"
      "Exit codes: 0, 1 (KEY: the node does not hold it), 2, 4.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const bool is_one = !key.key.empty() || !key.id.empty();
  if (is_one && !prefix.empty()) refuse("records takes a KEY or --prefix, not both");
  Json request = {{"command", "records"}};
  std::string quoted;
  if (is_one) {
    const Key wanted = key_of(app, key, HexKey::is_id);
    request["id"] = wanted.id.hex();
    quoted = wanted.quoted();
  }
  if (!prefix.empty()) request["prefix"] = one_value("--prefix", prefix);
  const auto node = open_node(place_of(flags, terminal));
  ListPrinter list({.heading = fmt::format(fmt::runtime(row_format), "ID", "TYPE", "BYTES",
                                           "PUBLISHED", "EXPIRES IN"),
                    .line_of = line_of,
                    .empty = "no records\n"},
                   flags.json, terminal);
  for_each_row(*node, request, "records", [&](const Json& row) { list.add(row); });
  if (is_one && list.count() == 0) {
    throw Failure(ExitCode::not_found,
                  "the node does not hold " + quoted + "; `xord get` asks the network for it");
  }
  list.end();
  return ExitCode::done;
}

}  // namespace xord
