// `xord ping`: shows one node's id and how long its answer took, once or repeatedly.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "node/server/log/json_text.h"
#include "reactor/base/check.h"
#include "reactor/monotonic.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/units.h"
#include "tools/cli/value_flags.h"
#include "tools/client/client_flags.h"

namespace xord {
namespace {

constexpr uint64_t count_most = 1'000'000'000;
constexpr Duration counted_timeout = seconds(1);  // For each of several pings.
// A signal during the wait for the next ping is noticed at most this much later.
constexpr Duration looked_each = milliseconds(50);

constexpr ValueFlag series_flags[] = {
    {"--count", "N", "Ping this many times, without retries, and print a summary"},
    {"--interval", "DURATION", "With --count: time from one ping to the next [1s]"},
};

std::string answer_line(const FoundNode& node) {
  return fmt::format("{} at {} answered in {:.3f} ms\n", node.contact.id.hex(),
                     node.contact.endpoint.text(), milliseconds_of(node.round_trip));
}

ExitCode ping_once(const ClientFlags& flags, Terminal& terminal) {
  ClientPlan plan;
  plan.task = ClientTask::ping;
  const FoundNode node = ask_network(flags, std::move(plan), terminal).nodes.at(0);
  terminal.out << (flags.json ? json_text(json_of(node)) + "\n" : answer_line(node));
  return ExitCode::done;
}

class PingSeries {
 public:
  PingSeries(const ClientFlags& flags, Terminal& terminal)
      : beginning_(beginning_of(flags, terminal)),
        timeout_(timeout_of(flags, counted_timeout)),
        is_json_(flags.json),
        terminal_(terminal) {}

  // Ends early on a signal.
  ExitCode run(uint64_t count, Duration interval) {
    const Interrupt interrupt;
    MonotonicTime next = monotonic_time();
    for (uint64_t i = 0; i < count && ping(); ++i) {
      next = next + interval;
      if (i + 1 < count && !wait_until(next)) break;
    }
    is_json_ ? print_json() : print();
    return answered_ > 0 ? ExitCode::done : ExitCode::no_answer;
  }

 private:
  // Returns false if a signal ended this ping, which then does not count.
  bool ping() {
    ClientPlan plan;
    plan.task = ClientTask::ping;
    plan.timeout = timeout_;
    plan.pings_max = 1;
    try {
      take(ask_network(beginning_, std::move(plan), terminal_).nodes.at(0));
    } catch (const Failure& failure) {
      if (failure.code() == ExitCode::interrupted) return false;
      if (failure.code() != ExitCode::no_answer) throw;
      ++sent_;
      show(std::string(failure.what()) + "\n");
    }
    return true;
  }
  void take(const FoundNode& node) {
    ++sent_;
    ++answered_;
    last_ = node;
    least_ = answered_ == 1 ? node.round_trip : std::min(least_, node.round_trip);
    most_ = std::max(most_, node.round_trip);
    sum_ = sum_ + node.round_trip;
    show(answer_line(node));
  }
  void show(const std::string& line) {
    if (!is_json_) terminal_.out << line << std::flush;
  }
  static bool wait_until(MonotonicTime moment) {
    for (;;) {
      if (Interrupt::requested()) return false;
      const Duration left = moment - monotonic_time();
      if (left <= Duration{}) return true;
      std::this_thread::sleep_for(
          std::chrono::nanoseconds(std::min(left, looked_each).nanoseconds));
    }
  }

  double loss() const {
    CHECK(answered_ <= sent_);
    if (sent_ == 0) return 0;
    return static_cast<double>(sent_ - answered_) / static_cast<double>(sent_);
  }
  double average() const {
    CHECK(answered_ > 0 && least_ <= most_);
    return milliseconds_of(sum_) / static_cast<double>(answered_);
  }
  void print() const {
    terminal_.out << fmt::format("{} sent, {} answered, {:.1f} % lost", sent_, answered_,
                                 100 * loss());
    if (answered_ > 0) {
      terminal_.out << fmt::format("; min/avg/max {:.3f}/{:.3f}/{:.3f} ms", milliseconds_of(least_),
                                   average(), milliseconds_of(most_));
    }
    terminal_.out << '\n';
  }
  void print_json() const {
    nlohmann::ordered_json shown = {
        {"sent", sent_}, {"answered", answered_}, {"loss_share", loss()}};
    if (answered_ > 0) {
      shown["id"] = last_.contact.id.hex();
      shown["endpoint"] = last_.contact.endpoint.text();
      shown["rtt_ms"] = {{"min", milliseconds_of(least_)},
                         {"avg", std::round(average() * 1e3) / 1e3},
                         {"max", milliseconds_of(most_)}};
    }
    terminal_.out << json_text(shown) << '\n';
  }

  const Beginning beginning_;
  const Duration timeout_;
  const bool is_json_;
  Terminal& terminal_;
  uint64_t sent_ = 0;
  uint64_t answered_ = 0;
  FoundNode last_;
  Duration least_;
  Duration most_;
  Duration sum_;
};

}  // namespace

ExitCode ping_command(Arguments arguments, Terminal& terminal) {
  CLI::App app("Check whether a node is up, and print its id.", "xord ping");
  ClientFlags flags;
  add_argument(app, "HOST:PORT", flags.via, "The node [the node of this host]")
      ->type_name("[HOST[:PORT]]");
  const ValueFlags series(app, series_flags);
  add_node_dir_flag(app, flags);
  add_common_flags(app, flags);
  app.footer(
      "Prints its id and the round trip. --json: {\"id\", \"endpoint\", \"rtt_ms\"}. With "
      "--count each\n"
      "ping is given up after --timeout [1s]; --json: {\"sent\", \"answered\", \"loss_share\", "
      "\"id\",\n"
      "\"endpoint\", \"rtt_ms\": {\"min\", \"avg\", \"max\"}}.\n"
      "Exit codes: 0 it answered, 3 it did not.");
  if (parse_flags(app, arguments, terminal) == Parsed::help_shown) return ExitCode::done;
  const auto count = series.count("--count", 1, count_most);
  const auto interval = series.duration("--interval", milliseconds(1));
  if (interval && !count) refuse("--interval is for several pings: add --count N, or leave it out");
  timeout_of(flags);
  if (!count) return ping_once(flags, terminal);
  return PingSeries(flags, terminal).run(*count, interval.value_or(seconds(1)));
}

}  // namespace xord
