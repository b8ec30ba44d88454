// Republish, hand-over and the published list on whole small networks (checklist 26 to 31): what is
// stored where, how long, and at what cost.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/node/model_network.h"

namespace xord {
namespace {

using testing::model_config;
using testing::ModelNetwork;
using testing::ModelNode;
using testing::ModelResult;

constexpr NodeSeconds hour = 3600;

std::vector<uint8_t> value_of(uint32_t number) {
  return {0xc4, 4, static_cast<uint8_t>(number), static_cast<uint8_t>(number >> 8), 0, 1};
}

class ReplicationTest : public ::testing::Test {
 protected:
  explicit ReplicationTest(NodeSeconds republish_after = hour) {
    network.options.republish_after = republish_after;
  }
  void build(size_t nodes, uint32_t shards = 1) {
    for (size_t i = 0; i < nodes; ++i) network.add(i % 3 == 0 ? shards : 1);
    network.join_all();
    network.run_for(settling);
  }
  size_t holders(const Id& key) {
    size_t count = 0;
    for (size_t i = 0; i < network.size(); ++i) {
      ModelNode& node = network.node(i);
      const Presence presence = node.held(network.now(), key).presence;
      count +=
          !network.is_dead(node) && (presence == Presence::value || presence == Presence::cold);
    }
    return count;
  }
  // Whether the k nearest living nodes hold it.
  bool is_on_its_nearest(const Id& key) {
    std::vector<ModelNode*> alive;
    for (size_t i = 0; i < network.size(); ++i) {
      if (!network.is_dead(network.node(i))) alive.push_back(&network.node(i));
    }
    std::sort(alive.begin(), alive.end(), [&](const ModelNode* a, const ModelNode* b) {
      return nearer(key, a->id(), b->id());
    });
    alive.resize(std::min<size_t>(alive.size(), bucket_size));
    return std::all_of(alive.begin(), alive.end(), [&](ModelNode* node) {
      const Presence presence = node->held(network.now(), key).presence;
      return presence == Presence::value || presence == Presence::cold;
    });
  }
  uint64_t total(NodeCounter which) {
    uint64_t sum = 0;
    for (size_t i = 0; i < network.size(); ++i) sum += network.node(i).count(which);
    return sum;
  }
  uint64_t total_done(LookupPurpose purpose) {
    uint64_t sum = 0;
    for (size_t i = 0; i < network.size(); ++i) {
      sum += network.node(i).count(purpose, LookupOutcome::done);
    }
    return sum;
  }
  ModelResult run(ModelNode& node, const Id& key,
                  const std::function<void(Node&, OperationId, Outputs&)>& body) {
    const OperationId operation = next_operation++;
    node.run(shard_of(key, node.shards_count()), network.now(),
             [&](Node& owner, Outputs& out) { body(owner, operation, out); });
    const auto result = network.await(node, operation, seconds(60));
    EXPECT_TRUE(result.has_value());
    return result.value_or(ModelResult{});
  }
  ModelResult keep(ModelNode& node, const Id& key, Bytes value) {
    return run(node, key, [&](Node& owner, OperationId operation, Outputs& out) {
      owner.keep(network.now(), operation, key, value, out);
    });
  }
  ModelResult forget(ModelNode& node, const Id& key) {
    return run(node, key, [&](Node& owner, OperationId operation, Outputs& out) {
      owner.forget(network.now(), operation, key, out);
    });
  }
  std::vector<PublishedKey> listed(ModelNode& node) {
    std::vector<PublishedKey> keys;
    for (uint32_t shard = 0; shard < node.shards_count(); ++shard) {
      const OperationId operation = next_operation++;
      node.run(shard, network.now(), [&](Node& any, Outputs& out) {
        any.list_published(network.now(), operation, Id{}, out);
      });
      const auto result = network.await(node, operation, seconds(1));
      const size_t at = keys.size();
      keys.resize(at + result->tail.size() / sizeof(PublishedKey));
      if (!result->tail.empty()) {
        std::memcpy(keys.data() + at, result->tail.data(), result->tail.size());
      }
    }
    return keys;
  }

