// What a load run concludes from a flood, and a flood against a real node. No test here measures
// speed: `xord load --overload` does.
#include "tools/load/overload.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "node/server/server.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"
#include "tools/load/load_report.h"
#include "tools/load/load_run.h"

namespace xord {
namespace {

StepResult step_of(uint64_t sent, uint64_t answered, Duration length) {
  StepResult step;
  step.length = length;
  step.kinds[0].sent = sent;
  step.kinds[0].verdicts[static_cast<size_t>(Verdict::right)] = answered;
  return step;
}

TEST(Overload, ComparesTheFloodWithWhatTheClosedLoopReached) {
  const StepResult peak = step_of(1000, 1000, seconds(1));
  const StepResult flood = step_of(20'000, 1800, seconds(2));
  const OverloadResult result = overload_of(peak, flood, {});
  EXPECT_DOUBLE_EQ(result.multiple, 10);
  EXPECT_DOUBLE_EQ(result.goodput_share, 0.9);
  EXPECT_EQ(result.recovered_after, std::nullopt);
}

TEST(Overload, ANodeIsBackWithTheFirstSliceThatReachesItsShare) {
  const StepResult peak = step_of(1000, 1000, seconds(1));
  const RecoverySlice slices[] = {{milliseconds(300), 0},
                                  {milliseconds(400), 849},
                                  {milliseconds(500), 850},
                                  {milliseconds(600), 10},
                                  {milliseconds(700), 999}};
  EXPECT_EQ(overload_of(peak, peak, slices).recovered_after, milliseconds(500));
  EXPECT_EQ(overload_of(peak, peak, std::span(slices).first(2)).recovered_after, std::nullopt);
}

TEST(Overload, ANodeThatAnswersNothingIsNoDivisionByZero) {
  const StepResult nothing = step_of(0, 0, Duration{});
  const OverloadResult result = overload_of(nothing, nothing, {});
  EXPECT_EQ(result.multiple, 0);
  EXPECT_EQ(result.goodput_share, 0);
}

struct Unwatched : LoadObserver {
  void warming(std::string_view, uint64_t, uint64_t) override {}
  void warmed(const LoadResult&) override {}
  void stepping(const StepProgress&) override {}
  void stepped(const StepResult&) override {}
};

TEST(Overload, AFloodedNodeGivesNoWrongAnswerAndAnswersOn) {
  for (const uint32_t shards : {1u, 2u}) {
    TemporaryDirectory directory;
    Server server;
    ASSERT_FALSE(server.start(loopback_config(directory.at("data"), shards)));
    LoadPlan plan;
    plan.target = server.endpoints().front();
    plan.overload = true;
    plan.mix = {60, 0, 20, 10, 10};
    plan.sources = 4;
    plan.window = 16;
    plan.settling = milliseconds(10);
    plan.length = milliseconds(500);
    plan.waiting = Waiting::sleep;
    plan.server_pid = getpid();
    plan.seed = shards;
    Unwatched observer;
    const LoadResult result = run_load(plan, observer);
    ASSERT_EQ(result.steps.size(), 2u);
    uint64_t answered = 0;  // By either step: a busy machine may give one of them no time at all.
    for (const StepResult& step : result.steps) {
      EXPECT_EQ(step.wrong(), 0u);
      answered += step.answered();
    }
    ASSERT_TRUE(result.overload);
    EXPECT_GT(answered, 0u);
    EXPECT_GT(result.overload->memory_before, 0u);
    EXPECT_GT(result.overload->memory_after, 0u);
    // The flood is over, and forgotten.
    RawPeer peer(shards);
    EXPECT_TRUE(peer.call([&] { return peer.send_ping(plan.target.port); }));
    const nlohmann::json json = json_of(plan, result);
    EXPECT_TRUE(json["steps"][1]["flood"].get<bool>());
    EXPECT_EQ(json["overload"]["multiple"].get<double>(), result.overload->multiple);
  }
}

}  // namespace
}  // namespace xord
