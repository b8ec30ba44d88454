// `xord explain`: what the node of this host does with an address, and why.
#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/cli/units.h"
#include "tools/control/node_flags.h"
#include "tools/control/show_answer.h"
#include "tools/control/source_address.h"

namespace xord {

namespace {

using Json = nlohmann::ordered_json;

std::string sentence_of(const std::string& verdict) {
  if (verdict == "pinged first") return "must answer a ping before it is served";
  if (verdict == "held") return "has requests that wait until it answers a ping";
  if (verdict == "thinned") return "is served in part";
  if (verdict == "limited") return "has had its share for now";
  return "is served";
}

void print_network(const Json& network, Terminal& terminal) {
  const auto line = [&](std::string_view what, const std::string& text) {
    terminal.out << fmt::format("{:<9} {}\n", what, text);
  };
  line("network", network.at("network").get<std::string>());
  for (const Json& proven : network.at("proven")) {
    line("proven", proven.at("endpoint").get<std::string>() + " for another " +
                       show_age(seconds(proven.at("until_s").get<int64_t>())));
  }
  line("held", std::to_string(network.at("held").get<uint64_t>()));
  line("passing", fmt::format("{:.0f} %", 100 * network.at("passing").get<double>()));
  for (const Json& contact : network.at("contacts")) {
    line("contact", contact.at("endpoint").get<std::string>() + " " +
                        contact.at("state").get<std::string>() + " " +
                        contact.at("id").get<std::string>());
  }
  for (const Json& prefix : network.at("table")) {
    line("table",
         fmt::format("{}: {} of at most {} contacts", prefix.at("prefix").get<std::string>(),
                     prefix.at("contacts").get<uint64_t>(), prefix.at("most").get<uint64_t>()));
  }
}

void print(const Json& answer, Terminal& terminal) {
  terminal.out << answer.at("address").get<std::string>() << ' '
               << sentence_of(answer.at("verdict").get<std::string>()) << '\n';
  for (const Json& why : answer.at("because")) {
    terminal.out << "  " << why.get<std::string>() << '\n';
  }
  for (const Json& network : answer.at("networks")) print_network(network, terminal);
}

}  // namespace

ExitCode explain_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Tell whether the node of this host serves an address, and why not.",
               "xord explain");
  NodeFlags flags;
  std::vector<std::string> address;
  add_argument(app, "ADDRESS", address, "The address of a source, without a port");
  add_node_flags(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "`xord limits ADDRESS` shows what is charged to it. --json: {\"address\", \"verdict\",\n"
      "\"because\", \"trusted\", \"limits\", \"exempt\", \"networks\", \"prefixes\"}.\n"
      "Exit codes: 0, 2, 4.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const Json answer = ask_node(
      flags, terminal,
      {{"command", "explain"}, {"address", source_address(required(app, "ADDRESS", address))}});
  show_answer(answer, flags.json, terminal, print);
  return ExitCode::done;
}

}  // namespace xord
