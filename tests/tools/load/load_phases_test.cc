// Parts of a load run that few runs come to: a signal while it settles, pings beside values that
// get no answer, a node that names nobody or falls silent.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <optional>

#include "tests/tools/load/scripted_node.h"
#include "tools/cli/interrupt.h"
#include "tools/load/load_run.h"

namespace xord {
namespace {

class Watching : public LoadObserver {
 public:
  void warming(std::string_view, uint64_t, uint64_t) override {}
  void warmed(const LoadResult&) override {}
  void stepping(const StepProgress& progress) override {
    told.push_back(progress);
    if (interrupts) raise(SIGINT);
  }
  void stepped(const StepResult& step) override { stepped_rates.push_back(step.rate_planned); }

  std::vector<StepProgress> told;
  std::vector<double> stepped_rates;
  bool interrupts = false;
};

class LoadPhases : public testing::Test {
 protected:
  LoadPhases() {
    plan_.mix = {};
    plan_.sources = 3;
    plan_.window = 1;
    plan_.length = milliseconds(10);
    plan_.settling = {};
    plan_.timeout = hours(1);
    plan_.waiting = Waiting::sleep;
    plan_.seed = 7;
    plan_.keys = 4;
  }
  void ask_only(RequestKind kind) { plan_.mix[static_cast<size_t>(kind)] = 1; }
  LoadResult run(const ScriptedNode& node) {
    plan_.target = node.endpoint();
    return run_load(plan_, watching_);
  }
  static const KindResult& of(const StepResult& step, RequestKind kind) {
    return step.kinds[static_cast<size_t>(kind)];
  }

  LoadPlan plan_;
  Watching watching_;
};

TEST_F(LoadPhases, AStepThatIsInterruptedWhileItSettlesHasMeasuredNothing) {
  ask_only(RequestKind::ping);
  plan_.settling = hours(1);
  watching_.interrupts = true;
  const ScriptedNode node;
  std::optional<LoadResult> result;
  {
    const Interrupt interrupt;
    result = run(node);
  }
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  ASSERT_EQ(watching_.told.size(), 1u);
  const StepProgress& second = watching_.told[0];
  EXPECT_GE(second.elapsed, seconds(1) - hours(1)) << "negative while it settles";
  EXPECT_LT(second.elapsed, minutes(2) - hours(1));
  EXPECT_GT(second.answered, 0u) << "the progress shows it all the same";
  ASSERT_EQ(result->steps.size(), 1u);
  const StepResult& step = result->steps[0];
  EXPECT_TRUE(step.was_interrupted);
  EXPECT_EQ(step.length, Duration{});
  EXPECT_EQ(step.sent(), 0u);
  EXPECT_EQ(step.answered(), 0u);
  EXPECT_EQ(step.lost(), 0u);
  EXPECT_EQ(step.latency.count(), 0u);
  EXPECT_EQ(step.rate(), 0);
  EXPECT_GT(node.count(Method::ping), 1u);
}

// The source whose value got no answer pings, since a limit may be its alone.
TEST_F(LoadPhases, ThePingsBesideComeFromTheSourceThatGotNoAnswer) {
  ask_only(RequestKind::find_value_hit);
  plan_.is_filed = true;
  plan_.length = milliseconds(300);
  plan_.timeout = milliseconds(20);
  std::optional<Id> victim;
  std::vector<Id> pinging;
  {
    const ScriptedNode node([&](const Request& request, const Packed& answer) {
      if (request.method == Method::ping) pinging.push_back(request.sender);
      if (request.method != Method::find_value) return Datagrams{answer};
      if (!victim && !pinging.empty() && request.sender != pinging[0]) victim = request.sender;
      return request.sender == victim ? Datagrams{} : Datagrams{answer};
    });
    const StepResult step = run(node).steps.at(0);
    EXPECT_GT(step.beside.sent, 0u);
    EXPECT_EQ(step.beside.lost, 0u);
    EXPECT_EQ(of(step, RequestKind::ping).sent, 0u) << "they are no part of the load";
  }
  ASSERT_TRUE(victim);
  ASSERT_GT(pinging.size(), 1u);
  for (size_t i = 1; i < pinging.size(); ++i) EXPECT_EQ(pinging[i], *victim);
}

// Silence says nothing where the sources are not proven, or the target is no node.
TEST_F(LoadPhases, NoPingsStandBesideALoadWhoseSilenceHasOtherReasons) {
  ask_only(RequestKind::find_value_hit);
  plan_.keys_are_stored = true;
  plan_.timeout = milliseconds(20);
  plan_.length = milliseconds(100);
  for (const bool is_node : {true, false}) {
    plan_.check = is_node ? CheckDepth::content : CheckDepth::transaction;
    plan_.answer_pings = is_node ? AnswerPings::no : AnswerPings::yes;
    const ScriptedNode node([](const Request& request, const Packed& answer) {
      return request.method == Method::find_value ? Datagrams{} : Datagrams{answer};
    });
    const StepResult step = run(node).steps.at(0);
    EXPECT_GT(of(step, RequestKind::find_value_hit).lost, 0u);
    EXPECT_EQ(step.beside.sent, 0u);
    EXPECT_EQ(node.count(Method::ping), is_node ? 1u : 0u);
  }
}

TEST_F(LoadPhases, ANodeThatNamesNobodyIsRight) {
  ask_only(RequestKind::find_node);
  const ScriptedNode node({}, 0);
  const LoadResult result = run(node);
  EXPECT_EQ(result.warm_up.contacts_in_answer, 0u);
  EXPECT_EQ(result.warm_up.sources, 3u);
  EXPECT_EQ(result.steps.at(0).wrong(), 0u);
  EXPECT_GT(result.steps[0].answered(), 0u);
}

TEST_F(LoadPhases, ASearchEndsWithTheClosedLoopWhereNothingIsAnswered) {
  ask_only(RequestKind::ping);
  plan_.find_max = true;
  plan_.timeout = milliseconds(20);
  std::atomic<int> pings{0};
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    return request.method == Method::ping && ++pings > 1 ? Datagrams{} : Datagrams{answer};
  });
  const LoadResult result = run(node);
  EXPECT_EQ(result.steps.size(), 1u);
  EXPECT_FALSE(result.best);
  EXPECT_EQ(watching_.stepped_rates, std::vector<double>{0});
}

