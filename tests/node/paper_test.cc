// Lines of the paper's checklist (docs/FIDELITY.md) that only a whole network shows, and that no
// other test covers. The number is the line's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord {
namespace {

using testing::ModelNetwork;
using testing::ModelNode;

const std::vector<uint8_t> value{0xc4, 2, 1, 2};

class Paper : public ::testing::Test {
 protected:
  void build(size_t nodes) {
    for (size_t i = 0; i < nodes; ++i) network.add();
    network.join_all();
  }
  // How many nodes of the network are nearer to `key` than `node` is.
  size_t rank(const ModelNode& node, const Id& key) {
    size_t count = 0;
    for (size_t i = 0; i < network.size(); ++i) {
      count += nearer(key, network.node(i).id(), node.id());
    }
    return count;
  }
  bool holds(ModelNode& node, const Id& key) {
    return node.held(network.now(), key).presence == Presence::value;
  }
  ModelNode& nearest_to(const Id& key) {
    ModelNode* nearest = &network.node(0);
    for (size_t i = 1; i < network.size(); ++i) {
      if (nearer(key, network.node(i).id(), nearest->id())) nearest = &network.node(i);
    }
    return *nearest;
  }

  ModelNetwork network{23};
};

TEST_F(Paper, Line10KIsTwenty) {
  build(40);
  const auto found = network.find(network.node(0), network.random_id());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->header.contacts_count, 20);
  const auto stored = network.set(network.node(0), network.random_id(), value);
  ASSERT_TRUE(stored);
  EXPECT_GE(stored->header.stored, 20);
  EXPECT_LE(stored->header.stored, 21) << "the publisher may be near itself";
}

TEST_F(Paper, Line21And22AValueIsStoredAtTheKNearestAndThePublisherIsNoException) {
  build(40);
  for (size_t i = 0; i < 8; ++i) {
    const Id key = network.random_id();
    ModelNode& publisher = network.node(i);
    ASSERT_TRUE(network.set(publisher, key, value));
    for (size_t j = 0; j < network.size(); ++j) {
      const size_t place = rank(network.node(j), key);
      // The publisher stores at the k nearest others; that makes k + 1 when it is near itself.
      if (place == bucket_size) continue;
      EXPECT_EQ(holds(network.node(j), key), place < bucket_size);
    }
  }
}

