// `xord published`: lists what a running node publishes again each day, added by `xord set --keep`.
#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/cli/counted.h"
#include "tools/cli/units.h"
#include "tools/control/control_client.h"
#include "tools/control/data_dir_flags.h"
#include "tools/control/list_pages.h"

namespace xord {

namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const Json& published) {
  const auto ago = published.at("published_ago_s").get<int64_t>();
  return fmt::format(
      "{} {}, {}\n", published.at("id").get<std::string>(),
      counted(published.at("value_bytes").get<uint64_t>(), "byte"),
      ago >= 86'400 ? "to be published" : "published " + show_age(seconds(ago)) + " ago");
}

}  // namespace

ExitCode published_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("List the keys that a running node of this host publishes again each day.",
               "xord published");
  DataDirFlags flags;
  add_data_dir_flag(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "`xord set KEY VALUE --keep` puts a key into the list, `xord forget KEY` takes it out.\n"
      "--json: a list of {\"id\", \"value_bytes\", \"published_ago_s\"}. Exit codes: 0, 4.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  ControlClient node(data_dir_of(flags, terminal));
  ListPrinter list({.heading = "", .line_of = line_of, .empty = ""}, flags.json, terminal);
  for_each_row(node, {{"command", "published"}}, "keys", [&](const Json& row) { list.add(row); });
  list.end();
  return ExitCode::done;
}

}  // namespace xord
