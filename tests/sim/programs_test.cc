// Programs start, do one thing and exit: what is counted, and what they leave behind.
#include "tools/sim/programs.h"

#include <gtest/gtest.h>

#include "tools/sim/simulation.h"

namespace xord::sim {
namespace {

constexpr uint32_t nodes = 24;

Setup few_minutes(Scenario scenario) {
  return scenario_setup(scenario, 1, nodes, minutes(6));
}

TEST(Programs, ComeForOneOperationAndAreGone) {
  const SimulationReport report = Simulation(few_minutes(Scenario::oneshot)).run();
  EXPECT_FALSE(report.violation);
  const PythonStats& programs = report.programs;
  EXPECT_GT(programs.bootstraps.begun, 30u);  // 72 on average.
  EXPECT_LE(programs.sets.begun + programs.gets.begun, programs.bootstraps.ended());
  EXPECT_GT(programs.sets.right, 0u);
  EXPECT_GT(programs.gets.right, 0u);
  EXPECT_EQ(programs.sets.cut_off + programs.gets.cut_off, 0u);
  EXPECT_GT(report.naming.down, 0u) << "tables name who was here";
  EXPECT_EQ(report.python.bootstraps.begun, 0u);
  EXPECT_EQ(report.moments.back().up, nodes) << "programs are not members";
}

TEST(Programs, StayAwayFromOtherScenarios) {
  sim::Setup setup = few_minutes(Scenario::churn);
  setup.churn.session_median = {};
  const SimulationReport report = Simulation(setup).run();
  EXPECT_EQ(report.programs.bootstraps.begun, 0u);
  EXPECT_EQ(report.naming.down, 0u);
}

TEST(PythonShare, TheirOperationsAreTimedApart) {
  sim::Setup setup = few_minutes(Scenario::churn);
  set_python(setup, 0.5);
  setup.workload.python_get_every = setup.workload.python_set_every = seconds(5);
  const SimulationReport report = Simulation(setup).run();
  EXPECT_FALSE(report.violation);
  EXPECT_GT(report.python.bootstraps.begun, 5u);
  EXPECT_LT(report.python.bootstraps.begun, report.joins.begun);
  EXPECT_GT(report.python.sets.right, 0u);
  EXPECT_GT(report.python.gets.right, 0u);
}

}  // namespace
}  // namespace xord::sim
