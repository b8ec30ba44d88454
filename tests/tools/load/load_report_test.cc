// What a load run prints: for a person, for a program, for a plot.
#include "tools/load/load_report.h"

#include <gtest/gtest.h>

#include <sstream>

namespace xord {
namespace {

StepResult step_of(double rate) {
  StepResult step;
  step.rate_planned = rate;
  step.length = seconds(2);
  KindResult& kind = step.kinds[static_cast<size_t>(RequestKind::find_node)];
  kind.sent = 1000;
  kind.lost = 10;
  kind.verdicts[static_cast<size_t>(Verdict::right)] = 980;
  kind.verdicts[static_cast<size_t>(Verdict::too_few_contacts)] = 10;
  for (int i = 1; i <= 990; ++i) {
    kind.latency.record(microseconds(i));
    step.latency.record(microseconds(i));
  }
  step.unsent = 1000;
  step.server = ProcessTime{980'000, 25'000'000, 75'000'000};
  return step;
}

LoadPlan plan() {
  LoadPlan plan;
  plan.target = *Endpoint::parse("127.0.0.1:8468");
  plan.seed = 7;
  return plan;
}

TEST(LoadReport, RateAndLossAreThoseOfRightAnswersAndOfAllThatWasPlanned) {
  const StepResult step = step_of(1'000);
  EXPECT_EQ(step.rate(), 490);
  EXPECT_EQ(step.lost(), 1'010u);
  EXPECT_DOUBLE_EQ(step.loss_share(), 1'010.0 / 2'000);
  EXPECT_EQ(step.wrong(), 10u);
}

TEST(LoadReport, AStepHoldsTheLimitsOnlyWithoutALieWithLittleLossAndInTime) {
  const LoadPlan limits = plan();
  StepResult good = step_of(1'000);
  good.unsent = 0;
  KindResult& kind = good.kinds[static_cast<size_t>(RequestKind::find_node)];
  kind.verdicts[static_cast<size_t>(Verdict::too_few_contacts)] = 0;
  kind.lost = 0;
  EXPECT_TRUE(holds_limits(limits, good));
  StepResult late = good;
  for (int i = 0; i < 100; ++i) late.latency.record(milliseconds(11));
  EXPECT_FALSE(holds_limits(limits, late));
  StepResult lossy = good;
  lossy.kinds[0].lost = 1;
  EXPECT_FALSE(holds_limits(limits, lossy)) << "0.1 % is too much: below it is asked for";
  StepResult lied = good;
  lied.strays.wrong_source = 1;
  EXPECT_FALSE(holds_limits(limits, lied));
}

TEST(LoadReport, JsonHasTheFieldsOfItsDocumentation) {
  LoadPlan searching = plan();
  searching.find_max = true;
  LoadResult result;
  result.io = "epoll";
  result.steps.push_back(step_of(1'000));
  result.best = 0;
  const nlohmann::json json = json_of(searching, result);
  EXPECT_EQ(json["target"], "127.0.0.1:8468");
  EXPECT_EQ(json["seed"], 7);
  EXPECT_EQ(json["rate_max"], 1'000);
  const nlohmann::json& step = json["steps"][0];
  EXPECT_EQ(step["rate_planned"], 1'000);
  EXPECT_EQ(step["rate"], 490);
  EXPECT_EQ(step["lost"], 1'010);
  EXPECT_EQ(step["unsent"], 1'000);
  EXPECT_EQ(step["wrong"], 10);
  EXPECT_EQ(step["kinds"]["find_node"]["wrong"]["too_few_contacts"], 10);
  EXPECT_FALSE(step["kinds"].contains("store")) << "none was sent";
  // 990 latencies of 1 to 990 us; a bucket of the histogram is 1/128 wide.
  EXPECT_NEAR(step["latency_us"]["p50"].get<double>(), 495, 5);
  EXPECT_EQ(step["latency_us"]["max"], 990);
  EXPECT_EQ(step["server_ns_per_answer"]["all"], 1'000);
  EXPECT_EQ(step["server_ns_per_answer"]["user"], 250);
  EXPECT_EQ(step["server_ns_per_answer"]["system"], 750);
}

TEST(LoadReport, TablesNameEachKindOfLie) {
  std::ostringstream out;
  const LoadPlan running = plan();
  LoadTables tables(running, &out, nullptr);
  tables.stepped(step_of(1'000));
  EXPECT_NE(out.str().find("WRONG too_few_contacts: 10"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("1000 not sent"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("1000 ns of CPU per answer (250 user, 750 system)"), std::string::npos)
      << out.str();
}

TEST(LoadReport, SaysHowManyContactsAreLeftOrThatItDoesNotKnow) {
  const LoadPlan running = plan();
  LoadResult result;
  const auto said = [&] {
    std::ostringstream out;
    LoadTables(running, &out, nullptr).finished(result);
    return out.str();
  };
  EXPECT_EQ(said(), "the node did not say whether contacts were left in its table\n");
  EXPECT_TRUE(json_of(running, result)["contacts_left"].is_null());
  result.contacts_left = 16;
  EXPECT_EQ(said(), "left 16 contacts in the node's table\n");
  EXPECT_EQ(json_of(running, result)["contacts_left"], 16);
  result.contacts_left = 1;
  EXPECT_EQ(said(), "left 1 contact in the node's table\n");
}

TEST(LoadReport, ProgressIsForAPersonOnly) {
  std::ostringstream out;
  std::ostringstream passing;
  const LoadPlan running = plan();
  StepProgress second;
  second.elapsed = seconds(3);
  second.answered = 12'345;
  LoadTables(running, &out, nullptr).stepping(second);
  LoadTables(running, &out, &passing).stepping(second);
  EXPECT_EQ(out.str(), "");
  EXPECT_NE(passing.str().find("12345/s"), std::string::npos) << passing.str();
}

TEST(LoadReport, HgrmEndsAtTheMaximumAndCountsEverything) {
  const std::string hgrm = hgrm_of(step_of(1'000).latency);
  EXPECT_NE(hgrm.find("Value     Percentile TotalCount"), std::string::npos);
  EXPECT_NE(hgrm.find("0.990000 1.000000000000        990"), std::string::npos) << hgrm;
  EXPECT_NE(hgrm.find("#[Total count = 990]"), std::string::npos);
}

}  // namespace
}  // namespace xord
