// Networks on virtual time whose nodes speak another dialect (tests/echo_dialect.h): what holds for
// rpcudp holds for them, with the simulator's own checks, whatever the shards.
#include "node/wire/dialect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "tests/echo_dialect.h"
#include "tests/sim/small_world.h"
#include "tools/sim/draw.h"
#include "tools/sim/simulation.h"

namespace xord::sim {
namespace {

constexpr uint32_t nodes = 40;

struct Spoken {
  const char* name;
  const Dialect& dialect;
  uint32_t shards;
};

class DialectWorld : public ::testing::TestWithParam<Spoken> {
 protected:
  static std::vector<uint8_t> value_of(uint8_t number) { return {0xa3, 'n', 'o', number}; }
  World& world() { return small_.world(); }
  // Sets that many records, each through a random host.
  void set_records(uint8_t count) {
    for (uint8_t number = 0; number < count; ++number) {
      const Id key = random_id(rng_);
      uint32_t stored = 0;
      values_[key] = value_of(number);
      small_.set(random_member(), key, values_[key],
                 [&](const Outcome& outcome) { stored = outcome.result.stored; });
      world().run_for(seconds(5));
      EXPECT_GE(stored, bucket_size);
    }
  }
  uint32_t random_member() {
    const std::vector<uint32_t> members = small_.census().members();
    return members[rng_.bounded(members.size())];
  }
  bool holds(uint32_t host, const Id& key) {
    return world().host(host).actor->holds(world().local_now(host), key);
  }
  std::vector<uint32_t> holders(const Id& key) {
    std::vector<uint32_t> holders = small_.census().members();
    std::erase_if(holders, [&](uint32_t host) { return !holds(host, key); });
    return holders;
  }
  bool is_among_the_nearest(const Id& key) {
    const Census& census = small_.census();
    const std::vector<uint32_t> nearest = census.nearest(census.members(), key, bucket_size);
    return std::any_of(nearest.begin(), nearest.end(),
                       [&](uint32_t host) { return holds(host, key); });
  }
  // Whether a random host finds exactly the value that was set.
  bool gets(const Id& key) {
    std::optional<Outcome> got;
    small_.operations().get(random_member(), key, [&](const Outcome& outcome) { got = outcome; });
    for (int i = 0; !got && i < 60; ++i) world().run_for(seconds(1));
    return got && got->is_done() && got->value == values_[key];
  }
  // Takes a random host down, half of the time without its storage.
  uint32_t take_one_down() {
    const uint32_t host = random_member();
    const bool is_lost = rng_.chance(0.5);
    world().crash(host, is_lost ? Storage::lost : Storage::kept);
    if (is_lost) world().host(host).id = random_id(rng_);
    return host;
  }
  void bring_back(uint32_t host) {
    const Endpoint known = world().host(random_member()).endpoint;
    world().start(host);
    small_.operations().join(host, {known}, [](const Outcome&) {});
  }

