// `xord stats`: what the running node of this host has counted; with --watch, how fast.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "node/server/log/json_text.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/units.h"
#include "tools/control/node_flags.h"
#include "tools/control/show_answer.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

constexpr int rows_between_headings = 20;

// The figures that say most, as those of the log's line `totals`.
struct Totals {
  double uptime = 0;  // Seconds.
  uint64_t requests = 0;
  uint64_t replies = 0;
  uint64_t malformed = 0;
  uint64_t calls = 0;
  uint64_t unanswered = 0;
  uint64_t stores = 0;
  uint64_t refused = 0;
  uint64_t contacts = 0;
  uint64_t records = 0;
};

uint64_t sum_of(const Json& counts, std::string_view prefix) {
  uint64_t sum = 0;
  for (const auto& [name, count] : counts.items()) {
    if (name.starts_with(prefix)) sum += count.get<uint64_t>();
  }
  return sum;
}

Totals totals_of(const Json& stats) {
  const Json& total = stats.at("total");
  const Json& node = total.at("node");
  const auto counted = [&node](const char* name) { return node.at(name).get<uint64_t>(); };
  Totals totals;
  totals.uptime = stats.at("uptime_seconds").get<double>();
  totals.requests = sum_of(node, "requests_");
  totals.replies = counted("replies_sent");
  totals.malformed = sum_of(total.at("malformed"), "");
  totals.calls = counted("calls_sent");
  totals.unanswered = counted("calls_failed");
  totals.stores = counted("stores_acknowledged");
  totals.refused = counted("stores_refused");
  totals.contacts = stats.at("contacts").get<uint64_t>();
  totals.records = stats.at("records").get<uint64_t>();
  return totals;
}

void print(const Json& stats, Terminal& terminal) {
  const Totals totals = totals_of(stats);
  const auto row = [&](const char* name, const std::string& value) {
    terminal.out << fmt::format("{:<10}  {}\n", name, value);
  };
  row("up for", show_age(seconds(static_cast<int64_t>(totals.uptime))));
  row("requests", fmt::format("{}, {} of them malformed", totals.requests + totals.malformed,
                              totals.malformed));
  row("replies", std::to_string(totals.replies));
  row("calls", fmt::format("{}, {} of them unanswered", totals.calls, totals.unanswered));
  row("stores", fmt::format("{} acknowledged, {} refused", totals.stores, totals.refused));
  row("contacts", std::to_string(totals.contacts));
  row("records", std::to_string(totals.records));
}

// A second's worth of what was counted between two looks. A node that started again begins at 0.
std::string rate(uint64_t before, uint64_t now, double lasted) {
  CHECK(lasted > 0);
  return fmt::format("{:.0f}", static_cast<double>(now >= before ? now - before : now) / lasted);
}

void print_rates(const Totals& before, const Totals& now, Terminal& terminal) {
  const double lasted = now.uptime > before.uptime ? now.uptime - before.uptime : now.uptime;
  const auto each = [&](uint64_t Totals::*figure) {
    return rate(before.*figure, now.*figure, std::max(lasted, 0.001));
  };
  terminal.out << fmt::format("{:>10}  {:>10}  {:>8}  {:>8}  {:>8}  {:>8}  {:>10}\n",
                              each(&Totals::requests), each(&Totals::replies), each(&Totals::calls),
                              each(&Totals::stores), each(&Totals::refused), now.contacts,
                              now.records)
               << std::flush;
}

// False if a signal came.
bool wait_until(MonotonicTime at) {
  while (monotonic_time() < at) {
    if (Interrupt::requested()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return !Interrupt::requested();
}

void watch(const NodePlace& place, bool is_json, Terminal& terminal) {
  const Interrupt interrupt;
  const auto node = open_node(place);
  std::optional<Totals> before;
  int rows = 0;
  MonotonicTime next = monotonic_time();
  do {
    const Json stats = node->ask({{"command", "stats"}});
    next = next + seconds(1);
    if (is_json) {
      terminal.out << json_text(stats) << '\n' << std::flush;
      continue;
    }
    const Totals now = totals_of(stats);
    if (before) {
      if (rows++ % rows_between_headings == 0) {
        terminal.out << "REQUESTS/S   REPLIES/S   CALLS/S  STORES/S  REFUSED/S  CONTACTS     "
                        "RECORDS\n";
      }
      print_rates(*before, now, terminal);
    }
    before = now;
  } while (wait_until(next));
}

}  // namespace

ExitCode stats_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Show what the running node on this host has counted.", "xord stats");
  NodeFlags flags;
  bool is_watching = false;
  add_node_flags(app, flags);
  add_json_flag(app, flags);
  app.add_flag("--watch", is_watching, "Show each second what came in it, until Ctrl-C");
  app.footer(
      "--json: all counters, as docs/CONTROL.md names them; with --watch a line each second.\n"
      "Exit codes: 0 done, 1 refused, 2, 4 no node answers.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  if (is_watching) {
    watch(place_of(flags, terminal), flags.json, terminal);
    return ExitCode::done;
  }
  const Json stats = ask_node(flags, terminal, {{"command", "stats"}});
  show_answer(stats, flags.json, terminal, print);
  return ExitCode::done;
}

}  // namespace xord