TEST_F(LoadPhases, TheBestRateIsTheLastThatHeld) {
  ask_only(RequestKind::ping);
  plan_.find_max = true;
  plan_.loss_max = 2;
  plan_.slo = hours(1);
  plan_.timeout = milliseconds(500);  // At such rates the kernel may drop one.
  std::atomic<int> steps{0};
  // A liar from its third step on: the closed loop, one that holds, and those that do not.
  class Counting : public Watching {
   public:
    explicit Counting(std::atomic<int>& steps) : steps_(steps) {}
    void stepped(const StepResult&) override { ++steps_; }

   private:
    std::atomic<int>& steps_;
  } counting(steps);
  const ScriptedNode liar([&](const Request& request, const Packed& answer) {
    if (request.method != Method::ping || steps < 2) return Datagrams{answer};
    return Datagrams{datagram([&](MutableBytes out) {
      return rpcudp::encode_ping_reply(out, request.transaction, id_of(5));
    })};
  });
  plan_.target = liar.endpoint();
  const LoadResult result = run_load(plan_, counting);
  EXPECT_EQ(result.best, 1u);
  const double closed = result.steps.at(0).rate();
  // After 0.825 held: half of the way up to 1.1, and half of the way back each time.
  EXPECT_NEAR(result.steps.at(1).rate_planned, closed * 0.825, 1e-6);
  EXPECT_NEAR(result.steps.at(2).rate_planned, closed * 0.9625, 1e-6);
  EXPECT_NEAR(result.steps.at(3).rate_planned, closed * 0.89375, 1e-6);
  EXPECT_NEAR(result.steps.at(4).rate_planned, closed * 0.859375, 1e-6);
  EXPECT_NEAR(result.steps.at(5).rate_planned, closed * 0.8421875, 1e-6);
  ASSERT_EQ(result.steps.size(), 7u) << "the last of them is within 2 % of what held";
}

// A flood asks for more than can be answered: its questions are given up long before the timeout.
TEST_F(LoadPhases, AFloodThatIsNotAnsweredIsGivenUpAfterAMoment) {
  ask_only(RequestKind::ping);
  plan_.overload = true;
  plan_.timeout = minutes(1);
  std::atomic<bool> is_flooded{false};
  class Flooding : public Watching {
   public:
    explicit Flooding(std::atomic<bool>& is_flooded) : is_flooded_(is_flooded) {}
    void stepped(const StepResult& step) override { is_flooded_ = step.window != no_window; }

   private:
    std::atomic<bool>& is_flooded_;
  } flooding(is_flooded);
  const ScriptedNode node([&](const Request& request, const Packed& answer) {
    return request.method == Method::ping && is_flooded ? Datagrams{} : Datagrams{answer};
  });
  plan_.target = node.endpoint();
  plan_.sources = 2;
  const LoadResult result = run_load(plan_, flooding);
  ASSERT_EQ(result.steps.size(), 2u);
  EXPECT_GT(result.steps[1].sent(), 0u);
  EXPECT_EQ(result.steps[1].lost(), result.steps[1].sent());
  EXPECT_EQ(result.steps[1].answered(), 0u);
  ASSERT_TRUE(result.overload);
  EXPECT_EQ(result.overload->goodput_share, 0);
  EXPECT_GT(result.overload->multiple, 0);
}

// After the flood each source asks once in its turn again.
TEST_F(LoadPhases, TheLoopsAfterAFloodAreLikeTheOneBefore) {
  ask_only(RequestKind::ping);
  plan_.overload = true;
  plan_.timeout = seconds(1);
  const ScriptedNode node;
  const LoadResult result = run(node);
  ASSERT_TRUE(result.overload);
  const auto asked = node.asked();
  ASSERT_GT(asked.size(), 4u);
  // The last of all looks for contacts that were left; before it come those of the last slice.
  const size_t last = asked.size() - 2;
  EXPECT_NE(asked[last].from, asked[last - 1].from);
}

}  // namespace
}  // namespace xord
