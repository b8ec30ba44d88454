// What a seed draws comes from the whole of its range and is absent as often as it should be, and
// each scenario differs from the others by what docs/commands/sim.md says of it.
#include "tools/sim/setup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "node/wire/rpcudp/rpcudp_dialect.h"

namespace xord::sim {
namespace {

constexpr uint64_t seeds = 50'000;

// A figure of a setup that is drawn evenly from a range; 0 or something fixed in all other seeds.
struct Drawn {
  const char* name;
  double (*figure)(const sim::Setup&);
  double from;
  double to;
  double share = 1;      // Of the seeds that draw it.
  double otherwise = 0;  // What the others have.
};

double in_seconds(Duration duration) {
  return duration.seconds();
}
// Faults are drawn for each node, and strike the whole network.
double for_each_node(const sim::Setup& setup, Duration every) {
  return every.seconds() * setup.nodes;
}

constexpr double minute = 60;
constexpr double hour = 3600;
const Drawn drawn[] = {
    {"nodes", [](const sim::Setup& s) { return double(s.nodes); }, 20, 300},
    {"length", [](const sim::Setup& s) { return in_seconds(s.length); }, 30 * minute, 3 * hour},
    {"loss", [](const sim::Setup& s) { return s.world.network.loss; }, 0, 0.25, 0.6},
    {"duplicate", [](const sim::Setup& s) { return s.world.network.duplicate; }, 0, 0.1, 0.4},
    {"delay_min", [](const sim::Setup& s) { return in_seconds(s.world.network.delay_min); }, 0.0001,
     0.06},
    {"delay_mean", [](const sim::Setup& s) { return in_seconds(s.world.network.delay_mean); },
     0.001, 0.08},
    {"straggling", [](const sim::Setup& s) { return s.world.network.straggling; }, 0, 0.05, 0.4},
    {"straggling_mean",
     [](const sim::Setup& s) { return in_seconds(s.world.network.straggling_mean); }, 0.2, 6},
    {"queue_max", [](const sim::Setup& s) { return double(s.world.network.queue_max); }, 32, 512},
    {"crash_every", [](const sim::Setup& s) { return for_each_node(s, s.faults.crash_every); },
     20 * minute, 10 * hour, 0.6},
    {"down_mean", [](const sim::Setup& s) { return in_seconds(s.faults.down_mean); }, 20,
     40 * minute},
    {"lose_storage", [](const sim::Setup& s) { return s.faults.lose_storage; }, 0, 1, 0.5},
    {"down_max", [](const sim::Setup& s) { return s.faults.down_max; }, 0.1, 0.6},
    {"stall_every", [](const sim::Setup& s) { return for_each_node(s, s.faults.stall_every); },
     10 * minute, 5 * hour, 0.5},
    {"stall_mean", [](const sim::Setup& s) { return in_seconds(s.faults.stall_mean); }, 0.2,
     minute},
    {"leap_every", [](const sim::Setup& s) { return for_each_node(s, s.faults.leap_every); }, hour,
     20 * hour, 0.3},
    {"leap_mean", [](const sim::Setup& s) { return in_seconds(s.faults.leap_mean); }, 1, hour},
    {"wall_every", [](const sim::Setup& s) { return for_each_node(s, s.faults.wall_every); }, hour,
     20 * hour, 0.3},
    {"wall_mean", [](const sim::Setup& s) { return in_seconds(s.faults.wall_mean); }, 1, 48 * hour},
    {"partition_every", [](const sim::Setup& s) { return in_seconds(s.faults.partition_every); },
     10 * minute, 2 * hour, 0.4},
    {"partition_mean", [](const sim::Setup& s) { return in_seconds(s.faults.partition_mean); }, 10,
     40 * minute},
    {"one_way", [](const sim::Setup& s) { return s.faults.one_way; }, 0, 1},
    {"disk_every", [](const sim::Setup& s) { return for_each_node(s, s.faults.disk_every); }, hour,
     20 * hour, 0.3},
    {"disk_mean", [](const sim::Setup& s) { return in_seconds(s.faults.disk_mean); }, 1,
     30 * minute},
    {"shards_max", [](const sim::Setup& s) { return double(s.shards_max); }, 2, 5, 0.4, 1},
    {"drift_ppm_max", [](const sim::Setup& s) { return double(s.drift_ppm_max); }, 1, 299, 0.5},
    {"nat_share", [](const sim::Setup& s) { return s.nat_share; }, 0, 0.3, 0.2},
    {"ttl", [](const sim::Setup& s) { return in_seconds(s.world.xord.node.ttl); }, hour, 12 * hour,
     0.5, 7 * 24 * hour},
    {"disk.delay_mean",
     [](const sim::Setup& s) { return in_seconds(s.world.xord.disk.delay_mean); }, 0.0001, 0.02},
    {"keep_values_share", [](const sim::Setup& s) { return s.world.xord.disk.keep_values_share; },
     0, 1},
    {"records_max", [](const sim::Setup& s) { return double(s.workload.records_max); }, 10, 150},
    {"kept_share", [](const sim::Setup& s) { return s.workload.kept_share; }, 0, 0.5, 0.5},
    {"publish_after", [](const sim::Setup& s) { return in_seconds(s.world.xord.publish_after); },
     20 * minute, 3 * hour, 0.8, 24 * hour},
};

// Of figures that are drawn by 1e-9 s and then multiplied again.
constexpr double rounding = 1e-6;
constexpr double share_error = 0.02;

TEST(DrawnSetup, EachFigureComesFromTheWholeOfItsRange) {
  struct Seen {
    double least = std::numeric_limits<double>::infinity();
    double most = -least;
    uint64_t times = 0;
  };
  std::array<Seen, std::size(drawn)> seen;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    const sim::Setup setup = draw_setup(seed, {}, {});
    for (size_t i = 0; i < seen.size(); ++i) {
      const double figure = drawn[i].figure(setup);
      if (drawn[i].share < 1 && figure == drawn[i].otherwise) continue;
      seen[i].least = std::min(seen[i].least, figure);
      seen[i].most = std::max(seen[i].most, figure);
      ++seen[i].times;
    }
  }
  for (size_t i = 0; i < seen.size(); ++i) {
    const Drawn& of = drawn[i];
    const double slack = (of.to - of.from) / 1'000;
    EXPECT_NEAR(static_cast<double>(seen[i].times) / seeds, of.share, share_error) << of.name;
    EXPECT_GE(seen[i].least, of.from - rounding) << of.name;
    EXPECT_LE(seen[i].least, of.from + slack) << of.name;
    EXPECT_LE(seen[i].most, of.to + rounding) << of.name;
    EXPECT_GE(seen[i].most, of.to - slack) << of.name;
  }
}

TEST(DrawnSetup, HostileHostsAreFewAndTheNodesOfSomeSeedsArePython) {
  std::array<uint64_t, static_cast<size_t>(Malice::count)> with{};
  std::array<uint32_t, with.size()> most{};
  uint64_t unflooded = 0;
  uint64_t with_python = 0;
  double most_python = 0;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    const sim::Setup setup = draw_setup(seed, 100, {});
    for (size_t i = 0; i < with.size(); ++i) {
      with[i] += setup.hostile[i] > 0;
      most[i] = std::max(most[i], setup.hostile[i]);
    }
    const bool is_flooded = setup.hostile[static_cast<size_t>(Malice::flooder)] > 0 ||
                            setup.hostile[static_cast<size_t>(Malice::forger)] > 0;
    if (is_flooded) {
      EXPECT_EQ(setup.python_share, 0);
    }
    unflooded += !is_flooded;
    with_python += setup.python_share > 0;
    most_python = std::max(most_python, setup.python_share);
    EXPECT_EQ(setup.workload.is_attacked, setup.hostile_count() > 0);
    EXPECT_EQ(setup.world.contacts_max, 4 * (100 + setup.hostile_count()) + 20'000);
  }
  for (size_t i = 0; i < with.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(with[i]) / seeds, 0.12, share_error) << malice_names[i];
    EXPECT_EQ(most[i], 5u) << "a twentieth of the nodes: " << malice_names[i];
  }
  EXPECT_NEAR(static_cast<double>(with_python) / static_cast<double>(unflooded), 0.25, share_error);
  EXPECT_LE(most_python, 0.4);
  EXPECT_GE(most_python, 0.39);
}

