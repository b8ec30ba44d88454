// `xord load`: puts a node under load and measures how it answers.
#include "node/server/log/json_text.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/output_file.h"
#include "tools/load/load_flags.h"
#include "tools/load/load_report.h"

namespace xord {
namespace {

void write_hgrm(const std::string& file, const std::vector<StepResult>& steps) {
  for (size_t i = 0; i < steps.size(); ++i) {
    const std::string name = i == 0 ? file : file + "." + std::to_string(i + 1);
    OutputFile out(name);
    out.append(hgrm_of(steps[i].latency));
    out.finish();
  }
}

ExitCode exit_code_of(const LoadPlan& plan, const LoadResult& result) {
  for (const StepResult& step : result.steps) {
    if (step.was_interrupted) return ExitCode::interrupted;
    if (step.wrong() > 0) return ExitCode::not_found;
    if (step.answered() == 0 && step.sent() > 0) return ExitCode::no_answer;
  }
  return plan.find_max && !result.best ? ExitCode::not_found : ExitCode::done;
}

}  // namespace

ExitCode load_command(Arguments arguments, Terminal& terminal) {
  const auto plan = parse_load_flags(arguments, terminal);
  if (!plan) return ExitCode::done;
  const Interrupt interrupt;
  LoadTables tables(*plan, plan->json ? nullptr : &terminal.out,
                    terminal.is_watched ? &terminal.err : nullptr);
  const LoadResult result = run_load(*plan, tables);
  tables.finished(result);
  if (!plan->hgrm_file.empty()) write_hgrm(plan->hgrm_file, result.steps);
  if (plan->json) terminal.out << json_text(json_of(*plan, result)) << '\n';
  return exit_code_of(*plan, result);
}

}  // namespace xord
