// What the report of a simulation says of the samples that it is given.
#include "tools/sim/command/sim_report.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

TEST(SimReport, EachQuantileIsWhatItsNameSays) {
  sim::Setup setup;
  setup.nodes = 10;
  setup.length = hours(1);
  sim::SimulationReport report;
  report.hours = 1;
  sim::OperationStats& gets = report.gets;
  gets.begun = 1'000;
  gets.right = 1'000;
  for (int i = 0; i < 1'000; ++i) {
    gets.seconds.add(i);
    gets.asked.add(2 * i);
    gets.hops.add(3 * i);
  }
  const nlohmann::json all = json_of(setup, report);
  const nlohmann::json& said = all.at("get");
  EXPECT_EQ(said.at("seconds_mean"), 499.5);
  EXPECT_EQ(said.at("seconds_p50"), 500);
  EXPECT_EQ(said.at("seconds_p99"), 989);
  EXPECT_EQ(said.at("calls_mean"), 999);
  EXPECT_EQ(said.at("hops_mean"), 1'498.5);
  EXPECT_EQ(said.at("hops_p99"), 2'967);
  const std::string text = text_of(setup, report);
  EXPECT_NE(text.find("500.000 / 989.000       999.0 / 1978    1498.50 / 2967\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace xord
