// The course of a whole run: when what happens, and what its report counts.
#include "tools/sim/simulation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tools/sim/setup.h"

namespace xord::sim {
namespace {

// Fewer than k, so that all know and hold everything.
constexpr uint32_t few = 12;

// All join within 30 s, and two minutes later the ten minutes begin.
constexpr double joined = 150;
constexpr double healed = joined + 600;

const SimulationReport& storm() {
  static const SimulationReport report = [] {
    sim::Setup setup = scenario_setup(Scenario::join, 5, few, minutes(10));
    setup.workload.set_every = setup.workload.get_every = seconds(20);
    setup.world.network.delay_mean = milliseconds(1);  // No answer is late.
    return Simulation(setup).run();
  }();
  return report;
}

TEST(Simulation, GoesOnForAsLongAsItsPartsTake) {
  // Ten minutes to settle, twenty lookups and forty gets at six seconds each, and two pauses.
  const double end = healed + 600 + 20 * 6 + 30 + 40 * 6 + 30;
  EXPECT_FALSE(storm().violation);
  EXPECT_NEAR(storm().hours * 3600, end, 1e-6);
  EXPECT_EQ(storm().healed.finds, 20u);
  EXPECT_EQ(storm().healed.exact, 20u);
  EXPECT_EQ(storm().healed.gets, 40u);
  EXPECT_EQ(storm().healed.got, 40u);
  EXPECT_GT(storm().events, storm().datagrams);
  EXPECT_GT(storm().bytes, storm().datagrams * 22);
  EXPECT_NE(storm().digest, 0u);
}

TEST(Simulation, LooksAtTheNetworkEachFiveMinutes) {
  const std::vector<Moment>& moments = storm().moments;
  ASSERT_EQ(moments.size(), 6u);
  for (size_t i = 0; i < moments.size(); ++i) {
    EXPECT_NEAR(moments[i].hours * 3600, joined + 300 * static_cast<double>(i), 1e-6);
    EXPECT_EQ(moments[i].up, few);
    EXPECT_EQ(moments[i].contacts, few - 1);
    EXPECT_EQ(moments[i].contacts_alive, 1);
    EXPECT_EQ(moments[i].nearest_known, 1);
    EXPECT_EQ(moments[i].gets_right, 1);
    EXPECT_EQ(moments[i].finds_right, 1);
  }
  EXPECT_EQ(moments[0].replicas, 0) << "no record yet";
  EXPECT_EQ(moments[0].held, 0);
  EXPECT_EQ(moments.back().replicas, few);
  EXPECT_EQ(moments.back().held, 1);
}

TEST(Simulation, TrafficIsThatOfANodeAndSecondSinceTheMomentBefore) {
  double datagrams = 0;
  double bytes = 0;
  for (const Moment& moment : storm().moments) {
    datagrams += moment.datagrams * 300 * few;
    bytes += moment.bytes * 300 * few;
  }
  EXPECT_EQ(storm().moments[0].datagrams, 0);
  EXPECT_EQ(storm().moments[0].bytes, 0);
  // All but those of joining and of the last two minutes.
  EXPECT_LT(datagrams, static_cast<double>(storm().datagrams));
  EXPECT_GT(datagrams, static_cast<double>(storm().datagrams) * 0.5);
  EXPECT_NEAR(bytes / datagrams,
              static_cast<double>(storm().bytes) / static_cast<double>(storm().datagrams), 30);
}

TEST(Simulation, NamingIsCountedUntilTheFaultsAreHealed) {
  NamingCounts sum;
  NamingCounts later;
  for (const Moment& moment : storm().moments) {
    (moment.hours * 3600 <= healed + 1 ? sum : later).add(moment.naming);
  }
  EXPECT_GT(sum.answers, 0u);
  EXPECT_GT(later.answers, 0u);
  EXPECT_EQ(storm().naming.answers, sum.answers);
  EXPECT_EQ(storm().naming.named, sum.named);
  EXPECT_EQ(storm().naming.pings_sent, sum.pings_sent);
  EXPECT_EQ(storm().naming.waits.count(), sum.waits.count());
}

TEST(Simulation, EachNodeButTheFirstJoins) {
  EXPECT_EQ(storm().joins.right, few - 1);
  EXPECT_GE(storm().joins.begun, few - 1);
  EXPECT_EQ(storm().python.bootstraps.begun, 0u);
}

// Every two seconds a lookup and every 20 a set and a get, by nodes that have been up for two
// minutes.
TEST(Simulation, ProgramsWorkUntilTheFaultsAreHealed) {
  EXPECT_NEAR(static_cast<double>(storm().finds.begun), 300, 60);
  EXPECT_NEAR(static_cast<double>(storm().sets.begun), 30, 15);
  EXPECT_NEAR(static_cast<double>(storm().gets.begun), 30, 15);
  for (const OperationStats* stats : {&storm().finds, &storm().sets, &storm().gets}) {
    EXPECT_EQ(stats->right, stats->begun);
    EXPECT_EQ(stats->ended(), stats->begun);
  }
  EXPECT_GT(storm().records, 0u);
  EXPECT_LE(storm().records, storm().sets.right);
  const RequestCounts& requests = storm().requests;
  EXPECT_EQ(requests[static_cast<size_t>(Method::stun)], 0u);
  // Each of a few lookups asks all others, and each set stores at all others.
  EXPECT_GE(requests[static_cast<size_t>(Method::find_node)], storm().finds.begun * (few - 1));
  EXPECT_LT(requests[static_cast<size_t>(Method::find_node)],
            (storm().finds.begun + storm().sets.begun + 100) * few);
  EXPECT_GE(requests[static_cast<size_t>(Method::store)], storm().sets.begun * (few - 2));
  EXPECT_GT(requests[static_cast<size_t>(Method::ping)], 0u);
}

TEST(Simulation, ItIsInspectedEachMinuteAndAtTheEnd) {
  // Eight hosts a minute for as long as it passes, and all at the end.
  const uint64_t passes = 3 + 10 + 10;  // The first part has two and a half minutes.
  EXPECT_EQ(storm().checks.inspections, passes * 8 + few);
  EXPECT_GT(storm().checks.replies, storm().checks.datagrams / 4);
}

TEST(Simulation, ProgressGrowsToTheEnd) {
  std::vector<double> shares;
  sim::Setup setup = scenario_setup(Scenario::churn, 5, few, minutes(6));
  Simulation(setup).run([&](double share) { shares.push_back(share); });
  ASSERT_EQ(shares.size(), 4u + 6u);  // Two minutes to join, and two more.
  for (size_t i = 0; i < shares.size(); ++i) {
    EXPECT_NEAR(shares[i], static_cast<double>(i + 1) / 10, 1e-9);
  }
}

TEST(Simulation, RecordsAreSetAtTheStart) {
  sim::Setup setup = scenario_setup(Scenario::churn, 5, few, minutes(6));
  setup.churn.session_median = {};
  set_records(setup, 10);
  const SimulationReport report = Simulation(setup).run();
  EXPECT_EQ(report.sets.begun, 10u);
  EXPECT_EQ(report.sets.right, 10u);
  EXPECT_EQ(report.records, 10u);
  EXPECT_EQ(report.moments.back().replicas, few);
  EXPECT_NEAR(static_cast<double>(report.gets.begun), 36, 20);
  EXPECT_NEAR(report.hours * 60, 2 + 2 + 6, 1e-9) << "it does not settle";
  EXPECT_EQ(report.healed.finds, 0u);
}

TEST(Simulation, AThirdCrashesForGood) {
  sim::Setup setup = scenario_setup(Scenario::crash, 5, 40, minutes(20));
  setup.settling = minutes(10);
  const SimulationReport report = Simulation(setup).run();
  EXPECT_FALSE(report.violation);
  const std::vector<Moment>& moments = report.moments;
  EXPECT_EQ(moments[0].up, 40u);
  EXPECT_NEAR(moments[0].hours * 60, 4, 1e-9);
  // At a quarter of the time, which is the second moment.
  EXPECT_NEAR(moments[2].up, 27, 9);
  EXPECT_LT(moments[2].up, 40u);
  EXPECT_EQ(moments.back().up, moments[2].up);
  EXPECT_EQ(report.faults.crashes, 0u) << "it is not one of the random ones";
}

TEST(Simulation, TwoHalvesDoNotHearEachOtherForHalfOfTheTime) {
  sim::Setup setup = scenario_setup(Scenario::partition, 5, 40, minutes(40));
  setup.workload.find_every = seconds(2);
  setup.settling = hours(2);
  setup.must_end_well = false;
  const SimulationReport report = Simulation(setup).run();
  EXPECT_FALSE(report.violation);
  for (const Moment& moment : report.moments) {
    const double minute = moment.hours * 60 - 4;
    EXPECT_EQ(moment.up, 40u);
    if (minute <= 10) {
      EXPECT_GT(moment.finds_right, 0.9) << minute;
    }
    if (minute >= 15 && minute <= 30) {
      EXPECT_LT(moment.finds_right, 0.5) << minute;
    }
  }
}

TEST(Simulation, HostsComeAndGoAsTheirSessionsEnd) {
  sim::Setup setup = scenario_setup(Scenario::churn, 5, 40, minutes(40));
  setup.churn.session_median = minutes(20);
  setup.churn.new_identity = 1;
  const SimulationReport all_new = Simulation(setup).run();
  EXPECT_FALSE(all_new.violation);
  EXPECT_EQ(all_new.moments[0].up, 40u);
  EXPECT_LT(all_new.moments[3].up, 38u);
  EXPECT_GT(all_new.moments.back().up, 12u);
  EXPECT_GT(all_new.joins.begun, 50u);
  setup.churn.new_identity = 0;
  const SimulationReport few_new = Simulation(setup).run();
  EXPECT_GT(few_new.joins.begun, 50u);
  // Who comes back is someone else, or who it was, unless it had nothing to keep.
  EXPECT_GT(all_new.naming.other_id, 10 * few_new.naming.other_id);
}

TEST(Simulation, HostileHostsAreNoMembers) {
  sim::Setup setup = scenario_setup(Scenario::sybil, 5, 30, minutes(6));
  const SimulationReport report = Simulation(setup).run();
  EXPECT_FALSE(report.violation);
  EXPECT_EQ(report.moments.back().up, 30u);
  EXPECT_GT(report.moments.back().contacts, 30) << "yet they are filed";
}

TEST(Simulation, OneNodePublishesItsList) {
  sim::Setup setup = scenario_setup(Scenario::churn, 5, few, hours(2));
  setup.churn.session_median = {};
  set_published(setup, 40);
  const SimulationReport report = Simulation(setup).run();
  EXPECT_FALSE(report.violation);
  EXPECT_EQ(report.publisher.keys, 40u);
  EXPECT_EQ(report.publisher.sampled, 40u);
  EXPECT_GE(report.publisher.published, 30u) << "due one after another in two hours";
  EXPECT_LE(report.publisher.published, 80u) << "and neighbours together";
  EXPECT_GE(report.publisher.placed, 25u);
  EXPECT_EQ(Simulation(scenario_setup(Scenario::churn, 5, few, minutes(1))).run().publisher.keys,
            0u);
}

TEST(Simulation, WithoutChecksNothingIsLookedAt) {
  sim::Setup setup = scenario_setup(Scenario::churn, 5, few, minutes(1));
  setup.checks = false;
  const SimulationReport report = Simulation(setup).run();
  EXPECT_EQ(report.checks.datagrams, 0u);
  EXPECT_EQ(report.checks.inspections, 0u);
  EXPECT_GT(report.datagrams, 0u);
}

}  // namespace
}  // namespace xord::sim
