// `xord status`: what the running node of this host is, and how it does, in a few lines.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "tools/cli/commands.h"
#include "tools/cli/units.h"
#include "tools/control/node_flags.h"
#include "tools/control/show_answer.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

std::string list_of(const Json& texts) {
  if (texts.empty()) return "none";
  return fmt::format("{}", fmt::join(texts.get<std::vector<std::string>>(), ", "));
}

void print(const Json& answer, Terminal& terminal) {
  const auto row = [&](const char* name, const std::string& value) {
    terminal.out << fmt::format("{:<9}  {}\n", name, value);
  };
  const auto uptime = static_cast<int64_t>(answer.at("uptime_s").get<double>());
  row("state", answer.at("state").get<std::string>());
  row("id", answer.at("id").get<std::string>());
  row("version", answer.at("version").get<std::string>());
  row("up for", show_age(seconds(uptime)));
  row("listen", list_of(answer.at("endpoints")));
  row("admin", list_of(answer.at("admin")));
  row("shards", fmt::format("{} ({})", answer.at("shards").get<uint32_t>(),
                            answer.at("io").get<std::string>()));
  row("contacts", fmt::format("{}, {} of them answer", answer.at("contacts").get<uint64_t>(),
                              answer.at("contacts_answerable").get<uint64_t>()));
  row("records", std::to_string(answer.at("records").get<uint64_t>()));
  row("storage", answer.at("storage_state").get<std::string>());
}

}  // namespace

ExitCode status_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Show what the running node on this host is, and how it does.", "xord status");
  NodeFlags flags;
  add_node_flags(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "The state is that of `xord health`, which says why. --json: as GET /v1/status.\n"
      "Exit codes: 0 done, 1 refused, 2, 4 no node answers.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const Json answer = ask_node(flags, terminal, {{"command", "status"}});
  show_answer(answer, flags.json, terminal, print);
  return ExitCode::done;
}

}  // namespace xord
