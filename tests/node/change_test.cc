// Choices of the operator that change while a node runs.
#include <gtest/gtest.h>

#include <vector>

#include "node/node_change.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

const Endpoint stranger = Endpoint::ipv4(0xc0000201, 4000);  // 192.0.2.1
const Id stranger_id = *Id::from_hex("00112233445566778899aabbccddeeff00112233");
const Subnet of_stranger = *Subnet::parse("192.0.2.0/24");
const std::vector<uint8_t> text_value{0xa4, 't', 'e', 'x', 't'};

class NodeChangeTest : public ::testing::Test {
 protected:
  NodeChangeTest() : node(net.add()), config(model_config()) {}

  // Returns what held before.
  NodeChange change(const NodeConfig& to) {
    NodeChange changed(to);
    node.shard(0).change(net.now(), changed);
    node.shard(0).check_invariants();
    return changed;
  }
  // The replies that a request of the stranger, who answers no ping, has brought in a second.
  size_t replies_to_find_node() {
    const size_t before = replies();
    net.send_from(stranger, node.endpoint(), datagram([&](MutableBytes out) {
                    return rpcudp::encode_find_node_request(out, Transaction{7, 7, 7}, stranger_id,
                                                            net.random_id());
                  }));
    net.run_for(seconds(1));
    return replies() - before;
  }
  size_t replies() const {
    size_t count = 0;
    for (const auto& bytes : net.received_by(stranger)) count += rpcudp::is_reply(bytes) ? 1 : 0;
    return count;
  }

  ModelNetwork net{1};
  ModelNode& node;
  NodeConfig config;
};

TEST_F(NodeChangeTest, ATrustedNetIsServedWithoutProofFromTheChangeOn) {
  for (int i = 0; i < 40; ++i) net.add();
  net.join_all();
  EXPECT_EQ(replies_to_find_node(), 0u);  // It is larger than its request, and waits for a proof.
  config.trusted = {of_stranger};
  const NodeChange before = change(config);
  EXPECT_TRUE(before.trusted.empty());
  EXPECT_TRUE(node.shard(0).ledger().is_exempt(stranger.address));
  EXPECT_GE(replies_to_find_node(), 1u);
  config.trusted.clear();
  EXPECT_EQ(change(config).trusted, std::vector<Subnet>{of_stranger});
  EXPECT_FALSE(node.shard(0).ledger().is_exempt(stranger.address));
}

TEST_F(NodeChangeTest, AnotherAmplificationBoundHoldsForTheNextRequest) {
  const auto replies_to_ping = [&] {
    const size_t before = replies();
    net.send_from(stranger, node.endpoint(), datagram([&](MutableBytes out) {
                    return rpcudp::encode_ping_request(out, Transaction{7, 7, 7}, stranger_id);
                  }));
    net.run_for(seconds(1));
    return replies() - before;
  };
  EXPECT_EQ(replies_to_ping(), 1u);
  config.amplification_max = 0.5;  // A pong is larger than half its ping.
  EXPECT_EQ(change(config).amplification_max, 1.0);
  EXPECT_EQ(replies_to_ping(), 0u);
  config.amplification_max = 1;
  change(config);
  EXPECT_EQ(replies_to_ping(), 1u);
}

TEST_F(NodeChangeTest, LimitsTakeOtherRatesAndModesAndKeepWhatWasCharged) {
  const auto most = [&] {
    return node.shard(0).ledger().most(PrefixLevel::address, Charge::excess);
  };
  const uint32_t before = most();
  config.limits.excess_a_second *= 2;
  change(config);
  EXPECT_EQ(most(), 2 * before);
  config.limits.mode = LimitsMode::off;
  change(config);
  EXPECT_TRUE(node.shard(0).ledger().is_exempt(stranger.address));
  config.limits.mode = LimitsMode::on;
  config.limits.factors = {{of_stranger, 4}};
  change(config);
  EXPECT_FALSE(node.shard(0).ledger().is_exempt(stranger.address));
}

TEST_F(NodeChangeTest, PathsChangeWhileLookupsRun) {
  config.disjoint_paths = 4;
  ModelNode& wide = net.add(1, config);
  for (int i = 0; i < 40; ++i) net.add();
  net.join_all();
  const Id key = net.random_id();
  ASSERT_TRUE(net.set(net.node(3), key, text_value));
  for (const uint32_t paths : {1u, 4u, 2u}) {
    wide.run(0, net.now(), [&](Node& shard, Outputs& out) {
      shard.find(net.now(), 1000 + paths, net.random_id(), out);
      config.disjoint_paths = paths;
      NodeChange changed(config);
      shard.change(net.now(), changed);
    });
    ASSERT_TRUE(net.await(wide, 1000 + paths, seconds(30)));
    const auto got = net.get(wide, key);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->header.status, OperationStatus::done);
    wide.shard(0).check_invariants();
  }
}

TEST_F(NodeChangeTest, MorePathsThanThereIsRoomForAreAMistakeOfTheCaller) {
  config.disjoint_paths = model_config().disjoint_paths + 1;
  EXPECT_DEATH(change(config), "paths_max");
}

}  // namespace
}  // namespace xord::testing
