// `xord store stats`: counts what a node keeps. A running node is asked for its own counters.
#include <fmt/format.h>

#include "node/server/log/json_text.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/units.h"
#include "tools/control/control_client.h"
#include "tools/control/data_dir_flags.h"
#include "tools/store/open_directory.h"
#include "tools/store/store_commands.h"
#include "tools/store/store_stats.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration answer_within = seconds(10);

void print_running(const Json& stats, Terminal& terminal) {
  const Json& storage = stats.at("total").at("storage");
  terminal.out << fmt::format(
      "a node is running\n"
      "id             {}\n"
      "up for         {}\n"
      "database       {}\n"
      "records        {}\n"
      "value bytes    {} (cache uses {})\n"
      "contacts       {}\n",
      stats.at("id").get<std::string>(),
      show_age(seconds(static_cast<int64_t>(stats.at("uptime_seconds").get<double>()))),
      stats.at("storage_state").get<std::string>(), stats.at("records").get<uint64_t>(),
      storage.at("value_bytes").get<uint64_t>(), storage.at("cached_bytes").get<uint64_t>(),
      stats.at("contacts").get<uint64_t>());
}

void ask_running(const std::string& data_dir, const DataDirFlags& flags, Terminal& terminal) {
  const Json stats = ask_control(data_dir, {{"command", "stats"}}, answer_within);
  if (!flags.json) return print_running(stats, terminal);
  terminal.out << json_text(Json{{"running", true}, {"stats", stats}}) << '\n';
}

}  // namespace

ExitCode store_stats_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Count the records that a node keeps, and the space they take.", "xord store stats");
  DataDirFlags flags;
  add_data_dir_flag(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "A running node reports its counters; for a stopped one every record is read.\n"
      "Exit codes: 0 done, 4 the directory cannot be read.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const std::string data_dir = data_dir_of(flags, terminal);
  auto directory = open_unless_held(data_dir);
  if (directory == nullptr) {
    ask_running(data_dir, flags, terminal);
    return ExitCode::done;
  }
  const Interrupt interrupt;
  const StoreStats stats = count_records(StoredRecords(std::move(directory)), terminal);
  if (!flags.json) {
    terminal.out << stats.text();
    return ExitCode::done;
  }
  Json shown = {{"running", false}};
  shown.update(stats.json());
  terminal.out << json_text(shown) << '\n';
  return ExitCode::done;
}

}  // namespace xord
