// `xord published`: what a running node publishes anew each day, by `xord set --keep`.
#include <fmt/format.h>

#include "tools/commands.h"
#include "tools/control_client.h"
#include "tools/store/store_flags.h"
#include "tools/units.h"

namespace xord {

ExitCode published_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("List the keys that a running node of this host publishes anew each day.",
               "xord published");
  StoreFlags flags;
  add_data_dir_flag(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "`xord set KEY VALUE --keep` puts a key into the list, `xord forget KEY` takes it out.\n"
      "--json: a list of {\"id\", \"value_bytes\", \"published_ago_s\"}. Exit codes: 0, 4.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const nlohmann::ordered_json list =
      ask_control(data_dir_of(flags, terminal), {{"command", "published"}});
  if (flags.json) {
    terminal.out << list.dump() << '\n';
    return ExitCode::done;
  }
  for (const auto& published : list) {
    const auto ago = published.at("published_ago_s").get<int64_t>();
    terminal.out << fmt::format(
        "{} {} bytes, {}\n", published.at("id").get<std::string>(),
        published.at("value_bytes").get<uint64_t>(),
        ago >= 86'400 ? "to be published" : "published " + show_duration(seconds(ago)) + " ago");
  }
  return ExitCode::done;
}

}  // namespace xord
