// The command line of `xord load`: what it is parsed to, and the message for each mistake.
#include "tools/load/load_flags.h"

#include <gtest/gtest.h>
#include <unistd.h>

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
  EXPECT_EQ(plan.mix, (std::array<uint32_t, request_kinds>{100, 0, 0, 0, 0}));
  EXPECT_TRUE(plan.rates.empty());
  EXPECT_EQ(plan.window, 64u);
  EXPECT_FALSE(plan.find_max);
  EXPECT_FALSE(plan.overload);
  EXPECT_EQ(plan.slo, milliseconds(10));
  EXPECT_EQ(plan.loss_max, 0.001);
  EXPECT_EQ(plan.length, seconds(10));
  EXPECT_EQ(plan.settling, seconds(1));
  EXPECT_EQ(plan.timeout, seconds(1));
  EXPECT_EQ(plan.sources, 16u);
  EXPECT_EQ(plan.contacts, 0u);
  EXPECT_EQ(plan.id_change_every, Duration{});
  EXPECT_EQ(plan.answer_pings, AnswerPings::yes);
  EXPECT_EQ(plan.keys, 10'000u);
  EXPECT_FALSE(plan.keys_are_stored);
  EXPECT_EQ(plan.key_spread, Spread::uniform);
  EXPECT_EQ(plan.zipf_exponent, 0.99);
  EXPECT_EQ(plan.value_sizes.least, 100u);
  EXPECT_EQ(plan.value_sizes.most, 100u);
  EXPECT_EQ(plan.value_sizes.spread, Spread::uniform);
  EXPECT_EQ(plan.near_bits, 0u);
  EXPECT_EQ(plan.check, CheckDepth::content);
  EXPECT_EQ(plan.waiting, Waiting::spin);
  EXPECT_EQ(plan.io, IoChoice::epoll);
  EXPECT_EQ(plan.server_pid, 0);
  EXPECT_FALSE(plan.json);
  EXPECT_EQ(plan.hgrm_file, "");
  EXPECT_EQ(plan.data_dir, "");
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

TEST(LoadFlags, TakeEachFlagForWhatItNames) {
  LoadPlan plan = plan_of({"--window",
                           "7",
                           "--slo",
                           "3ms",
                           "--duration",
                           "4s",
                           "--warm-up",
                           "0",
                           "--timeout",
                           "5s",
                           "--check",
                           "transaction",
                           "--io",
                           "auto",
                           "--hgrm",
                           "/plot",
                           "--json",
                           "--find-max",
                           "--stored",
                           "--seed",
                           "0",
                           "--server-pid",
                           std::to_string(getpid())});
  EXPECT_EQ(plan.window, 7u);
  EXPECT_EQ(plan.slo, milliseconds(3));
  EXPECT_EQ(plan.length, seconds(4));
  EXPECT_EQ(plan.settling, Duration{});
  EXPECT_EQ(plan.timeout, seconds(5));
  EXPECT_EQ(plan.check, CheckDepth::transaction);
  EXPECT_EQ(plan.io, IoChoice::automatic);
  EXPECT_EQ(plan.hgrm_file, "/plot");
  EXPECT_TRUE(plan.json);
  EXPECT_TRUE(plan.find_max);
  EXPECT_TRUE(plan.keys_are_stored);
  EXPECT_EQ(plan.seed, 0u);
  EXPECT_EQ(plan.server_pid, getpid());
  plan = plan_of({"--overload", "--io", "uring", "--check", "content", "--key-spread", "uniform",
                  "--value-spread", "uniform", "--value-size", "9", "--data-dir", "/d"});
  EXPECT_TRUE(plan.overload);
  EXPECT_EQ(plan.data_dir, "/d");
  EXPECT_EQ(plan.io, IoChoice::uring);
  EXPECT_EQ(plan.check, CheckDepth::content);
  EXPECT_EQ(plan.value_sizes.least, 9u);
  EXPECT_EQ(plan.value_sizes.most, 9u);
  EXPECT_EQ(plan_of({"--io", "epoll"}).io, IoChoice::epoll);
}

// What --help and docs/commands/load.md name as the least and the most of each flag.
struct Bound {
  const char* flag;
  std::vector<std::string> taken;
  std::vector<std::string> refused;
};

TEST(LoadFlags, ReachFromTheLeastToTheMostOfTheirDocumentation) {
  const std::string most_rates = "1" + [] {
    std::string rest;
    for (int i = 1; i < 64; ++i) rest += ",1";
    return rest;
  }();
  const Bound bounds[] = {
      {"--window", {"1", "65536"}, {"0", "65537"}},
      {"--keys", {"1", "100M"}, {"0", "100000001"}},
      {"--near-id", {"0", "128"}, {"129"}},
      {"--seed", {"0", "18446744073709551615"}, {"18446744073709551616", "-1"}},
      {"--sources", {"1", "1M"}, {"0", "1000001"}},
      {"--contacts", {"0", "999984"}, {"999985", "1000001"}},  // With the 16 sources a million.
      {"--rate", {"1", "10M", most_rates}, {"0", "10000001", most_rates + ",1", ""}},
      {"--mix", {"ping=1", "ping=1M"}, {"ping=1000001", "ping=", "=1", "ping=1,", "ping1"}},
      {"--value-size", {"0", "8137", "5-5", "0-8137"}, {"8138", "6-5", "5-", "-5", "5-8138"}},
      {"--key-spread", {"zipf:0.001", "zipf:10"}, {"zipf:0", "zipf:10.001", "zipf:", "zipf:1x"}},
      {"--value-spread", {"zipf"}, {"normal"}},
      {"--slo", {"1us", "7d"}, {"999ns", "8d"}},
      {"--duration", {"10ms", "7d"}, {"9999us", "169h"}},
      {"--warm-up", {"0", "7d"}, {"169h"}},
      {"--timeout", {"1ms", "7d"}, {"999us", "169h"}},
      {"--id-change", {"10us", "7d"}, {"9999ns", "169h"}},
      {"--server-pid", {"1"}, {"0", "2147483648"}},
      {"--io", {"epoll", "uring", "auto"}, {"kqueue"}}};
  for (const auto& [flag, taken, refused] : bounds) {
    for (const std::string& text : taken) {
      EXPECT_NO_THROW(plan_of({flag, text})) << flag << ' ' << text;
    }
    for (const std::string& text : refused) {
      try {
        plan_of({flag, text});
        ADD_FAILURE() << flag << ' ' << text;
      } catch (const Failure& failure) {
        EXPECT_EQ(failure.code(), ExitCode::usage);
        EXPECT_NE(std::string(failure.what()).find(flag), std::string::npos) << failure.what();
      }
    }
  }
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
    testing::Values(
        Mistake{{}, "--target HOST[:PORT]"},
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
        Mistake{{flag, target, "--slo", "1ms", "--slo", "2ms"}, "--slo is given 2 times"},
        Mistake{{flag, target, "--value-size", "9k"}, "--value-size \"9k\""},
        Mistake{{flag, target, "--value-size", "20-10"}, "--value-size \"20-10\""},
        Mistake{{flag, target, "--key-spread", "zipf:0"}, "zipf:1.2"},
        Mistake{{flag, target, "--key-spread", "normal"}, "\"normal\""},
        Mistake{{flag, target, "--near-id", "200"}, "--near-id \"200\""},
        Mistake{{flag, target, "--stored"}, "needs the --seed"},
        Mistake{{flag, target, "--data-dir", "/d", "--check", "transaction"}, "--data-dir is of"},
        Mistake{{flag, target, "--check", "none"}, "--check \"none\""},
        Mistake{{flag, target, "--sources", "2M"}, "--sources \"2M\""},
        Mistake{{flag, "192.0.2.1:9", "--sources", "17"}, "can have 16 at most"},
        Mistake{{flag, "192.0.2.1:9", "--sources", "10", "--contacts", "7"},
                "--sources and --contacts are 17 together: 192.0.2.1:9 can have 16"},
        Mistake{{flag, target, "--overload", "--find-max"}, "leave --rate and --find-max out"},
        Mistake{{flag, target, "--overload", "--rate", "1"}, "leave --rate and --find-max out"},
        Mistake{{flag, target, "--value-spread", "flat"}, "\"flat\" is neither uniform nor zipf"},
        Mistake{{flag, target, "--value-size", "9k"}, "with at most 8137 bytes"},
        Mistake{{flag, target, "--io", "kqueue"}, "is not epoll, uring or auto"},
        Mistake{{flag, target, "--check", "all"}, "neither content nor transaction"},
        Mistake{{flag, target, "--tarfet", "x"}, "perhaps you mean --target"}));

}  // namespace
}  // namespace xord
