// What a load run prints: for a person, for a program, for a plot.
#include "tools/load/load_report.h"

#include <gtest/gtest.h>

#include <cmath>
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
  const auto with_late = [&](int count) {  // Of 990 and these.
    StepResult step = good;
    for (int i = 0; i < count; ++i) step.latency.record(milliseconds(11));
    return step;
  };
  EXPECT_TRUE(holds_limits(limits, with_late(9))) << "p99 is asked for, not more";
  EXPECT_FALSE(holds_limits(limits, with_late(11)));
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

// Of 100,000 latencies a known share is slow, so that no two percentiles are alike.
StepResult step_of_known_percentiles() {
  StepResult step = step_of(1'000);
  KindResult& kind = step.kinds[static_cast<size_t>(RequestKind::find_node)];
  step.latency.clear();
  kind.latency.clear();
  const std::pair<int, Duration> parts[] = {{60'000, milliseconds(1)}, {32'000, milliseconds(2)},
                                            {4'000, milliseconds(3)},  {3'500, milliseconds(4)},
                                            {450, milliseconds(5)},    {45, milliseconds(6)},
                                            {5, milliseconds(7)}};
  for (const auto& [count, latency] : parts) {
    for (int i = 0; i < count; ++i) {
      step.latency.record(latency);
      kind.latency.record(latency * 10);
    }
  }
  return step;
}

// The numbers of a line, from the `from`-th on, rounded to whole ones.
std::vector<long> numbers_of(const std::string& line, size_t from) {
  std::istringstream words(line);
  std::vector<long> numbers;
  size_t at = 0;
  for (std::string word; words >> word; ++at) {
    if (at >= from) numbers.push_back(std::lround(std::stod(word)));
  }
  return numbers;
}

TEST(LoadReport, EachPercentileIsWhatItsNameSays) {
  LoadResult result;
  result.steps.push_back(step_of_known_percentiles());
  const nlohmann::json step = json_of(plan(), result)["steps"][0];
  const std::pair<const char*, double> all[] = {{"p50", 1'000}, {"p90", 2'000},   {"p95", 3'000},
                                                {"p99", 4'000}, {"p99.9", 5'000}, {"p99.99", 6'000},
                                                {"max", 7'000}};
  for (const auto& [name, wanted] : all) {
    const auto said = step["latency_us"][name].get<double>();
    EXPECT_NEAR(said, wanted, wanted / 128) << name;
    const auto of_kind = step["kinds"]["find_node"]["latency_us"][name].get<double>();
    EXPECT_NEAR(of_kind, 10 * wanted, 10 * wanted / 128) << name;
  }
  EXPECT_NEAR(step["latency_us"]["mean"].get<double>(), 1'525.55, 0.01);

  std::ostringstream out;
  const LoadPlan running = plan();
  LoadTables(running, &out, nullptr).stepped(result.steps[0]);
  std::istringstream lines(out.str());
  std::string head;
  std::string row;
  std::string of_kind;
  std::getline(lines, head);
  std::getline(lines, row);
  std::getline(lines, of_kind);
  const size_t columns = head.find("p50 ms");
  ASSERT_NE(columns, std::string::npos) << head;
  EXPECT_EQ(head.substr(columns), "p50 ms      p99    p99.9   p99.99      max");
  EXPECT_EQ(numbers_of(row, 5), (std::vector<long>{1, 4, 5, 6, 7})) << row;
  EXPECT_EQ(numbers_of(of_kind, 7), (std::vector<long>{10, 40, 50, 60, 70})) << of_kind;

  StepProgress second;
  second.p50 = milliseconds(2);
  second.p99 = milliseconds(9);
  std::ostringstream passing;
  LoadTables(running, &out, &passing).stepping(second);
  EXPECT_NE(passing.str().find("p50 2.000 ms  p99 9.000 ms"), std::string::npos) << passing.str();
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