TEST(DrawnSetup, InTheSmallestNetworksAHostileHostComesAlone) {
  uint32_t most = 0;
  for (uint64_t seed = 0; seed < 1'000; ++seed) {
    for (const uint32_t count : draw_setup(seed, 3, {}).hostile) most = std::max(most, count);
  }
  EXPECT_EQ(most, 1u);
}

// As many networks of up to 77 nodes as of more: sqrt(20 * 300).
TEST(DrawnSetup, SizesAreDrawnByLogarithm) {
  uint64_t small = 0;
  for (uint64_t seed = 0; seed < seeds; ++seed) small += draw_setup(seed, {}, {}).nodes <= 77;
  EXPECT_NEAR(static_cast<double>(small) / seeds, 0.5, share_error);
}

TEST(DrawnSetup, WhatIsGivenIsNotDrawn) {
  uint64_t cold = 0;
  double least = 1;
  double most = 0;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    const sim::Setup setup = draw_setup(seed, 60, minutes(7));
    EXPECT_EQ(setup.nodes, 60u);
    EXPECT_EQ(setup.length, minutes(7));
    EXPECT_EQ(setup.scenario, Scenario::swarm);
    EXPECT_EQ(setup.seed, seed);
    EXPECT_EQ(setup.world.seed, seed);
    EXPECT_EQ(setup.world.dialect, &rpcudp::dialect());
    const Duration ttl = setup.world.xord.node.ttl;
    EXPECT_EQ(ttl, seconds(ttl.whole_seconds())) << "stores count whole seconds";
    const uint64_t memory = setup.world.xord.store.memory_max;
    EXPECT_TRUE(memory == 4 << 10 || memory == 64 << 10);
    cold += memory == 4 << 10;
    const double span = (setup.join_span - seconds(10)).seconds() / (4 * 60 - 10);
    least = std::min(least, span);
    most = std::max(most, span);
  }
  EXPECT_NEAR(static_cast<double>(cold) / seeds, 0.3, share_error);
  EXPECT_GE(least, 0);
  EXPECT_LE(least, 0.002);
  EXPECT_LE(most, 1);
  EXPECT_GE(most, 0.998);
}

