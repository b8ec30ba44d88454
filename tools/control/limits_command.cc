// `xord limits`: what a running node charges to an address or to those that have taken most, and
// which limits hold.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "node/admission/ledger.h"
#include "node/server/log/json_text.h"
#include "tools/cli/commands.h"
#include "tools/cli/units.h"
#include "tools/control/node_flags.h"
#include "tools/control/show_answer.h"
#include "tools/control/source_address.h"

namespace xord {

namespace {

using Json = nlohmann::ordered_json;

// Charges decay: one that stays the same is what comes in within ledger_memory.
double a_second(const Json& charged, const std::string& name) {
  return charged.at(name).get<double>() / ledger_memory.seconds();
}

// "excess for 1m5s: 12 refused, the last 2s ago, open again in 1.5s"
std::string limited_text(const Json& limits) {
  std::string text;
  for (const Json& limit : limits) {
    const auto refused = limit.at("refused").get<uint64_t>();
    if (refused == 0) continue;
    const auto for_s = limit.at("since_s").get<int64_t>();
    const auto ago_s = limit.at("last_s").get<int64_t>();
    const auto until_s = limit.at("until_s").get<double>();
    text += fmt::format("{}{} since {} ago: {} refused, the last {} ago, {}",
                        text.empty() ? "" : "; ", limit.at("limit").get<std::string>(),
                        show_age(seconds(for_s)), refused, show_age(seconds(ago_s)),
                        until_s > 0 ? fmt::format("until in {:.1f}s", until_s) : "open now");
  }
  return text.empty() ? "no" : text;
}

double percent_of(const Json& charges, size_t index) {
  const Json& limit = charges.at("limits").at(index);
  const auto charged = charges.at("charged").at(limit.at("limit").get<std::string>()).get<double>();
  return 100 * charged / std::max(limit.at("most").get<double>(), 1.0);
}

constexpr const char* row_format = "{:<{}}  {:>14} {:>6}  {:>10} {:>6}{}  {}\n";

// The cell of a charge that has no column otherwise.
std::string further_cell(const std::string& text) {
  return fmt::format("  {:>10}", text);
}

// `by`: as the request names it; empty: not at all.
void print_table(const Json& answer, const std::string& by, Terminal& terminal) {
  const Json& prefixes = answer.at("prefixes");
  size_t width = 6;
  for (const Json& each : prefixes) {
    width = std::max(width, each.at("prefix").get<std::string>().size());
  }
  const bool is_further = !by.empty() && by != "excess" && by != "reads";
  std::string title = by;
  for (char& letter : title) letter = static_cast<char>(std::toupper(letter));
  terminal.out << fmt::format(fmt::runtime(row_format), "PREFIX", width, "EXCESS", "LIMIT", "READS",
                              "LIMIT", is_further ? further_cell(title) : "", "LIMITED");
  for (const Json& each : prefixes) {
    const Json& charged = each.at("charged");
    terminal.out << fmt::format(
        fmt::runtime(row_format), each.at("prefix").get<std::string>(), width,
        fmt::format("{:.1f} KiB/s", a_second(charged, "excess") / 1024),
        fmt::format("{:.0f} %", percent_of(each, 0)),
        fmt::format("{:.1f} /s", a_second(charged, "reads")),
        fmt::format("{:.0f} %", percent_of(each, 1)),
        is_further ? further_cell(fmt::format("{:.1f} /s", a_second(charged, by))) : "",
        limited_text(each.at("limits")));
  }
}

void print(const Json& answer, const Json& request, Terminal& terminal) {
  const auto mode = answer.at("limits").get<std::string>();
  if (answer.value("exempt", false)) {
    terminal.out << request.value("address", "")
                 << " is exempt: " << answer.at("because").get<std::string>() << "\n";
    return;
  }
  if (mode != "on") {
    terminal.out << "limits are " << mode << ": nothing is refused"
                 << (mode == "off" ? " or charged\n" : ", and this is what would be\n");
  }
  if (mode == "off") return;
  if (answer.at("prefixes").empty()) {
    terminal.out << "nothing is charged to any address now\n";
    return;
  }
  print_table(answer, request.value("by", ""), terminal);
}

}  // namespace

ExitCode limits_command(Arguments arguments, Terminal& terminal) {
  CLI::App app(
      "Show what a running node of this host charges to an address, or to those that have taken "
      "most.",
      "xord limits");
  NodeFlags flags;
  std::vector<std::string> address;
  add_argument(app, "ADDRESS", address, "The address of a source, without a port")
      ->type_name("[ADDRESS]");
  std::vector<std::string> by;
  add_repeatable(app, "--by", by, "Those that took most of it: excess, reads, held, proofs, work")
      ->type_name("CHARGE");
  add_node_flags(app, flags);
  add_json_flag(app, flags);
  app.footer(
      "Without ADDRESS: the twenty prefixes that have taken the most of a limit, or of CHARGE:\n"
      "excess (bytes), reads (from disk), held or work (requests), proofs (endpoints). With it:\n"
      "the address, and the three prefixes around it. `xord run --limit-for CIDR=FACTOR` lets a\n"
      "gateway take more. --json: {\"limits\", \"exempt\", \"because\", \"prefixes\"}.\n"
      "Exit codes: 0 done, 1 refused, 2, 4 no node answers.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  Json request = {{"command", "limits"}};
  if (!address.empty()) request["address"] = source_address(one_value("ADDRESS", address));
  if (!by.empty()) request["by"] = one_value("--by", by);
  const Json answer = ask_node(flags, terminal, request);
  show_answer(answer, flags.json, terminal,
              [&request](const Json& shown, Terminal& to) { print(shown, request, to); });
  return ExitCode::done;
}

}  // namespace xord
