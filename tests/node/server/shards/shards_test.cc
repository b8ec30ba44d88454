// How the shards of a server share what the operator grants, and that each of them gets the
// operator's choices. Their loops do not turn.
#include "node/server/shards/shards.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "node/server/config/value_rules.h"
#include "node/server/stats/collect_stats.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

class ShardsTest : public testing::Test {
 protected:
  // Two networks on two shards: four share.
  ShardsTest() : config_(loopback_config(directory_.path(), 2)) {
    config_.listen.push_back(config_.listen[0]);
    config_.disjoint_paths = 3;
    config_.records_max = 4'001;
    config_.storage_max = 4'000'004;
  }
  ~ShardsTest() override {
    if (shards_) shards_->stop();
  }
  void make() {
    RocksConfig rocks;
    rocks.directory = directory_.path();
    rocks.networks = {"first", "second"};
    rocks.durability = Durability::os;
    rocks.values = value_rules;
    database_ = std::make_unique<RocksStore>(
        rocks, [](ReportLevel, std::string_view, const std::vector<ReportField>&) {});
    std::vector<NetworkSetup> networks(2);
    for (uint8_t i = 0; i < 2; ++i) {
      networks[i].dialect = &rpcudp::dialect();
      networks[i].listens = {i};
    }
    shards_ = std::make_unique<Shards>(config_, networks, NodeClock(instant_of(first_node_seconds)),
                                       bell_);
    ASSERT_FALSE(shards_->open());
    ASSERT_FALSE(shards_->make_nodes(*database_, rocks.hash_seed));
  }

  TemporaryDirectory directory_;
  ServerConfig config_;
  Doorbell bell_;
  std::unique_ptr<RocksStore> database_;
  std::unique_ptr<Shards> shards_;
};

TEST_F(ShardsTest, EachShardAndNetworkIsToldEveryChoice) {
  make();
  ServerConfig wanted = config_;
  wanted.ttl = hours(5);
  wanted.amplification_max = 2.5;
  wanted.disjoint_paths = 2;
  wanted.allow_private_contacts = true;
  wanted.trusted_nets = {*Subnet::parse("10.0.0.0/8")};
  wanted.limits.mode = LimitsMode::dry_run;
  wanted.limits.limits_loopback = true;
  wanted.limits.excess_a_second = 77'777;
  wanted.limits.reads_a_second = 7;
  wanted.limits.factors = {{*Subnet::parse("192.0.2.0/24"), 3}};
  wanted.records_max = 2'001;
  wanted.storage_max = 2'000'004;
  shards_->choose(wanted);
  for (ShardIndex shard = 0; shard < 2; ++shard) {
    const auto change = shards_->change_of(shard);
    EXPECT_FALSE(change->is_taken);
    ASSERT_EQ(change->networks.size(), 2u);
    for (const ShardChange::OfNetwork& each : change->networks) {
      EXPECT_EQ(each.node.ttl, hours(5));
      EXPECT_EQ(each.node.amplification_max, 2.5);
      EXPECT_EQ(each.node.disjoint_paths, 2u);
      EXPECT_TRUE(each.node.allow_private_contacts);
      EXPECT_EQ(each.node.trusted, wanted.trusted_nets);
      EXPECT_EQ(each.node.proof_exempt, wanted.trusted_nets);
      EXPECT_EQ(each.node.limits, wanted.limits);
      EXPECT_EQ(each.store.ttl, 5u * 3600);
      EXPECT_EQ(each.store.records_max, 501u) << "a fourth, rounded up";
      EXPECT_EQ(each.store.bytes_max, 500'001u) << "a fourth";
      EXPECT_EQ(each.store.shares, Shares::counted) << "as limits are a dry run";
    }
  }
}

TEST_F(ShardsTest, WhatIsReservedStaysAsItWas) {
  EXPECT_EQ(reserved_bytes(config_), config_.memory_max + (uint64_t{1} << 20) * 80);
  make();
  const MemoryPlan plan = plan_memory(config_.memory_max, config_.records_max);
  EXPECT_EQ(shards_->memory().records_max, plan.records_max);
  EXPECT_EQ(shards_->memory().value_bytes_max, plan.value_bytes_max);
  EXPECT_EQ(shards_->paths_reserved(), 3u);
  ServerConfig wanted = config_;
  wanted.disjoint_paths = 1;
  wanted.records_max = 1'000;
  shards_->choose(wanted);
  EXPECT_EQ(shards_->paths_reserved(), 3u);
  EXPECT_EQ(shards_->memory().records_max, plan.records_max);
}

TEST_F(ShardsTest, AreNotReadyBeforeEveryShardHasTheRecordsOfEveryNetwork) {
  make();
  EXPECT_EQ(storage_state(*shards_), StorageState::opening);
  ASSERT_FALSE(database_->start_threads());
  ASSERT_FALSE(shards_->start_commits());
  ASSERT_TRUE(eventually([&] { return storage_state(*shards_) != StorageState::opening; }));
  // They are read, but the loops that would take them do not turn.
  EXPECT_EQ(storage_state(*shards_), StorageState::loading);
  EXPECT_FALSE(shards_->is_drained());
}

TEST_F(ShardsTest, ASavedContactIsKnownToEveryShardBeforeTheyTurn) {
  make();
  Contact contact;
  contact.id.bytes[0] = 0x80;
  contact.endpoint = own_loopback(own_port);
  shards_->restore(1, contact, minutes(5));
  ASSERT_FALSE(shards_->run());
  const auto contacts_of = [&](uint32_t shard) {
    return shards_->shard(shard).counters().read(ShardCount::contacts);
  };
  EXPECT_TRUE(eventually([&] { return contacts_of(0) == 1 && contacts_of(1) == 1; }));
  EXPECT_EQ(shards_->answerable_count(0), 0u);
}

}  // namespace
}  // namespace xord
