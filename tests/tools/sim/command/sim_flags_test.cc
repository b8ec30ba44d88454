// The flags of `xord sim`: their bounds and defaults, where each ends in the setup, and the
// sentence for each mistake.
#include "tools/sim/command/sim_flags.h"

#include <gtest/gtest.h>

#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "reactor/base/check.h"
#include "tools/cli/failure.h"

namespace xord {
namespace {

SimPlan plan_of(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err, {}};
  const auto plan = parse_sim_flags(arguments, terminal);
  CHECK(plan.has_value());
  return *plan;
}
sim::Setup setup_with(const std::vector<std::string>& arguments) {
  return setup_of(plan_of(arguments), 7);
}
// The sentence with which they are refused; empty if they are taken.
std::string refusal_of(const std::vector<std::string>& arguments) {
  try {
    plan_of(arguments);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ExitCode::usage);
    return failure.what();
  }
  return "";
}

struct CountFlag {
  const char* name;
  uint64_t least;
  uint64_t most;
  std::optional<uint64_t> (*of)(const SimPlan&);
};
template <class Number>
std::optional<uint64_t> widened(const Number& number) {
  return std::optional<uint64_t>(number);
}
const CountFlag count_flags[] = {
    {"--nodes", 3, 4'000'000, [](const SimPlan& p) { return widened(p.nodes); }},
    {"--shards", 1, 64, [](const SimPlan& p) { return widened(p.shards); }},
    {"--records", 1, 1'000'000, [](const SimPlan& p) { return widened(p.records); }},
    {"--published", 1, 1'000'000, [](const SimPlan& p) { return widened(p.published); }},
    {"--buckets", 8, 2'560, [](const SimPlan& p) { return widened(p.buckets); }},
    {"--seed", 0, UINT64_MAX, [](const SimPlan& p) { return widened(p.seed); }},
    {"--seeds", 1, UINT32_MAX, [](const SimPlan& p) { return widened(p.seeds); }},
    {"--disjoint-paths", 1, 8, [](const SimPlan& p) { return widened(p.disjoint_paths); }},
};

TEST(SimFlags, CountsHaveBounds) {
  for (const CountFlag& flag : count_flags) {
    for (const uint64_t count : {flag.least, flag.most}) {
      EXPECT_EQ(flag.of(plan_of({flag.name, std::to_string(count)})), count) << flag.name;
    }
    const std::string range =
        "\" is not a count from " + std::to_string(flag.least) + " to " + std::to_string(flag.most);
    if (flag.least > 0) {
      const std::string less = std::to_string(flag.least - 1);
      EXPECT_EQ(refusal_of({flag.name, less}), flag.name + (" \"" + less) + range);
    }
    if (flag.most < UINT64_MAX) {
      const std::string more = std::to_string(flag.most + 1);
      EXPECT_EQ(refusal_of({flag.name, more}), flag.name + (" \"" + more) + range);
    }
    EXPECT_NE(refusal_of({flag.name, "many"}), "") << flag.name;
  }
}

struct DurationFlag {
  const char* name;
  const char* scenario;
  Duration least;
  const char* least_written;
  const char* less;
  std::optional<Duration> (*of)(const SimPlan&);
};
const DurationFlag duration_flags[] = {
    {"--for", "join", milliseconds(1), "1ms", "999us", [](const SimPlan& p) { return p.for_time; }},
    {"--ttl", "join", minutes(1), "1m", "59s", [](const SimPlan& p) { return p.ttl; }},
    {"--session", "churn", minutes(1), "1m", "59s", [](const SimPlan& p) { return p.session; }},
    {"--arrival", "oneshot", milliseconds(10), "10ms", "9ms",
     [](const SimPlan& p) { return p.arrival; }},
    {"--delay", "join", microseconds(10), "10us", "9us", [](const SimPlan& p) { return p.delay; }},
    {"--join-span", "join", milliseconds(1), "1ms", "999us",
     [](const SimPlan& p) { return p.join_span; }},
};

TEST(SimFlags, DurationsHaveBounds) {
  for (const DurationFlag& flag : duration_flags) {
    const auto with = [&](const char* written) {
      return std::vector<std::string>{"--scenario", flag.scenario, flag.name, written};
    };
    EXPECT_EQ(flag.of(plan_of({"--scenario", flag.scenario})), std::nullopt) << flag.name;
    EXPECT_EQ(flag.of(plan_of(with(flag.least_written))), flag.least) << flag.name;
    EXPECT_EQ(flag.of(plan_of(with("1w"))), hours(7 * 24)) << flag.name;
    for (const char* refused : {flag.less, "8d"}) {
      EXPECT_EQ(refusal_of(with(refused)), flag.name + (" \"" + std::string(refused)) +
                                               "\" is not a duration from " + flag.least_written +
                                               " to 1w: write it like 10s or 500ms");
    }
  }
}

TEST(SimFlags, HoursAreUpToAYear) {
  EXPECT_EQ(plan_of({"--hours", "2"}).length, hours(2));
  EXPECT_EQ(plan_of({"--hours", "0.25"}).length, minutes(15));
  EXPECT_EQ(plan_of({"--hours", "8784"}).length, hours(366 * 24));
  EXPECT_EQ(plan_of({}).length, std::nullopt);
  for (const char* refused : {"0", "-1", "8784.1", "two", "1h", "nan"}) {
    EXPECT_EQ(refusal_of({"--hours", refused}),
              "--hours \"" + std::string(refused) + "\" is not a number of hours like 2 or 0.5");
  }
}

TEST(SimFlags, AShareIsFromZeroToOne) {
  const auto with = [](const char* written) {
    return std::vector<std::string>{"--scenario", "churn", "--python", written};
  };
  EXPECT_EQ(plan_of(with("0")).python, 0.0);
  EXPECT_EQ(plan_of(with("1")).python, 1.0);
  EXPECT_EQ(plan_of(with("0.125")).python, 0.125);
  EXPECT_EQ(plan_of({}).python, std::nullopt);
  for (const char* refused : {"1.01", "-0.01", "nan", "0.5x"}) {
    EXPECT_EQ(refusal_of(with(refused)),
              "--python \"" + std::string(refused) + "\" is not a share from 0 to 1");
  }
}

TEST(SimFlags, EachScenarioHasItsName) {
  EXPECT_EQ(plan_of({}).scenario, sim::Scenario::swarm);
  for (size_t i = 0; i < std::size(sim::scenario_names); ++i) {
    EXPECT_EQ(plan_of({"--scenario", sim::scenario_names[i]}).scenario,
              static_cast<sim::Scenario>(i));
  }
  EXPECT_EQ(refusal_of({"--scenario", "chrun"}),
            "the scenario \"chrun\" is not known; perhaps you mean churn");
  EXPECT_EQ(refusal_of({"--scenario", "weather"}),
            "the scenario \"weather\" is not known; see `xord sim --help`");
}

TEST(SimFlags, AMistakeIsNamedWithItsFix) {
  struct Case {
    std::vector<std::string> arguments;
    const char* sentence;
  };
  const char* const session =
      "--session is for nodes that come and go: add --scenario churn, or leave it out";
  const char* const python =
      "--python is for --scenario churn or oneshot; mixed has half of them, and swarm draws it";
  const char* const arrival =
      "--arrival is for programs that come and go: add --scenario oneshot, or leave it out";
  const char* const plot = "--plot shows one run: leave --seeds and --for out";
  for (const Case& each : std::vector<Case>{
           {{"--session", "1h"}, session},
           {{"--scenario", "oneshot", "--session", "1h"}, session},
           {{"--scenario", "mixed", "--python", "0.5"}, python},
           {{"--scenario", "churn", "--arrival", "1s"}, arrival},
           {{"--plot", "a.svg", "--seeds", "2"}, plot},
           {{"--plot", "a.svg", "--for", "1s"}, plot},
           {{"--nodes", "5", "--nodes", "6"}, "--nodes is given 2 times: give it once"},
       }) {
    EXPECT_EQ(refusal_of(each.arguments), each.sentence);
  }
  EXPECT_EQ(refusal_of({"--plot", "a.svg", "--seeds", "1"}), "");
  EXPECT_EQ(refusal_of({"--seeds", "2", "--for", "1s"}), "");
}

TEST(SimFlags, DefaultsAreAsDocumented) {
  const SimPlan plan = plan_of({"--scenario", "churn"});
  EXPECT_EQ(plan.seeds, 1u);
  EXPECT_EQ(plan.disjoint_paths, 1u);
  EXPECT_FALSE(plan.json);
  EXPECT_EQ(plan.plot_file, "");
  EXPECT_LE(plan.seed, UINT32_MAX) << "short enough to be read out loud";
  const sim::Setup setup = setup_of(plan, 3);
  EXPECT_EQ(setup.nodes, 200u);
  EXPECT_EQ(setup.length, hours(2));
  EXPECT_EQ(setup.seed, 3u);
  EXPECT_EQ(setup.churn.session_median, hours(1));
  EXPECT_EQ(setup.world.xord.node.ttl, hours(7 * 24));
  EXPECT_EQ(setup.world.xord.node.disjoint_paths, 1u);
  EXPECT_EQ(setup.world.xord.store.republish.after, 3600u);
  EXPECT_TRUE(setup.world.xord.node.routing.prefers_old_contacts);
  EXPECT_EQ(setup.shards, std::nullopt);
  EXPECT_EQ(setup.published_by_one, 0u);
  EXPECT_FALSE(setup.has_one_bootstrap);
  EXPECT_NE(plan_of({}).seed, plan_of({}).seed) << "from the kernel";
}

TEST(SimFlags, EachChangesTheSetup) {
  EXPECT_EQ(setup_with({"--scenario", "join", "--nodes", "12"}).nodes, 12u);
  EXPECT_EQ(setup_with({"--nodes", "12"}).nodes, 12u);
  EXPECT_EQ(setup_with({"--hours", "0.5"}).length, minutes(30));
  EXPECT_EQ(setup_with({"--scenario", "crash", "--hours", "0.5"}).length, minutes(30));
  EXPECT_EQ(setup_with({"--shards", "3"}).shards, 3u);
  const sim::Setup records = setup_with({"--scenario", "churn", "--records", "9"});
  EXPECT_EQ(records.records_at_start, 9u);
  EXPECT_EQ(records.workload.set_every, Duration{});
  EXPECT_EQ(setup_with({"--published", "9"}).published_by_one, 9u);
  EXPECT_EQ(setup_with({"--buckets", "9"}).world.xord.node.routing.buckets_max, 9u);
  EXPECT_EQ(setup_with({"--ttl", "2h"}).world.xord.node.ttl, hours(2));
  EXPECT_EQ(setup_with({"--scenario", "churn", "--session", "2h"}).churn.session_median, hours(2));
  EXPECT_EQ(setup_with({"--scenario", "churn", "--python", "0.5"}).python_share, 0.5);
  EXPECT_EQ(setup_with({"--scenario", "oneshot", "--arrival", "2s"}).programs.every, seconds(2));
  const sim::NetworkOptions network = setup_with({"--delay", "30ms"}).world.network;
  EXPECT_EQ(network.delay_min, milliseconds(30));
  EXPECT_EQ(network.delay_mean, microseconds(1));
  EXPECT_EQ(setup_with({"--join-span", "3s"}).join_span, seconds(3));
  EXPECT_TRUE(setup_with({"--one-bootstrap"}).has_one_bootstrap);
  EXPECT_FALSE(setup_with({"--no-old-contacts"}).world.xord.node.routing.prefers_old_contacts);
  EXPECT_EQ(setup_with({"--disjoint-paths", "5"}).world.xord.node.disjoint_paths, 5u);
  EXPECT_EQ(setup_with({"--no-republish"}).world.xord.store.republish.after, 0u);
  EXPECT_TRUE(plan_of({"--json"}).json);
  EXPECT_EQ(plan_of({"--plot", "run.svg"}).plot_file, "run.svg");
}

}  // namespace
}  // namespace xord
