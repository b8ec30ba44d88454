// What is demanded of a network that has healed: each demand is met by one that did, and found
// unmet where the test breaks something.
#include "tools/sim/healed.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "tests/sim/small_world.h"

namespace xord::sim {
namespace {

constexpr uint32_t nodes = 16;  // Fewer than k, so that each record is on all of them.

class HealedTest : public ::testing::Test {
 protected:
  static WorldOptions options() {
    WorldOptions options = small_options();
    options.network.delay_mean = Network::calm_delay_mean;
    options.xord.node.ttl = hours(4);
    options.xord.store.records_max = 20;
    options.xord.publish_after = hours(2);
    return options;
  }
  HealedTest() {
    for (uint32_t i = 0; i < nodes; ++i) {
      world_.add_host(HostKind::xord, Endpoint::ipv4(0x0a000001 + i, 8468), 1, 0);
      world_.start(i);
      if (i > 0) operations_.join(i, {world_.host(0).endpoint}, [](const Outcome&) {});
      world_.run_for(seconds(2));
    }
    world_.run_for(minutes(3));
    workload_.run_until(world_.now());
  }
  void set_records(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      workload_.set_new();
      world_.run_for(seconds(5));
    }
    ASSERT_EQ(workload_.records().size(), count);
  }
  void demand(bool is_demanded) {
    healed_ = std::make_unique<Healed>(world_, operations_, checkers_, workload_, is_demanded);
  }
  // A host starts again with nothing.
  void lose(uint32_t host) {
    world_.crash(host, Storage::lost);
    world_.start(host);
  }
  std::string violation() const { return checkers_.violation() ? checkers_.violation()->what : ""; }
  const HealedCounts& counts() const { return healed_->counts(); }