TEST(DrawnSetup, IsTheSameForTheSwarmScenario) {
  EXPECT_EQ(describe(scenario_setup(Scenario::swarm, 9, 50, hours(1))),
            describe(draw_setup(9, 50, hours(1))));
}

// ---- Scenarios.

TEST(ScenarioSetup, DiffersByWhatItIsCalled) {
  for (size_t i = 0; i < static_cast<size_t>(Scenario::swarm); ++i) {
    const auto scenario = static_cast<Scenario>(i);
    const sim::Setup setup = scenario_setup(scenario, 17, 400, hours(2));
    EXPECT_EQ(setup.scenario, scenario);
    EXPECT_EQ(setup.seed, 17u);
    EXPECT_EQ(setup.world.seed, 17u);
    EXPECT_EQ(setup.world.dialect, &rpcudp::dialect());
    EXPECT_EQ(setup.nodes, 400u);
    EXPECT_EQ(setup.length, hours(2));
    EXPECT_EQ(setup.world.contacts_max >= 21'600u, true);
    EXPECT_TRUE(setup.checks);
    EXPECT_EQ(setup.shards_max, 1u);
    EXPECT_EQ(setup.churn.session_median, scenario == Scenario::churn ? hours(1) : Duration{});
    EXPECT_EQ(setup.split_at.has_value(), scenario == Scenario::partition);
    EXPECT_EQ(setup.crash_third_at.has_value(), scenario == Scenario::crash);
    EXPECT_EQ(setup.hostile_count(), scenario == Scenario::sybil ? 40u : 0u);
    EXPECT_EQ(setup.workload.is_attacked, scenario == Scenario::sybil);
    EXPECT_EQ(setup.python_share, scenario == Scenario::mixed ? 0.5 : 0);
    EXPECT_EQ(setup.programs.every, scenario == Scenario::oneshot ? seconds(5) : Duration{});
    const bool ends_well = scenario == Scenario::join || scenario == Scenario::partition ||
                           scenario == Scenario::crash;
    EXPECT_EQ(setup.must_end_well, ends_well);
    const bool is_storm = scenario == Scenario::join;
    EXPECT_EQ(setup.join_span, is_storm ? seconds(30) : minutes(2));
    EXPECT_EQ(setup.records_at_start, is_storm ? 0u : 800u);
    EXPECT_EQ(setup.workload.records_max, 1'600u);
    EXPECT_EQ(setup.workload.find_every, is_storm ? seconds(2) : seconds(60));
    EXPECT_EQ(setup.settling, is_storm ? minutes(10) : healed_after);
  }
}

TEST(ScenarioSetup, TwoHalvesForHalfOfTheTimeAndAThirdAtOnce) {
  const sim::Setup split = scenario_setup(Scenario::partition, 1, 100, hours(8));
  EXPECT_EQ(split.split_at, hours(2));
  EXPECT_EQ(split.split_for, hours(4));
  EXPECT_EQ(scenario_setup(Scenario::crash, 1, 100, hours(8)).crash_third_at, hours(2));
}

TEST(ScenarioSetup, ATenthSurroundAKeyButAtLeastAFullBucket) {
  EXPECT_EQ(scenario_setup(Scenario::sybil, 1, 1'000, hours(1))
                .hostile[static_cast<size_t>(Malice::eclipser)],
            100u);
  EXPECT_EQ(scenario_setup(Scenario::sybil, 1, 30, hours(1))
                .hostile[static_cast<size_t>(Malice::eclipser)],
            bucket_size);
}

TEST(ScenarioSetup, TheTimeToJoinAndTheRecordsGrowWithTheNetwork) {
  const auto of = [](Scenario scenario, uint32_t nodes) {
    return scenario_setup(scenario, 1, nodes, hours(1));
  };
  EXPECT_EQ(of(Scenario::churn, 1'200).join_span, minutes(2));
  EXPECT_EQ(of(Scenario::churn, 5'000).join_span, seconds(500));
  EXPECT_EQ(of(Scenario::join, 6'000).join_span, seconds(30));
  EXPECT_EQ(of(Scenario::join, 20'000).join_span, seconds(100));
  EXPECT_EQ(of(Scenario::churn, 499).records_at_start, 998u);
  EXPECT_EQ(of(Scenario::churn, 5'000).records_at_start, 1'000u);
  EXPECT_EQ(of(Scenario::churn, 5'000).workload.records_max, 2'000u);
  EXPECT_EQ(of(Scenario::churn, 5'001).records_at_start, 250u);
  EXPECT_EQ(of(Scenario::churn, 100'000).records_at_start, 5'000u);
  EXPECT_EQ(of(Scenario::churn, 100'000).workload.records_max, 5'000u);
  EXPECT_EQ(of(Scenario::churn, 100'000).world.contacts_max, 420'000u);
}

// ---- The limits of hosts.

struct Limit {
  const char* name;
  uint64_t (*of)(const XordConfig&);
};
const Limit limits[] = {
    {"lookups", [](const XordConfig& c) { return uint64_t{c.node.budget.lookups}; }},
    {"lookup_rows", [](const XordConfig& c) { return uint64_t{c.node.budget.lookup_rows}; }},
    {"lookup_values", [](const XordConfig& c) { return uint64_t{c.node.budget.lookup_values}; }},
    {"other_requests", [](const XordConfig& c) { return uint64_t{c.node.budget.other_requests}; }},
    {"held_small", [](const XordConfig& c) { return uint64_t{c.node.budget.held_small}; }},
    {"held_large", [](const XordConfig& c) { return uint64_t{c.node.budget.held_large}; }},
    {"regions", [](const XordConfig& c) { return uint64_t{c.node.budget.regions}; }},
    {"replications", [](const XordConfig& c) { return uint64_t{c.node.budget.replications}; }},
    {"contacts_max", [](const XordConfig& c) { return uint64_t{c.node.routing.contacts_max}; }},
    {"buckets_max", [](const XordConfig& c) { return uint64_t{c.node.routing.buckets_max}; }},
    {"recent_pings", [](const XordConfig& c) { return uint64_t{c.node.routing.recent_pings}; }},
    {"operations", [](const XordConfig& c) { return uint64_t{c.node.operations}; }},
    {"pending_answers", [](const XordConfig& c) { return uint64_t{c.node.pending_answers}; }},
    {"waiting_requests", [](const XordConfig& c) { return uint64_t{c.node.waiting_requests}; }},
    {"waiting_bytes", [](const XordConfig& c) { return uint64_t{c.node.waiting_bytes}; }},
    {"memory_max", [](const XordConfig& c) { return c.store.memory_max; }},
    {"write_bytes_max", [](const XordConfig& c) { return uint64_t{c.store.write_bytes_max}; }},
    {"writes_max", [](const XordConfig& c) { return uint64_t{c.store.writes_max}; }},
};

TEST(HostLimits, AreSmallerThanARealNodesAndSmallerStillAboveFiveThousand) {
  const XordConfig real;
  const XordConfig few = scenario_setup(Scenario::churn, 1, 5'000, hours(1)).world.xord;
  const XordConfig many = scenario_setup(Scenario::churn, 1, 5'001, hours(1)).world.xord;
  for (const Limit& limit : limits) {
    EXPECT_LT(limit.of(few), limit.of(real)) << limit.name;
    EXPECT_LT(limit.of(many), limit.of(few)) << limit.name;
    EXPECT_GT(limit.of(many), 0u) << limit.name;
  }
  EXPECT_EQ(few.store.value_size_max, real.store.value_size_max);
  EXPECT_LT(many.store.value_size_max, few.store.value_size_max);
  EXPECT_LT(many.store.records_max, few.store.records_max);
  EXPECT_GT(few.published_max, 0u);
  EXPECT_EQ(many.published_max, 0u);
  for (const XordConfig& config : {few, many}) {
    EXPECT_EQ(config.store.republish.after, 3600u);
    EXPECT_GE(config.store.write_bytes_max, 2 * config.store.value_size_max);
    EXPECT_GE(config.store.memory_max, config.store.value_size_max);
  }
}

TEST(HostLimits, BucketsAreAsDocumented) {
  const auto buckets = [](uint32_t nodes) {
    return scenario_setup(Scenario::churn, 1, nodes, hours(1)).world.xord.node.routing.buckets_max;
  };
  EXPECT_EQ(buckets(5'000), 64u);
  EXPECT_EQ(buckets(5'001), 48u);
  EXPECT_FALSE(scenario_setup(Scenario::churn, 1, 5'001, hours(1)).checks);
}

// ---- What flags change.

TEST(Records, AreSetOnceWithRoomForEightTimesTheirEvenShare) {
  sim::Setup setup = scenario_setup(Scenario::churn, 1, 100, hours(1));
  const uint32_t before = setup.world.xord.store.records_max;
  set_records(setup, 10);
  EXPECT_EQ(setup.records_at_start, 10u);
  EXPECT_EQ(setup.workload.records_max, 10u);
  EXPECT_EQ(setup.workload.set_every, Duration{});
  EXPECT_EQ(setup.workload.get_every, seconds(10));
  EXPECT_EQ(setup.world.xord.store.records_max, before) << "there was room";
  set_records(setup, 1'000);
  EXPECT_EQ(setup.world.xord.store.records_max, 8u * bucket_size * 1'000 / 100);
}

TEST(Published, OneHostHasRoomForTheListAndTheOthersForItsCopies) {
  sim::Setup setup = scenario_setup(Scenario::churn, 1, 100, hours(1));
  const sim::Setup before = setup;
  set_published(setup, 1'000);
  EXPECT_EQ(setup.published_by_one, 1'000u);
  EXPECT_EQ(setup.world.xord.store.records_max, 4u * bucket_size * 1'000 / 100);
  const uint32_t at_once = NodeConfig{}.budget.replications;
  const XordConfig& others = setup.world.xord;
  EXPECT_EQ(setup.world.network.queue_max,
            before.world.network.queue_max + 2 * at_once * bucket_size);
  EXPECT_EQ(others.node.pending_answers, before.world.xord.node.pending_answers + at_once);
  EXPECT_EQ(others.store.writes_max, before.world.xord.store.writes_max + at_once);
  EXPECT_EQ(others.store.write_bytes_max, before.world.xord.store.write_bytes_max + 64 * at_once);
  const XordConfig publisher = publisher_config(setup);
  const NodeConfig real;
  EXPECT_EQ(publisher.published_max, 1'000u);
  EXPECT_EQ(publisher.node.operations, real.operations);
  EXPECT_EQ(publisher.published_at_once, real.operations);
  EXPECT_EQ(publisher.node.pending_answers, real.pending_answers);
  EXPECT_EQ(publisher.node.budget.lookups, real.budget.lookups);
  EXPECT_EQ(publisher.publish_after, hours(2));
  EXPECT_EQ(publisher.store.records_max, others.store.records_max);
}

TEST(Python, NodesGetAndSetAsOftenAsTheOthers) {
  sim::Setup setup = scenario_setup(Scenario::churn, 1, 100, hours(1));
  set_python(setup, 0);
  EXPECT_EQ(setup.workload.python_set_every, Duration{});
  EXPECT_EQ(setup.workload.python_get_every, Duration{});
  set_python(setup, 0.25);
  EXPECT_EQ(setup.python_share, 0.25);
  EXPECT_EQ(setup.workload.python_set_every, setup.workload.set_every);
  EXPECT_EQ(setup.workload.python_get_every, setup.workload.get_every);
  EXPECT_GT(setup.workload.set_every, Duration{});
  EXPECT_GT(setup.workload.get_every, Duration{});
  set_python(setup, 1);
  EXPECT_DEATH(set_python(setup, 1.01), "");
}

// Twice as many as come within four hours, or within a shorter run.
TEST(Arrival, TheBookHasRoomForAllThatTablesStillFile) {
  for (const auto& [length, programs] :
       {std::pair{hours(1), 3'600u}, {hours(4), 14'400u}, {hours(9), 14'400u}}) {
    sim::Setup setup = scenario_setup(Scenario::churn, 1, 100, length);
    const uint32_t before = setup.world.contacts_max;
    set_arrival(setup, seconds(1));
    EXPECT_EQ(setup.programs.every, seconds(1));
    EXPECT_EQ(setup.world.contacts_max - before, 2 * programs);
  }
}

TEST(Churn, AbsencesAreHalfAsLongAsSessions) {
  ChurnOptions churn;
  churn.session_median = minutes(50);
  EXPECT_EQ(churn.absence_median(), minutes(25));
}

TEST(Describe, SaysWhatTheRunIsMadeOf) {
  sim::Setup setup = scenario_setup(Scenario::churn, 77, 123, minutes(50));
  setup.python_share = 0.25;
  setup.nat_share = 0.125;
  setup.shards_max = 3;
  setup.drift_ppm_max = 41;
  setup.join_span = milliseconds(61'500);
  setup.settling = seconds(9);
  setup.world.network = {0.5, 0.75, milliseconds(3), milliseconds(4), 30, 0.0625, seconds(5), 99};
  EXPECT_EQ(describe(setup),
            "seed 77, scenario churn: 123 nodes (0.25 Python, 0.125 behind NAT, up to 3 shards, "
            "clocks off by up to 41 ppm), joining in 61.5 s, 3000 s with faults, 9 s to settle\n"
            "  network: loss 0.5, repeated 0.75, delay 0.003 s + 0.004 s, stragglers 0.0625 by 5 "
            "s, queue 99\n"
            "  faults: down 600 s, storage lost 0.2\n"
            "  246 records at the start\n"
            "  hostile: none; records live 604800 s, disk 0.002 s; 0 of sets kept, published "
            "again every 86400 s\n");
}

TEST(Describe, NamesWhatIsNotInEveryRun) {
  const sim::Setup plain = scenario_setup(Scenario::join, 1, 100, hours(1));
  struct Case {
    const char* line;
    void (*change)(sim::Setup&);
  };
  for (const Case& each : std::initializer_list<Case>{
           {", 2 shards, ", [](sim::Setup& s) { s.shards = 2; }},
           {" crash every 1 s, ", [](sim::Setup& s) { s.faults.crash_every = seconds(1); }},
           {" stall every 2 s, ", [](sim::Setup& s) { s.faults.stall_every = seconds(2); }},
           {" clock leap every 3 s, ", [](sim::Setup& s) { s.faults.leap_every = seconds(3); }},
           {" wall clock set every 4 s, ", [](sim::Setup& s) { s.faults.wall_every = seconds(4); }},
           {" partition every 5 s, ", [](sim::Setup& s) { s.faults.partition_every = seconds(5); }},
           {" disk failure every 6 s, ", [](sim::Setup& s) { s.faults.disk_every = seconds(6); }},
           {"\n  newcomers displace the contacts seen least recently\n",
            [](sim::Setup& s) { s.world.xord.node.routing.prefers_old_contacts = false; }},
           {"\n  a program for one get or set comes  every 7 s, and goes\n",
            [](sim::Setup& s) { s.programs.every = seconds(7); }},
           {"\n  8 records at the start\n", [](sim::Setup& s) { s.records_at_start = 8; }},
           {"hostile: 9 silent 1 flooder; ",
            [](sim::Setup& s) {
              s.hostile[static_cast<size_t>(Malice::silent)] = 9;
              s.hostile[static_cast<size_t>(Malice::flooder)] = 1;
            }},
           {", nothing republished; ",
            [](sim::Setup& s) { s.world.xord.store.republish.after = 0; }},
       }) {
    sim::Setup setup = plain;
    EXPECT_EQ(describe(setup).find(each.line), std::string::npos) << each.line;
    each.change(setup);
    EXPECT_NE(describe(setup).find(each.line), std::string::npos) << each.line << " in\n"
                                                                  << describe(setup);
  }
}

}  // namespace
}  // namespace xord::sim
