// What a load run prints: for a person, for a program, for a plot.
#include "tools/load/load_report.h"

#include <gtest/gtest.h>

#include <algorithm>
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

// Limited by its answers and its silence.
StepResult limited_step(uint64_t cut, uint64_t silent) {
  StepResult step;
  KindResult& find = step.kinds[static_cast<size_t>(RequestKind::find_node)];
  find.sent = 200;
  find.verdicts[static_cast<size_t>(Verdict::right)] = 200 - cut;
  find.verdicts[static_cast<size_t>(Verdict::cut)] = cut;
  step.uncut_again = cut;
  KindResult& hit = step.kinds[static_cast<size_t>(RequestKind::find_value_hit)];
  hit.sent = 50;
  hit.lost = silent;
  hit.verdicts[static_cast<size_t>(Verdict::right)] = 50 - silent;
  step.beside = {100, 0, 50, silent};
  return step;
}

TEST(LoadReport, SaysThatTheTargetSeemsToLimitTheLoad) {
  LoadPlan running = plan();
  running.check = CheckDepth::transaction;  // For no line about contacts.
  LoadResult result;
  const auto said = [&] {
    std::ostringstream out;
    LoadTables(running, &out, nullptr).finished(result);
    return out.str();
  };
  const std::string hint =
      " (see `xord limits ADDRESS` at the target; --limit-for or --trusted-net there lifts it)\n";
  result.steps = {limited_step(0, 0)};
  EXPECT_EQ(said(), "");
  EXPECT_TRUE(json_of(running, result).at("limited").is_null());
  result.steps = {limited_step(120, 0), limited_step(0, 0)};
  EXPECT_EQ(said(),
            "the target seems to limit this load: 120 of 400 answers were cut to the size of "
            "their request" +
                hint);
  result.steps = {limited_step(0, 30)};
  EXPECT_EQ(
      said(),
      "the target seems to limit this load: 30 of 50 values got no answer while pings did" + hint);
  result.steps = {limited_step(120, 30)};
  EXPECT_EQ(said(),
            "the target seems to limit this load: 120 of 200 answers were cut to the size of their "
            "request, 30 of 50 values got no answer while pings did" +
                hint);
  const nlohmann::json expected = {
      {"cut", 120}, {"of_answers", 200}, {"silent", 30}, {"of_values", 50}};
  EXPECT_EQ(nlohmann::json(json_of(running, result))["limited"], expected);
}