  World world_{options()};
  Operations operations_{world_};
  Checkers checkers_{world_, false};
  static WorkloadOptions nothing() {
    WorkloadOptions options;
    options.set_every = options.get_every = options.find_every = {};
    return options;
  }
  Workload workload_{world_, operations_, checkers_, nothing()};
  std::unique_ptr<Healed> healed_;
};

// ---- Records.

TEST_F(HealedTest, RecordsThatAllHoldAreInPlace) {
  set_records(3);
  demand(true);
  healed_->note_records();
  healed_->check_records_placed();
  EXPECT_EQ(counts().records, 3u);
  EXPECT_EQ(counts().placed, 3u);
  EXPECT_EQ(violation(), "");
}

TEST_F(HealedTest, ARecordThatOneOfTheNearestLacksIsNotInPlace) {
  set_records(3);
  for (const bool is_demanded : {false, true}) {
    demand(is_demanded);
    healed_->note_records();
    lose(5);
    healed_->check_records_placed();
    EXPECT_EQ(counts().records, 3u);
    EXPECT_EQ(counts().placed, 0u);
    EXPECT_EQ(violation(), is_demanded
                               ? "does not hold a record for which it is among the k nearest, two "
                                 "republishes after everything was healed"
                               : "");
  }
  EXPECT_EQ(checkers_.violation()->host, 5u);
}

TEST_F(HealedTest, WhatNobodyHoldsIsNotDemanded) {
  set_records(2);
  for (uint32_t i = 0; i < nodes; ++i) lose(i);
  demand(true);
  healed_->note_records();
  healed_->check_records_placed();
  EXPECT_EQ(counts().records, 0u);
  EXPECT_EQ(violation(), "");
}

// All of the two and a half hours, and a quarter for the differences of clocks.
TEST_F(HealedTest, WhatExpiresMeanwhileIsNotDemanded) {
  set_records(1);
  world_.run_for(options().xord.node.ttl - replication_due - minutes(15) - minutes(1));
  demand(true);
  healed_->note_records();
  healed_->check_records_placed();
  EXPECT_EQ(counts().records, 1u);
  world_.run_for(minutes(2));
  demand(true);
  healed_->note_records();
  healed_->check_records_placed();
  EXPECT_EQ(counts().records, 0u);
}

TEST_F(HealedTest, AStoreThatIsFullMayRefuse) {
  set_records(3);
  demand(true);
  healed_->note_records();
  lose(5);
  for (uint8_t i = 1; i <= options().xord.store.records_max + 5; ++i) {
    Id key;
    key.bytes[0] = i;
    operations_.set(5, key, {0xa1, 'x'}, [](const Outcome&) {});
    world_.run_for(seconds(20));
  }
  ASSERT_EQ(world_.host(5).node->store(0).counters().read(StoreCount::records),
            options().xord.store.records_max);
  healed_->check_records_placed();
  EXPECT_EQ(counts().placed, 3u);
  EXPECT_EQ(violation(), "");
}

// ---- Lookups.

TEST_F(HealedTest, EachLookupIsExactAndEachRecordIsFound) {
  set_records(3);
  demand(true);
  healed_->check_finds();
  healed_->check_records_found();
  EXPECT_EQ(counts().finds, 20u);
  EXPECT_EQ(counts().exact, 20u);
  EXPECT_EQ(counts().gets, 40u);
  EXPECT_EQ(counts().got, 40u);
  EXPECT_EQ(violation(), "");
}

TEST_F(HealedTest, LookupsThatMissANodeAreNotExact) {
  world_.host(7).id.bytes[0] ^= 1;  // Nobody knows it by that id.
  demand(false);
  healed_->check_finds();
  EXPECT_LT(counts().exact, 5u) << "it knows itself";
  EXPECT_EQ(violation(), "");
  demand(true);
  healed_->check_finds();
  EXPECT_EQ(violation(), std::to_string(20 - counts().exact) +
                             " of 20 lookups are not exact after everything was healed");
}

// Nobody hears anybody: only a holder itself finds what it holds.
TEST_F(HealedTest, ARecordThatIsHeldMustBeFound) {
  set_records(1);
  for (uint32_t i = 8; i < nodes; ++i) lose(i);
  world_.network().cut(0, 0);
  demand(false);
  healed_->check_finds();
  healed_->check_records_found();
  EXPECT_EQ(counts().gets, 40u);
  EXPECT_LT(counts().got, 35u);
  EXPECT_GT(counts().got, 5u);
  EXPECT_EQ(violation(), "");
  Checkers demanding(world_, false);
  Healed demanded(world_, operations_, demanding, workload_, true);
  demanded.check_finds();
  demanded.check_records_found();
  EXPECT_LT(demanded.counts().got, 40u);
  EXPECT_TRUE(demanding.violation());
}

TEST_F(HealedTest, WhereThereIsNoRecordNothingIsToBeFound) {
  demand(true);
  healed_->check_finds();
  healed_->check_records_found();
  EXPECT_EQ(counts().gets, 0u);
  EXPECT_EQ(violation(), "");
}

// ---- Rest.

// By hand, from docs/TESTING.md: in an hour two pings and one in each 288 s for each contact, a
// ping has an answer; 30 calls of up to four datagrams for each bucket and each range without one,
// ten times in nine hours; and for each record, and each of its publications, a lookup of 30 calls,
// a survey of 40 and k stores.
double allowed_by_hand(const World& world, uint32_t records, double publications_an_hour) {
  double hourly = 0;
  for (uint32_t host = 0; host < nodes; ++host) {
    const Node& node = world.host(host).node->node(0);
    hourly += node.contacts_count() * (2 + 3600.0 / 288) * 2;
    hourly += (node.buckets_count() + std::log2(nodes) + 1) * 30 * 4 / 0.9;
  }
  hourly += records * (1 + publications_an_hour) * (30 + 40 + 20) * 4;
  return hourly / nodes / 3600;
}

TEST_F(HealedTest, ANetworkAtRestSendsNoMoreThanItsRulesAskFor) {
  set_records(4);
  demand(true);
  healed_->note_records();
  const uint64_t before = world_.datagrams_sent();
  healed_->begin_quiet();
  for (int minute = 0; minute < 70; ++minute) {
    world_.run_for(minutes(1));
    healed_->look_at_tables();
  }
  const uint64_t sent = world_.datagrams_sent() - before;
  healed_->check_quiet();
  EXPECT_EQ(violation(), "");
  EXPECT_NEAR(counts().datagrams, static_cast<double>(sent) / (70 * 60 * nodes), 1e-9);
  EXPECT_NEAR(counts().datagrams_max, allowed_by_hand(world_, 4, 0.5), 1e-9);
  EXPECT_LT(counts().datagrams, counts().datagrams_max);
}

TEST_F(HealedTest, MoreThanThatIsAViolation) {
  for (const bool is_demanded : {false, true}) {
    demand(is_demanded);
    healed_->note_records();
    healed_->begin_quiet();
    world_.run_for(seconds(60));
    const double allowed = allowed_by_hand(world_, 0, 0) * 60 * nodes;
    for (double sent = 0; sent < 2 * allowed; ++sent) {
      world_.send_as(0, world_.host(0).endpoint, Endpoint::ipv4(1, 1), {});
    }
    healed_->check_quiet();
    EXPECT_EQ(violation().find(" datagrams per node and second in a network at rest, of ") !=
                  std::string::npos,
              is_demanded);
    EXPECT_EQ(counts().datagrams_max > 0, is_demanded);
  }
}

TEST_F(HealedTest, ATableThatIsInUseAllTheTimeIsAViolation) {
  demand(true);
  healed_->note_records();
  // An operation that is open whenever somebody looks.
  const auto join = [&] {
    const Endpoint nobody = Endpoint::ipv4(0x0a0000ff, 8468);
    operations_.join(3, {nobody}, [](const Outcome&) {});
  };
  join();
  healed_->begin_quiet();
  for (int minute = 0; minute < 10; ++minute) {
    world_.run_for(minutes(1));
    join();
    healed_->look_at_tables();
  }
  healed_->check_quiet();
  EXPECT_NE(violation().find(" in use all the time in a network at rest"), std::string::npos);
  EXPECT_EQ(checkers_.violation()->host, 3u);
}

TEST_F(HealedTest, ATableThatWasFreeOnceWasGivenBack) {
  demand(true);
  healed_->note_records();
  const Endpoint nobody = Endpoint::ipv4(0x0a0000ff, 8468);
  operations_.join(3, {nobody}, [](const Outcome&) {});
  healed_->begin_quiet();
  world_.run_for(minutes(10));
  healed_->look_at_tables();
  operations_.join(3, {nobody}, [](const Outcome&) {});
  healed_->look_at_tables();
  healed_->check_quiet();
  EXPECT_EQ(violation(), "");
}

}  // namespace
}  // namespace xord::sim
