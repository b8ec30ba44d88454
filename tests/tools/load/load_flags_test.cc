// The command line of `xord load`: what it is parsed to, and the message for each mistake.
#include "tools/load/load_flags.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tools/cli/cli.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

LoadPlan plan_of(std::vector<std::string> arguments) {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, {}};
  arguments.insert(arguments.begin(), {"--target", "127.0.0.1:8468"});
  const auto plan = parse_load_flags(arguments, terminal);
  CHECK(plan.has_value());
  return *plan;
}

uint32_t share_of(const LoadPlan& plan, RequestKind kind) {
  return plan.mix[static_cast<size_t>(kind)];
}

TEST(LoadFlags, TakeTheMixOfTheirDocumentation) {
  const LoadPlan plan =
      plan_of({"--mix", "find_node=70,find_value_hit=10,find_value_miss=10,store=5,ping=5"});
  EXPECT_EQ(share_of(plan, RequestKind::find_node), 70u);
  EXPECT_EQ(share_of(plan, RequestKind::find_value_hit), 10u);
  EXPECT_EQ(share_of(plan, RequestKind::find_value_miss), 10u);
  EXPECT_EQ(share_of(plan, RequestKind::store), 5u);
  EXPECT_EQ(share_of(plan, RequestKind::ping), 5u);
  EXPECT_EQ(share_of(plan_of({"--mix", "ping=1"}), RequestKind::find_node), 0u)
      << "what is not named is not asked";
}

TEST(LoadFlags, PutFindNodeAloneThroughAClosedLoopByDefault) {
  const LoadPlan plan = plan_of({});
  EXPECT_EQ(plan.target, *Endpoint::parse("127.0.0.1:8468"));
  EXPECT_GT(share_of(plan, RequestKind::find_node), 0u);
  EXPECT_TRUE(plan.rates.empty());
  EXPECT_EQ(plan.window, 64u);
  EXPECT_EQ(plan.sources, 16u);
  EXPECT_EQ(plan.answer_pings, AnswerPings::yes);
  EXPECT_EQ(plan.check, CheckDepth::content);
  EXPECT_EQ(plan.loss_max, 0.001);
}