TEST(LoadReport, SaysWhatTheNodeItselfCountedIfItWasAsked) {
  LoadPlan running = plan();
  running.check = CheckDepth::transaction;
  LoadResult result;
  const auto said = [&] {
    std::ostringstream out;
    LoadTables(running, &out, nullptr).finished(result);
    return out.str();
  };
  EXPECT_FALSE(json_of(running, result).contains("limited_by_node"));
  running.data_dir = "/d";
  EXPECT_EQ(said(), "the node did not say what it limited\n");
  EXPECT_TRUE(json_of(running, result).at("limited_by_node").is_null());
  result.limited_by_node = LimitedCounts{"off", 0, 0, 0, 0};
  EXPECT_EQ(said(), "the node limited nothing (limits: off)\n");
  result.limited_by_node = LimitedCounts{"on", 1, 2, 3, 4};
  EXPECT_EQ(said(),
            "the node limited: 1 answers cut, 2 values and 3 reads refused, 4 prefixes thinned "
            "out\n");
  const nlohmann::json expected = {
      {"limits", "on"}, {"contacts", 1}, {"values", 2}, {"reads", 3}, {"prefixes_thinned", 4}};
  EXPECT_EQ(nlohmann::json(json_of(running, result))["limited_by_node"], expected);
  result.limited_by_node->limits = "dry-run";
  EXPECT_EQ(said().rfind("the node would have limited: 1 answers cut", 0), 0u);
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

// Every figure differs from every other, so that none can stand in the place of another.
StepResult step_of_known_figures() {
  StepResult step;
  step.window = 32;
  step.length = milliseconds(2'500);
  step.unsent = 4;
  step.late_max = microseconds(1'234);
  KindResult& find = step.kinds[static_cast<size_t>(RequestKind::find_node)];
  find.sent = 40;
  find.lost = 2;
  find.verdicts[static_cast<size_t>(Verdict::right)] = 30;
  find.verdicts[static_cast<size_t>(Verdict::malformed)] = 3;
  find.verdicts[static_cast<size_t>(Verdict::wrong_id)] = 5;
  KindResult& store = step.kinds[static_cast<size_t>(RequestKind::store)];
  store.sent = 60;
  store.lost = 9;
  store.verdicts[static_cast<size_t>(Verdict::right)] = 37;
  store.verdicts[static_cast<size_t>(Verdict::refused)] = 14;
  step.strays = {11, 12, 13, 15, 16, 17, 18, 19};
  for (const int64_t each : {100, 200}) {
    step.latency.record(nanoseconds(each));
    find.latency.record(nanoseconds(each / 2));
  }
  return step;
}

nlohmann::json latency_json(double mean, double least, double most) {
  return {{"mean", mean}, {"max", most}, {"p50", least},  {"p90", most},
          {"p95", most},  {"p99", most}, {"p99.9", most}, {"p99.99", most}};
}

TEST(LoadReport, EachFigureOfAStepStandsUnderItsName) {
  LoadResult result;
  result.steps = {step_of_known_figures()};
  const nlohmann::json expected = {
      {"seconds", 2.5},
      {"sent", 100},
      {"unsent", 4},
      {"answered", 81},  // 30 and 37 right, 14 refused.
      {"rate", 32.4},
      {"lost", 15},
      {"loss_share", 15.0 / 104},
      {"wrong", 3 + 5 + 11 + 13 + 15},
      {"late_max_us", 1'234.0},
      {"window", 32},
      {"latency_us", latency_json(0.15, 0.1, 0.2)},
      {"strays",
       {{"unknown_transaction", 11},
        {"late", 12},
        {"wrong_source", 13},
        {"malformed", 15},
        {"strangers", 16},
        {"pings_answered", 17},
        {"pings_ignored", 18},
        {"requests", 19}}},
      {"kinds",
       {{"find_node",
         {{"sent", 40},
          {"right", 30},
          {"refused", 0},
          {"lost", 2},
          {"wrong", {{"malformed", 3}, {"wrong_id", 5}}},
          {"latency_us", latency_json(0.08, 0.05, 0.1)}}},  // To 10 ns: 0.075 is rounded.
        {"store",
         {{"sent", 60},
          {"right", 37},
          {"refused", 14},
          {"lost", 9},
          {"wrong", nlohmann::json::object()},
          {"latency_us", latency_json(0, 0, 0)}}}}}};
  EXPECT_EQ(nlohmann::json(json_of(plan(), result)["steps"][0]), expected);
}

TEST(LoadReport, AStepIsNamedByItsRateItsWindowOrAsAFlood) {
  LoadResult result;
  result.steps.resize(3);
  result.steps[0].rate_planned = 250;
  result.steps[1].window = 7;
  result.steps[2].window = no_window;
  std::ostringstream out;
  const LoadPlan running = plan();
  LoadTables tables(running, &out, nullptr);
  for (const StepResult& step : result.steps) tables.stepped(step);
  std::istringstream lines(out.str());
  std::vector<std::string> begin;
  for (std::string line; std::getline(lines, line);) {
    begin.push_back(line.substr(0, 12));
  }
  EXPECT_EQ(begin, (std::vector<std::string>{"   planned/s", "         250", "    window 7",
                                             "       flood"}))
      << "one head for all of them: " << out.str();
  const nlohmann::json steps = json_of(running, result)["steps"];
  const auto named = [&](size_t at) {
    std::vector<std::string> names;
    for (const char* name : {"rate_planned", "window", "flood"}) {
      if (steps[at].contains(name)) names.push_back(name);
    }
    return names;
  };
  EXPECT_EQ(named(0), (std::vector<std::string>{"rate_planned"}));
  EXPECT_EQ(named(1), (std::vector<std::string>{"window"}));
  EXPECT_EQ(named(2), (std::vector<std::string>{"flood"}));
}

TEST(LoadReport, TheTablesShowEachFigureOfAStep) {
  std::ostringstream out;
  const LoadPlan running = plan();
  LoadTables(running, &out, nullptr).stepped(step_of_known_figures());
  const std::string none = "   0.000    0.000    0.000    0.000    0.000\n";
  EXPECT_EQ(out.str(),
            "   planned/s  answered/s     lost  lost %    wrong   p50 ms      p99    p99.9   "
            "p99.99      max\n"
            "   window 32          32       15  14.423       47 " +
                none + "    find_node                40 sent        0 refused        2 lost  " +
                none +
                "      WRONG malformed: 3\n"
                "      WRONG wrong_id: 5\n"
                "    store                    60 sent       14 refused        9 lost  " +
                none +
                "    WRONG unknown transaction: 11, wrong source: 13, malformed: 15\n"
                "    datagrams from strangers: 16\n"
                "    late or repeated answers: 12\n"
                "    pings from the node not answered: 18\n"
                "    the generator itself was late: 4 not sent, up to 1.2 ms behind the plan\n");
}

TEST(LoadReport, WhatDidNotHappenIsNotMentioned) {
  const auto lines_of = [](const StepResult& step) {
    std::ostringstream out;
    const LoadPlan running = plan();
    LoadTables(running, &out, nullptr).stepped(step);
    const std::string text = out.str();
    return std::count(text.begin(), text.end(), '\n') - 2;  // Without the head and the step.
  };
  EXPECT_EQ(lines_of({}), 0);
  const auto with = [&](auto&& change) {
    StepResult step;
    change(step);
    return lines_of(step);
  };
  EXPECT_EQ(with([](StepResult& step) { step.strays.unknown_transaction = 1; }), 1);
  EXPECT_EQ(with([](StepResult& step) { step.strays.wrong_source = 1; }), 1);
  EXPECT_EQ(with([](StepResult& step) { step.strays.malformed = 1; }), 1);
  EXPECT_EQ(with([](StepResult& step) { step.strays.strangers = 1; }), 1);
  EXPECT_EQ(with([](StepResult& step) { step.strays.late = 1; }), 1);
  EXPECT_EQ(with([](StepResult& step) { step.strays.pings_ignored = 1; }), 1);
  EXPECT_EQ(with([](StepResult& step) { step.strays.pings_answered = 1; }), 0);
  EXPECT_EQ(with([](StepResult& step) { step.strays.requests = 1; }), 0);
  EXPECT_EQ(with([](StepResult& step) { step.unsent = 1; }), 1);
  EXPECT_EQ(with([](StepResult& step) { step.late_max = milliseconds(5); }), 0);
  EXPECT_EQ(with([](StepResult& step) { step.late_max = microseconds(5'001); }), 1);
  EXPECT_EQ(with([](StepResult& step) {
              step.server = ProcessTime{1, 1, 1};
            }),
            0)
      << "no answer, no cost of one";
}

// The exact time is split as the sampled ones are; where nothing was sampled, it is the system's.
TEST(LoadReport, AServersTimeIsSharedOutAsItWasSampled) {
  LoadResult result;
  result.steps = {step_of_known_figures()};  // 81 answers.
  const auto cost = [&](const ProcessTime& time) {
    result.steps[0].server = time;
    return nlohmann::json(json_of(plan(), result)["steps"][0]["server_ns_per_answer"]);
  };
  EXPECT_EQ(cost({8'100, 30, 10}), (nlohmann::json{{"all", 100}, {"user", 75}, {"system", 25}}));
  EXPECT_EQ(cost({8'100, 0, 0}), (nlohmann::json{{"all", 100}, {"user", 0}, {"system", 100}}));
  result.steps[0].server.reset();
  EXPECT_FALSE(json_of(plan(), result)["steps"][0].contains("server_ns_per_answer"));
}

TEST(LoadReport, JsonTellsTheRunBesidesItsSteps) {
  LoadPlan running = plan();
  running.sources = 5;
  running.mix = {1, 2, 3, 4, 6};
  LoadResult result;
  result.io = "uring";
  result.warm_up = {7, 8, 9, 10, 12, milliseconds(250)};
  Id node;
  node.bytes.fill(0xab);
  result.node = node;
  nlohmann::json expected = {{"target", "127.0.0.1:8468"},
                             {"seed", 7},
                             {"sources", 5},
                             {"io", "uring"},
                             {"node", node.hex()},
                             {"warm_up",
                              {{"sources", 7},
                               {"sources_failed", 8},
                               {"keys", 9},
                               {"keys_failed", 10},
                               {"contacts_in_answer", 12},
                               {"seconds", 0.25}}},
                             {"mix",
                              {{"find_node", 1},
                               {"find_value_hit", 2},
                               {"find_value_miss", 3},
                               {"store", 4},
                               {"ping", 6}}},
                             {"steps", nlohmann::json::array()},
                             {"limited", nullptr},
                             {"contacts_left", nullptr}};
  EXPECT_EQ(nlohmann::json(json_of(running, result)), expected);
  result.overload = OverloadResult{3.5, 0.75, std::nullopt, 1'000, 2'000};
  expected["overload"] = {{"multiple", 3.5},
                          {"goodput_share", 0.75},
                          {"recovered_after_s", nullptr},
                          {"memory_before", 1'000},
                          {"memory_after", 2'000}};
  running.find_max = true;
  expected["rate_max"] = nullptr;
  EXPECT_EQ(nlohmann::json(json_of(running, result)), expected);
  result.overload->recovered_after = milliseconds(1'500);
  expected["overload"]["recovered_after_s"] = 1.5;
  EXPECT_EQ(nlohmann::json(json_of(running, result)), expected);
}

TEST(LoadReport, TheWarmUpIsToldInTwoLines) {
  LoadPlan running = plan();
  running.sources = 5;
  LoadResult result;
  result.io = "epoll";
  result.warm_up.sources = 16;
  result.warm_up.contacts_in_answer = 20;
  result.warm_up.took = milliseconds(1'250);
  const auto said = [&] {
    std::ostringstream out;
    LoadTables tables(running, &out, nullptr);
    tables.warmed(result);
    return out.str();
  };
  EXPECT_EQ(said(),
            "load on 127.0.0.1:8468: 5 sources, seed 7, epoll, spinning\n"
            "warm-up: 16 sources answered, 20 contacts per answer, 1.25 s\n");
  running.waiting = Waiting::sleep;
  result.node = Id{};
  result.warm_up.sources_failed = 1;
  result.warm_up.keys = 1;
  result.warm_up.keys_failed = 1;
  EXPECT_EQ(said(), "load on 127.0.0.1:8468, node " + Id{}.hex() +
                        ": 5 sources, seed 7, epoll, sleeping\n"
                        "warm-up: 16 sources answered (1 did not), 1 keys stored (1 NOT), 20 "
                        "contacts per answer, 1.25 s\n");
}

TEST(LoadReport, ProgressIsOneLineForASecondOfTheWarmUpOrOfAStep) {
  std::ostringstream passing;
  const LoadPlan running = plan();
  LoadTables tables(running, nullptr, &passing);
  tables.warming("keys", 3, 10);
  StepProgress second{milliseconds(-1'500), 7, 8, 9, milliseconds(2), milliseconds(3)};
  tables.stepping(second);
  second.elapsed = Duration{};
  tables.stepping(second);
  const std::string figures = "         7/s  lost 8  wrong 9  p50 2.000 ms  p99 3.000 ms\n";
  EXPECT_EQ(passing.str(),
            "  warm-up: 3 of 10 keys\n  settling   1.5 s" + figures + "    0.0 s" + figures);
  LoadTables unwatched(running, nullptr, nullptr);  // JSON, and nobody looks on.
  unwatched.warming("keys", 3, 10);
  unwatched.warmed({});
  unwatched.stepped({});
  unwatched.finished({});
}

TEST(LoadReport, AnOverloadIsToldWithItsRecoveryAndTheMemoryIfItIsKnown) {
  LoadPlan running = plan();
  running.check = CheckDepth::transaction;
  LoadResult result;
  result.overload = OverloadResult{3.26, 0.754, milliseconds(400), 0, 0};
  const auto said = [&] {
    std::ostringstream out;
    LoadTables(running, &out, nullptr).finished(result);
    return out.str();
  };
  const std::string offered =
      "overload: 3.3 times what the closed loop reached was offered, by UDP_SEGMENT; 0.75 of it "
      "was answered\n";
  EXPECT_EQ(said(), offered + "back at 85 % 0.40 s after the flood\n");
  result.overload->recovered_after.reset();
  result.overload->memory_before = 1;
  result.overload->memory_after = 3 << 20;
  EXPECT_EQ(said(), offered +
                        "NOT back at 85 % within 30 slices of 0.1 s\n"
                        "resident memory of the node: 0.0 MiB before, 3.0 MiB after\n");
}

TEST(LoadReport, TheHighestRateIsToldWithItsLimits) {
  LoadPlan searching = plan();
  searching.find_max = true;
  searching.check = CheckDepth::transaction;
  LoadResult result;
  result.steps = {step_of(100), step_of(2'000), step_of(300)};
  const auto said = [&] {
    std::ostringstream out;
    LoadTables(searching, &out, nullptr).finished(result);
    return out.str();
  };
  EXPECT_EQ(said(), "no rate was within the limits\n");
  result.best = 1;
  EXPECT_EQ(said(), "highest rate with loss below 0.1 % and p99 at most 10ms: 2000/s\n");
  EXPECT_EQ(json_of(searching, result)["rate_max"], 2'000);
}

// By hand: of four latencies two are the first, and 1/(1-0.5) is 2; with the third, 1/(1-0.75).
TEST(LoadReport, HgrmHasALineForEachLatencyWithItsShare) {
  Histogram histogram;
  for (const int64_t each : {100, 100, 200, 255}) histogram.record(nanoseconds(each));
  EXPECT_EQ(hgrm_of(histogram),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
            "    0.000100 0.500000000000          2           2.00\n"
            "    0.000200 0.750000000000          3           4.00\n"
            "    0.000255 1.000000000000          4\n"
            "#[Mean    =     0.000164, Max =     0.000255]\n#[Total count = 4]\n");
}

TEST(LoadReport, NothingPlannedIsNoLoss) {
  EXPECT_EQ(StepResult{}.rate(), 0);
  EXPECT_EQ(StepResult{}.loss_share(), 0);
}

}  // namespace
}  // namespace xord