  SmallWorld small_{11, nodes, GetParam().shards, NetworkOptions{}.delay_min, GetParam().dialect};
  Rng rng_ = small_.world().rng("dialect");
  std::map<Id, std::vector<uint8_t>> values_;
};

class DialectSimulation : public ::testing::TestWithParam<Spoken> {};

TEST_P(DialectWorld, JoinsAndLooksUpExactly) {
  EXPECT_EQ(small_.exact_finds(30), 30u);
}

TEST_P(DialectWorld, KeepsRecordsAcrossARestart) {
  set_records(10);
  world().run_for(seconds(10));
  std::map<Id, std::vector<uint32_t>> before;
  for (const auto& [key, value] : values_) before[key] = holders(key);
  for (uint32_t host = 0; host < nodes; ++host) world().crash(host, Storage::kept);
  for (uint32_t host = 0; host < nodes; ++host) world().start(host);
  world().run_for(seconds(10));
  for (const auto& [key, value] : values_) {
    EXPECT_GE(before[key].size(), bucket_size);
    EXPECT_EQ(holders(key), before[key]);
    EXPECT_TRUE(gets(key));
  }
}

// Two hosts leave every two minutes, and come back when the next two leave.
TEST_P(DialectWorld, GetsWhatIsHeldWhileHostsComeAndGo) {
  set_records(20);
  std::vector<uint32_t> down;
  uint32_t held = 0;
  uint32_t right = 0;
  for (int round = 0; round < 15; ++round) {
    std::vector<uint32_t> before = std::exchange(down, {take_one_down(), take_one_down()});
    for (const uint32_t host : before) bring_back(host);
    world().run_for(minutes(2));
    for (const auto& [key, value] : values_) {
      if (!is_among_the_nearest(key)) continue;
      ++held;
      right += gets(key);
    }
  }
  EXPECT_GT(held, 200u);
  EXPECT_EQ(right, held);
  for (const uint32_t host : down) bring_back(host);
  world().run_for(minutes(90));  // Every bucket has been refreshed.
  EXPECT_EQ(small_.exact_finds(30), 30u);
  EXPECT_GT(small_.checkers().counts().values_served, 0u);
}

// A whole run: users' machines that come and go, programs at work, loss; and then what is demanded
// at rest (tools/sim/healed.h).
TEST_P(DialectSimulation, EndsWellAfterChurn) {
  sim::Setup setup = scenario_setup(Scenario::churn, 12, nodes, hours(1));
  setup.world.dialect = &GetParam().dialect;
  setup.world.network.loss = 0.02;
  setup.shards = GetParam().shards;
  setup.churn.session_median = minutes(30);
  setup.workload.kept_share = 0.3;
  setup.must_end_well = true;
  const SimulationReport report = Simulation(setup).run();
  ASSERT_FALSE(report.violation) << report.violation->what;
  EXPECT_GT(report.joins.right, nodes);
  EXPECT_GT(report.sets.right, 0u);
  EXPECT_GT(report.gets.right, 0u);
  EXPECT_EQ(report.gets.poisoned, 0u);
  EXPECT_GT(report.checks.values_served, 0u);
  EXPECT_GT(report.naming.answers, 0u);
  for (const Method method : {Method::ping, Method::store, Method::find_node, Method::find_value}) {
    EXPECT_GT(report.requests[static_cast<size_t>(method)], 0u);
  }
  EXPECT_GT(report.healed.finds, 0u);
  EXPECT_EQ(report.healed.exact, report.healed.finds);
  EXPECT_GT(report.healed.gets, 0u);
  EXPECT_EQ(report.healed.got, report.healed.gets);
}

const auto dialects = ::testing::Values(Spoken{"Rpcudp", rpcudp::dialect(), 1},
                                        Spoken{"RpcudpThreeShards", rpcudp::dialect(), 3},
                                        Spoken{"Echo", testing::echo_dialect(), 1},
                                        Spoken{"EchoThreeShards", testing::echo_dialect(), 3});
std::string spoken_name(const ::testing::TestParamInfo<Spoken>& of) {
  return of.param.name;
}
INSTANTIATE_TEST_SUITE_P(Each, DialectWorld, dialects, spoken_name);
INSTANTIATE_TEST_SUITE_P(Each, DialectSimulation, dialects, spoken_name);

TEST(DialectWorlds, HostsThatSpeakRpcudpLiveInItsWorldsOnly) {
  WorldOptions options;
  options.dialect = &testing::echo_dialect();
  World world(options);
  const Endpoint endpoint = Endpoint::ipv4(0x0a000001, 8468);
  for (const HostKind kind : {HostKind::python, HostKind::program, HostKind::hostile}) {
    EXPECT_DEATH(world.add_host(kind, endpoint, 1, 0), "rpcudp");
  }
}

}  // namespace
}  // namespace xord::sim