TEST(LoadFlags, TakeAListOfRatesWithUnits) {
  EXPECT_EQ(plan_of({"--rate", "500,10k,1M"}).rates, (std::vector<double>{500, 10'000, 1'000'000}));
}

TEST(LoadFlags, TakeDistributionsOfKeysAndSizes) {
  LoadPlan plan = plan_of({"--key-spread", "zipf:1.2", "--keys", "5k", "--value-size", "10-8000",
                           "--value-spread", "zipf", "--near-id", "12", "--seed", "7"});
  EXPECT_EQ(plan.key_spread, Spread::zipf);
  EXPECT_EQ(plan.zipf_exponent, 1.2);
  EXPECT_EQ(plan.keys, 5'000u);
  EXPECT_EQ(plan.value_sizes.least, 10u);
  EXPECT_EQ(plan.value_sizes.most, 8'000u);
  EXPECT_EQ(plan.value_sizes.spread, Spread::zipf);
  EXPECT_EQ(plan.near_bits, 12u);
  EXPECT_EQ(plan.seed, 7u);
  EXPECT_EQ(plan_of({"--key-spread", "zipf"}).zipf_exponent, 0.99);
}

TEST(LoadFlags, DrawAnotherSeedEachTimeWhenNoneIsGiven) {
  EXPECT_NE(plan_of({}).seed, plan_of({}).seed);
}

TEST(LoadFlags, TakeTheSourcesThatALoopbackTargetCanHave) {
  const LoadPlan plan = plan_of(
      {"--sources", "10k", "--contacts", "2k", "--id-change", "10ms", "--no-answer", "--sleep"});
  EXPECT_EQ(plan.sources, 10'000u);
  EXPECT_EQ(plan.contacts, 2'000u);
  EXPECT_EQ(plan.id_change_every, milliseconds(10));
  EXPECT_EQ(plan.answer_pings, AnswerPings::no);
  EXPECT_EQ(plan.waiting, Waiting::sleep);
}

TEST(LoadFlags, GiveSourcesIdsOfTheirOwnOnlyWhenTheTableIsMeant) {
  EXPECT_FALSE(plan_of({}).is_filed);
  EXPECT_FALSE(plan_of({"--sources", "10k"}).is_filed);
  EXPECT_TRUE(plan_of({"--contacts", "0"}).is_filed);
  EXPECT_TRUE(plan_of({"--contacts", "2k"}).is_filed);
  EXPECT_TRUE(plan_of({"--id-change", "10ms"}).is_filed);
}

struct Mistake {
  std::vector<std::string> arguments;
  std::string named;  // The sentence contains this.
};
void PrintTo(const Mistake& mistake, std::ostream* out) {
  for (const std::string& argument : mistake.arguments) *out << ' ' << argument;
}

class LoadFlagMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(LoadFlagMistakes, AreOneSentenceThatNamesThem) {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, {}};
  std::vector<std::string> arguments = {"load"};
  arguments.insert(arguments.end(), GetParam().arguments.begin(), GetParam().arguments.end());
  EXPECT_EQ(run_cli(arguments, terminal), ExitCode::usage);
  EXPECT_EQ(out.str(), "");
  EXPECT_NE(err.str().find(GetParam().named), std::string::npos) << err.str();
  EXPECT_EQ(err.str().find('\n'), err.str().size() - 1) << err.str();
}

const std::string flag = "--target";
const std::string target = "127.0.0.1:9";

INSTANTIATE_TEST_SUITE_P(
    Every, LoadFlagMistakes,
    testing::Values(Mistake{{}, "--target HOST[:PORT]"},
                    Mistake{{flag, "no body"}, "\"no body\" is not HOST:PORT"},
                    Mistake{{flag, target, "--mix", "get=1"}, "\"get=1\""},
                    Mistake{{flag, target, "--mix", "ping"}, "\"ping\""},
                    Mistake{{flag, target, "--mix", "ping=-1"}, "\"ping=-1\""},
                    Mistake{{flag, target, "--mix", "ping=0,store=0"}, "asks for nothing"},
                    Mistake{{flag, target, "--rate", "0"}, "--rate \"0\""},
                    Mistake{{flag, target, "--rate", "10,fast"}, "--rate \"fast\""},
                    Mistake{{flag, target, "--rate", "11M"}, "--rate \"11M\""},
                    Mistake{{flag, target, "--find-max", "--rate", "10"}, "leave --rate out"},
                    Mistake{{flag, target, "--window", "0"}, "--window \"0\""},
                    Mistake{{flag, target, "--slo", "10"}, "--slo \"10\""},
                    Mistake{{flag, target, "--slo", "1ms", "--slo", "2ms"},
                            "--slo is given 2 times"},
                    Mistake{{flag, target, "--value-size", "9k"}, "--value-size \"9k\""},
                    Mistake{{flag, target, "--value-size", "20-10"}, "--value-size \"20-10\""},
                    Mistake{{flag, target, "--key-spread", "zipf:0"}, "zipf:1.2"},
                    Mistake{{flag, target, "--key-spread", "normal"}, "\"normal\""},
                    Mistake{{flag, target, "--near-id", "200"}, "--near-id \"200\""},
                    Mistake{{flag, target, "--stored"}, "needs the --seed"},
                    Mistake{{flag, target, "--check", "none"}, "--check \"none\""},
                    Mistake{{flag, target, "--sources", "2M"}, "--sources \"2M\""},
                    Mistake{{flag, "192.0.2.1:9", "--sources", "17"}, "can have 16 at most"},
                    Mistake{{flag, target, "--tarfet", "x"}, "perhaps you mean --target"}));

}  // namespace
}  // namespace xord
