// `xord contacts`: the routing table of a running node, contact by contact.
#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/cli/units.h"
#include "tools/control/list_pages.h"
#include "tools/control/node_flags.h"

namespace xord {

namespace {

using Json = nlohmann::ordered_json;

// Columns fit an IPv4 endpoint; a longer one moves the rest of its line.
constexpr const char* row_format = "{:<40}  {:<21}  {:<7}  {:>5}  {:>8}  {:>9}  {:>8}\n";

std::string line_of(const Json& contact) {
  const Json& answered = contact.at("answered_ago_s");
  const Json& round_trip = contact.at("srtt_ms");
  return fmt::format(
      fmt::runtime(row_format), contact.at("id").get<std::string>(),
      contact.at("endpoint").get<std::string>(), contact.at("state").get<std::string>(),
      contact.at("depth").get<uint32_t>(),
      answered.is_null() ? "never" : show_age(seconds(answered.get<int64_t>())),
      round_trip.is_null() ? "-" : fmt::format("{:.1f} ms", round_trip.get<double>()),
      contact.at("failures").get<uint32_t>());
}

}  // namespace

ExitCode contacts_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("List the nodes in the routing table of the node of this host.", "xord contacts");
  NodeFlags flags;
  std::vector<std::string> near;
  std::vector<std::string> state;
  add_repeatable(app, "--near", near, "Those nearest to an id first: 1 to 40 hexadecimal digits")
      ->type_name("HEX");
  add_repeatable(app, "--state", state, "Only those: trusted, doubted, awaited or silent")
      ->type_name("STATE");
  add_node_flags(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "Without --near in the order of their ids. An answer names trusted contacts at once, "
      "doubted\n"
      "ones too, which it pings, awaited ones if they answer a ping, and silent ones never.\n"
      "--json: a list of {\"id\", \"endpoint\", \"state\", \"answered_ago_s\", \"up_s\", "
      "\"srtt_ms\",\n\"failures\", \"depth\"}. Exit codes: 0, 2, 4.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  Json request = {{"command", "contacts"}};
  if (!near.empty()) request["near"] = one_value("--near", near);
  if (!state.empty()) request["state"] = one_value("--state", state);
  const auto node = open_node(place_of(flags, terminal));
  ListPrinter list({.heading = fmt::format(fmt::runtime(row_format), "ID", "ENDPOINT", "STATE",
                                           "DEPTH", "ANSWERED", "RTT", "FAILURES"),
                    .line_of = line_of,
                    .empty = "no contacts\n"},
                   flags.json, terminal);
  for_each_row(*node, request, "contacts", [&](const Json& row) { list.add(row); });
  list.end();
  return ExitCode::done;
}

}  // namespace xord