TEST_F(Paper, Line23And24APathCopyAtTheNearestLivesForADayAndFartherOnesForLess) {
  build(40);
  const Id key = network.random_id();
  ModelNode& missing = nearest_to(key);
  network.kill(missing);
  ModelNode* publisher = &network.node(3);
  if (publisher == &missing) publisher = &network.node(4);
  ASSERT_TRUE(network.set(*publisher, key, value));
  network.revive(missing);
  std::vector<bool> has_of_the_set;
  for (size_t i = 0; i < network.size(); ++i) {
    has_of_the_set.push_back(holds(network.node(i), key));
  }
  size_t copies = 0;
  for (size_t i = 0; i < network.size(); ++i) {
    if (holds(network.node(i), key)) continue;
    ASSERT_TRUE(network.get(network.node(i), key));
    network.run_for(seconds(10));
  }
  const NodeSeconds now = node_seconds(network.now());
  for (size_t i = 0; i < network.size(); ++i) {
    const Found found = network.node(i).held(network.now(), key);
    if (found.presence != Presence::value) continue;
    const NodeSeconds left = found.times.expiry - now;
    if (has_of_the_set[i]) continue;
    ++copies;
    const size_t place = rank(network.node(i), key);
    EXPECT_LE(left, 86'400u) << "a copy on the path lives as long as the original";
    EXPECT_GT(left, 3600u - 600u);
    if (place <= bucket_size) {
      EXPECT_GT(left, 86'400u - 600u);
    } else if (place > bucket_size + 1) {
      EXPECT_LT(left, 43'300u);
    }
  }
  EXPECT_GT(copies, 0u);
}

TEST_F(Paper, Line32AJoinRefreshesEveryRangeFartherThanTheNearestNeighbour) {
  build(40);
  ModelNode& newcomer = network.add();
  const Endpoint first = network.node(0).endpoint();
  newcomer.run(0, network.now(), [&](Node& node, Outputs& out) {
    node.join(network.now(), 1, std::span(&first, 1), out);
  });
  network.run_for(seconds(30));
  uint32_t nearest_range = 0;
  for (size_t i = 0; i + 1 < network.size(); ++i) {
    nearest_range = std::max(nearest_range, shared_prefix(newcomer.id(), network.node(i).id()));
  }
  ASSERT_GT(nearest_range, 2u);
  EXPECT_GE(newcomer.count(NodeCounter::lookups_started), 1 + nearest_range);
  EXPECT_LE(newcomer.count(NodeCounter::lookups_started), 2 + nearest_range);
}

TEST_F(Paper, Line40ALookupAsksNobodyTwiceAndAStoreIsSentOnceMore) {
  build(30);
  const Id key = network.random_id();
  ModelNode& silent = nearest_to(key);
  ModelNode& asker = network.node(&silent == &network.node(3) ? 4 : 3);
  bool loses_finds = true;
  uint32_t finds = 0;
  uint32_t stores = 0;
  network.loses = [&](const Endpoint& from, const Endpoint& to, Bytes bytes) {
    if (from != asker.endpoint() || to != silent.endpoint() || rpcudp::is_reply(bytes))
      return false;
    Request request;
    if (rpcudp::parse_request(bytes, &request) != ParseError::none) return false;
    if (request.method == Method::find_node) {
      finds += request.target == key;
      return loses_finds;
    }
    if (request.method != Method::store) return false;
    ++stores;
    return true;
  };
  ASSERT_TRUE(network.find(asker, key));
  network.run_for(seconds(20));
  EXPECT_EQ(finds, 1u) << "nor once more when it stays silent";
  loses_finds = false;
  ASSERT_TRUE(network.set(asker, key, value));
  network.run_for(seconds(20));
  EXPECT_EQ(finds, 2u);
  EXPECT_EQ(stores, 2u);
}

// With buckets of half, a quarter, ... of the ids, every second lookup here would find the nearest
// node in the asker's buckets; with four more bits only nodes that the asker never heard of are
// missing.
TEST_F(Paper, Line43ALookupTakesFewHops) {
  build(120);
  uint32_t sum = 0;
  for (size_t i = 0; i < network.size(); ++i) {
    const auto found = network.find(network.node(i), network.random_id());
    ASSERT_TRUE(found);
    EXPECT_LE(found->header.hops, 2);  // log base 32 of 120 is 1.4.
    sum += found->header.hops;
  }
  EXPECT_LT(sum, network.size() / 4);
}

TEST_F(Paper, BeyondTheSizeOfTheNetworkIsEstimated) {
  build(60);
  double sum = 0;
  for (size_t i = 0; i < network.size(); ++i) {
    sum += static_cast<double>(network.node(i).count(NodeCounter::network_size));
  }
  const double mean = sum / static_cast<double>(network.size());
  EXPECT_GT(mean, 40);
  EXPECT_LT(mean, 90);
}

TEST_F(Paper, BeyondDisjointPathsFindExactlyTheKNearest) {
  NodeConfig config = testing::model_config();
  config.disjoint_paths = 4;
  for (size_t i = 0; i < 40; ++i) network.add();
  ModelNode& asker = network.add(2, config);
  network.join_all();
  for (size_t i = 0; i < 8; ++i) {
    const Id key = network.random_id();
    const auto found = network.find(asker, key);
    ASSERT_TRUE(found && found->header.status == OperationStatus::done);
    ASSERT_EQ(found->header.contacts_count, bucket_size);
    for (size_t j = 0; j < bucket_size; ++j) {
      Contact contact;
      std::memcpy(&contact, found->tail.data() + j * sizeof contact, sizeof contact);
      const auto is_it = [&](size_t node) { return network.node(node).id() == contact.id; };
      size_t node = 0;
      while (!is_it(node)) ASSERT_LT(++node, network.size());
      const size_t nearer_than_asker = nearer(key, asker.id(), contact.id);
      EXPECT_EQ(rank(network.node(node), key), j + nearer_than_asker);
    }
    ASSERT_TRUE(network.set(asker, key, value));
    const auto got = network.get(asker, key);
    ASSERT_TRUE(got && got->header.status == OperationStatus::done);
  }
  const Id key = network.random_id();
  ASSERT_TRUE(network.set(network.node(0), key, value));
  const auto got = network.get(asker, key);
  ASSERT_TRUE(got);
  EXPECT_EQ(std::vector<uint8_t>(got->value().begin(), got->value().end()), value);
}

}  // namespace
}  // namespace xord