  ModelNetwork network{11};
  OperationId next_operation = 1'000'000;
};

TEST_F(ReplicationTest, RecordsOutliveTheirHoldersByHourlyRepublish) {
  build(45);
  std::vector<Id> keys;
  for (uint32_t i = 0; i < 10; ++i) {
    keys.push_back(network.random_id());
    ASSERT_TRUE(network.set(network.node(i), keys.back(), value_of(i)));
  }
  // A fifth of the network dies every hour and a half, until less than half is left.
  for (uint32_t wave = 0; wave < 3; ++wave) {
    for (size_t i = 0; i < 8; ++i) network.kill(network.node(20 + wave * 8 + i));
    network.run_for(minutes(90));
  }
  for (const Id& key : keys) EXPECT_TRUE(is_on_its_nearest(key));
  EXPECT_GT(total(NodeCounter::records_republished), 10u);
}

TEST_F(ReplicationTest, OneHolderOfAllRepublishesInAnHourAndTheOthersSkip) {
  build(30);
  const Id key = network.random_id();
  ASSERT_TRUE(network.set(network.node(3), key, value_of(1)));
  network.run_for(minutes(59));
  EXPECT_EQ(total(NodeCounter::records_republished), 0u);
  network.run_for(minutes(20));
  const uint64_t first = total(NodeCounter::records_republished);
  EXPECT_GE(first, 1u);
  EXPECT_LE(first, 3u);  // Holders whose timers fire while a region is being found.
  network.run_for(hours(1));
  EXPECT_LE(total(NodeCounter::records_republished), 3 * first + 3);
}

TEST_F(ReplicationTest, WhatWasStoredWithinTheHourIsNotRepublishedWithTheRestOfItsRegion) {
  build(30);
  Id key = network.random_id();
  ASSERT_TRUE(network.set(network.node(3), key, value_of(1)));
  network.run_for(minutes(50));
  key.bytes[19] ^= 1;
  const NodeSeconds stored = node_seconds(network.now());
  ASSERT_TRUE(network.set(network.node(3), key, value_of(2)));
  network.run_for(minutes(40));
  ASSERT_GE(total(NodeCounter::records_republished), 1u);
  for (size_t i = 0; i < network.size(); ++i) {
    const Found found = network.node(i).held(network.now(), key);
    if (found.presence == Presence::absent) continue;
    EXPECT_LE(found.times.last_store, stored + 60) << i;
  }
}

TEST_F(ReplicationTest, ManyDueRecordsOfARegionShareOneLookup) {
  build(30);
  Id key = network.random_id();
  for (uint32_t i = 0; i < 60; ++i) {
    key.bytes[18] = static_cast<uint8_t>(i);
    ASSERT_TRUE(network.set(network.node(3), key, value_of(i)));
  }
  network.run_for(minutes(80));
  EXPECT_GE(total(NodeCounter::records_republished), 60u);
  EXPECT_LE(total(NodeCounter::region_lookups), 30u);
  EXPECT_TRUE(is_on_its_nearest(key));
}

TEST_F(ReplicationTest, RepublishCarriesTheAgeSoThatAValueLapsesWithoutItsPublisher) {
  network.options.ttl = 8 * hour;
  build(8);
  const Id key = network.random_id();
  ASSERT_TRUE(network.set(network.node(3), key, value_of(1)));
  network.run_for(hours(7));
  EXPECT_EQ(holders(key), 8u);
  EXPECT_GE(total(NodeCounter::records_republished), 5u);
  network.run_for(hours(2));
  EXPECT_EQ(holders(key), 0u);
}

// It returns with the old value, and its hour is over: what it sends is refused, and within the
// next hour it receives the update.
TEST_F(ReplicationTest, AHolderThatWasAwayDoesNotRollAnUpdateBack) {
  build(12, 3);
  std::vector<Id> keys;
  for (uint32_t i = 0; i < 6; ++i) {
    keys.push_back(network.random_id());
    ASSERT_TRUE(network.set(network.node(3), keys.back(), value_of(i)));
  }
  network.run_for(minutes(5));
  network.kill(network.node(6));
  for (const Id& key : keys) ASSERT_TRUE(network.set(network.node(3), key, value_of(100)));
  network.run_for(minutes(10));
  // Three quarters of an hour after the update, so that it republishes before the others do.
  network.run_for(minutes(40));
  network.revive(network.node(6));
  const auto count_updated = [&](const Id& key) {
    size_t count = 0;
    for (size_t i = 0; i < network.size(); ++i) {
      const Found found = network.node(i).held(network.now(), key);
      count += found.presence == Presence::value && equal(found.value, value_of(100));
    }
    return count;
  };
  for (uint32_t minute = 0; minute < 150; ++minute) {
    network.run_for(minutes(1));
    for (const Id& key : keys) ASSERT_GE(count_updated(key), 11u) << "minute " << minute;
  }
  for (const Id& key : keys) EXPECT_EQ(count_updated(key), 12u);
  uint64_t refused = 0;
  for (size_t i = 0; i < network.size(); ++i) {
    ModelNode& node = network.node(i);
    for (uint32_t shard = 0; shard < node.shards_count(); ++shard) {
      refused += node.store(shard).counters().read(StoreCount::refused_older);
    }
  }
  EXPECT_GT(refused, 0u);
}

TEST_F(ReplicationTest, OnlyTheNearestHolderHandsARecordToANewcomer) {
  build(30);
  std::vector<Id> keys;
  for (uint32_t i = 0; i < 20; ++i) {
    keys.push_back(network.random_id());
    ASSERT_TRUE(network.set(network.node(3), keys.back(), value_of(i)));
  }
  const uint64_t before = total(NodeCounter::records_handed_over);
  ModelNode& newcomer = network.add();
  const Endpoint first = network.node(0).endpoint();
  newcomer.run(0, network.now(), [&](Node& node, Outputs& out) {
    node.join(network.now(), 1, std::span(&first, 1), out);
  });
  network.run_for(minutes(2));
  size_t should_hold = 0;
  for (const Id& key : keys) {
    size_t nearer_count = 0;
    for (size_t i = 0; i + 1 < network.size(); ++i) {
      nearer_count += nearer(key, network.node(i).id(), newcomer.id());
    }
    const bool holds = newcomer.held(network.now(), key).presence == Presence::value;
    EXPECT_EQ(holds, nearer_count < bucket_size);
    should_hold += nearer_count < bucket_size;
  }
  EXPECT_GT(should_hold, 0u);
  EXPECT_LT(should_hold, keys.size());
  EXPECT_EQ(total(NodeCounter::records_handed_over) - before, should_hold);
}

TEST_F(ReplicationTest, AHandedOverRecordKeepsItsAge) {
  build(10);
  const Id key = network.random_id();
  ASSERT_TRUE(network.set(network.node(3), key, value_of(1)));
  const NodeSeconds published = network.node(3).held(network.now(), key).times.published;
  network.run_for(minutes(30));
  ModelNode& newcomer = network.add();
  const Endpoint first = network.node(0).endpoint();
  newcomer.run(0, network.now(), [&](Node& node, Outputs& out) {
    node.join(network.now(), 1, std::span(&first, 1), out);
  });
  network.run_for(minutes(2));
  const Found handed = newcomer.held(network.now(), key);
  ASSERT_EQ(handed.presence, Presence::value);
  EXPECT_NEAR(handed.times.published, published, 2);
}

TEST_F(ReplicationTest, TheLookupsForRecordsThatAreDueAreCountedAsRepublish) {
  build(12, 3);
  for (uint32_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(network.set(network.node(4), network.random_id(), value_of(i)));
  }
  network.run_for(hours(3));
  EXPECT_GE(total_done(LookupPurpose::republish), 1u);
  EXPECT_LE(total_done(LookupPurpose::republish), total(NodeCounter::region_lookups));
  EXPECT_EQ(total_done(LookupPurpose::publish), 0u);
}

class NoRepublishTest : public ReplicationTest {
 protected:
  NoRepublishTest() : ReplicationTest(0) {}
};

TEST_F(NoRepublishTest, ThePublisherPublishesAgainEachDay) {
  network.options.ttl = 30 * hour;
  build(7, 3);
  const Id key = network.random_id();
  ModelNode& publisher = network.node(3);
  const ModelResult result = keep(publisher, key, value_of(1));
  EXPECT_EQ(result.header.status, OperationStatus::done);
  EXPECT_EQ(result.header.stored, 7u);
  network.run_for(hours(80));  // Longer than the ttl.
  EXPECT_EQ(holders(key), 7u);
  EXPECT_GE(publisher.count(NodeCounter::records_published), 3u);
  EXPECT_LE(publisher.count(NodeCounter::records_published), 4u);
  // One of three shards has the key, and any may have the bucket.
  EXPECT_GE(publisher.count(LookupPurpose::publish, LookupOutcome::done), 2u);
  EXPECT_EQ(total_done(LookupPurpose::publish),
            publisher.count(LookupPurpose::publish, LookupOutcome::done));
  EXPECT_EQ(total_done(LookupPurpose::republish), 0u);
}

TEST_F(NoRepublishTest, WhatIsForgottenIsNotPublishedAgain) {
  network.options.ttl = 30 * hour;
  build(7, 2);
  const Id key = network.random_id();
  ModelNode& publisher = network.node(3);
  keep(publisher, key, value_of(1));
  ASSERT_EQ(listed(publisher).size(), 1u);
  EXPECT_EQ(listed(publisher)[0].key, key);
  EXPECT_LT(listed(publisher)[0].published_ago, 60u);
  EXPECT_EQ(listed(publisher)[0].value_size, value_of(1).size());
  EXPECT_EQ(forget(publisher, key).header.status, OperationStatus::done);
  EXPECT_TRUE(listed(publisher).empty());
  EXPECT_EQ(forget(publisher, key).header.status, OperationStatus::not_found);
  network.run_for(hours(31));
  EXPECT_EQ(holders(key), 0u);
}

TEST_F(NoRepublishTest, WhatIsKeptWhileNobodyIsThereIsPublishedOnceSomebodyIs) {
  ModelNode& publisher = network.add();
  const Id key = network.random_id();
  publisher.disk_works = true;
  EXPECT_EQ(keep(publisher, key, value_of(1)).header.status, OperationStatus::done);
  for (int i = 0; i < 5; ++i) network.add();
  network.join_all();
  network.run_for(hours(30));
  EXPECT_EQ(holders(key), 6u);
}

TEST_F(NoRepublishTest, AKeepThatTheDiskRefusesIsRefused) {
  build(5);
  network.node(3).disk_works = false;
  const Id key = network.random_id();
  EXPECT_EQ(keep(network.node(3), key, value_of(1)).header.status, OperationStatus::refused);
  EXPECT_TRUE(listed(network.node(3)).empty());
  EXPECT_EQ(holders(key), 0u);
}

TEST_F(NoRepublishTest, ADaysKeysOfARegionAreStoredAfterOneLookup) {
  build(40);
  ModelNode& publisher = network.node(3);
  for (uint32_t i = 0; i < 100; ++i) keep(publisher, network.random_id(), value_of(i));
  const uint64_t before = publisher.count(NodeCounter::region_lookups);
  network.run_for(hours(30));
  EXPECT_GE(publisher.count(NodeCounter::records_published), 200u);
  // The bound is 4 n/k lookups.
  EXPECT_LE(publisher.count(NodeCounter::region_lookups) - before, 4 * 40 / bucket_size);
}

// A publisher that is far behind: few records at once, each of which takes seconds.
TEST_F(NoRepublishTest, NoRegionIsLookedUpBeforeThereIsRoomForIt) {
  build(50);
  NodeConfig config = model_config();
  config.budget.regions = 1;
  config.budget.region_lookups = 2;
  config.budget.replications = 1;
  ModelNode& publisher = network.add(1, config);
  network.join_all();
  for (uint32_t i = 0; i < 150; ++i) keep(publisher, network.random_id(), value_of(i));
  const uint64_t kept = publisher.count(NodeCounter::records_published);
  network.delay = seconds(1);
  network.run_for(hours(30));
  EXPECT_EQ(publisher.count(NodeCounter::regions_refused), 0u);
  EXPECT_GE(publisher.count(NodeCounter::records_published), 2 * kept);
}

// For values of the largest size, and for short ones.
TEST_F(NoRepublishTest, WhatIsPublishedAtOnceFitsTheReceiveBufferOfOneNode) {
  build(25);
  NodeConfig config = model_config();
  config.budget.replications = 64;
  config.budget.other_requests = 64 * bucket_size;
  const auto most_at_once = [&](const std::vector<uint8_t>& value) {
    ModelNode& publisher = network.add(1, config);
    network.join_all();
    network.delay = milliseconds(1);
    for (int i = 0; i < 100; ++i) keep(publisher, network.random_id(), value);
    network.delay = milliseconds(500);
    uint32_t most = 0;
    for (int i = 0; i < 29 * 3600; ++i) {
      network.run_for(seconds(1));
      const NodeUsage usage = publisher.shard(0).usage();
      most = std::max(most, usage[static_cast<size_t>(NodeTable::replications)]);
    }
    EXPECT_GE(publisher.count(NodeCounter::records_published), 200u);
    return most;
  };
  std::vector<uint8_t> large(8000, 7);
  large[0] = 0xc5;  // msgpack: bytes, and their number.
  store_be16(&large[1], static_cast<uint16_t>(large.size() - 3));
  EXPECT_EQ(most_at_once(large), replication_bytes_max / value_size_max);
  EXPECT_EQ(most_at_once(value_of(1)), 64u);
}

class ColdReplicationTest : public ReplicationTest {
 protected:
  ColdReplicationTest() { network.options.memory_max = 0; }
};

TEST_F(ColdReplicationTest, ValuesThatAreOnDiskOnlyAreReadForIt) {
  build(30, 4);
  const Id key = network.random_id();
  ASSERT_TRUE(network.set(network.node(3), key, value_of(1)));
  for (size_t i = 10; i < 20; ++i) network.kill(network.node(i));
  network.run_for(minutes(90));
  EXPECT_TRUE(is_on_its_nearest(key));
}

}  // namespace
}  // namespace xord
