// `xord sim`: simulates whole networks of xord nodes, one seed after the other.
#include <fmt/format.h>
#include <sys/resource.h>

#include <cmath>

#include "node/server/log/json_text.h"
#include "reactor/monotonic.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/output_file.h"
#include "tools/cli/progress.h"
#include "tools/sim/command/sim_flags.h"
#include "tools/sim/command/sim_plots.h"
#include "tools/sim/command/sim_report.h"

namespace xord {
namespace {

void show_share(double share, PassingLine& line) {
  if (!line.is_due()) return;
  const double elapsed = line.elapsed().seconds();
  line.show(fmt::format("  {:.0f} %, {:.0f} s left", std::floor(100 * share),
                        share > 0 ? elapsed / share - elapsed : 0.0));
}

void write_plot(const std::string& file, const std::string& svg) {
  OutputFile out(file);
  out.append(svg);
  out.finish();
}

// The peak memory of this process, over all seeds that it ran.
uint64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

// Runs one seed; false if a check failed. Failure (interrupted) within a virtual minute of a
// signal.
bool run_seed(const SimPlan& plan, uint64_t seed, Terminal& terminal) {
  const sim::Setup setup = setup_of(plan, seed);
  // Printed before the run, so that a broken invariant, which aborts, leaves the seed behind.
  terminal.err << sim::describe(setup) << std::flush;
  const MonotonicTime began = monotonic_time();
  sim::SimulationReport report;
  {
    PassingLine line(terminal);
    sim::Simulation simulation(setup);
    report = simulation.run([&](double share) {
      stop_if_interrupted();
      show_share(share, line);
    });
  }
  if (!plan.plot_file.empty()) write_plot(plan.plot_file, plot_of(command_of(plan, seed), report));
  if (plan.json) {
    nlohmann::ordered_json json = json_of(setup, report);
    json["real_seconds"] = (monotonic_time() - began).seconds();
    json["memory_bytes"] = peak_memory();
    terminal.out << json_text(json) << '\n';
  } else {
    terminal.out << text_of(setup, report);
  }
  if (!report.violation) return true;
  terminal.err << "xord: after " << (report.violation->at - Instant{}).seconds() << " s, host "
               << report.violation->host << ": " << report.violation->what << "; repeat with:\n  "
               << command_of(plan, seed) << '\n';
  return false;
}

}  // namespace

ExitCode sim_command(Arguments arguments, Terminal& terminal) {
  const auto plan = parse_sim_flags(arguments, terminal);
  if (!plan) return ExitCode::done;
  const Interrupt interrupt;
  const MonotonicTime began = monotonic_time();
  for (uint64_t i = 0;; ++i) {
    const bool goes_on =
        plan->for_time ? i == 0 || monotonic_time() - began < *plan->for_time : i < plan->seeds;
    if (!goes_on) break;
    stop_if_interrupted();
    if (!run_seed(*plan, plan->seed + i, terminal)) return ExitCode::not_found;
  }
  return ExitCode::done;
}

}  // namespace xord
