// Which answers determine how long a node waits, on virtual time (model_network.h).
#include <gtest/gtest.h>

#include <set>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

const Endpoint nobody = Endpoint::ipv4(0xc0000202, 4000);  // Unknown to the node.
const std::vector<uint8_t> text_value{0xa4, 't', 'e', 'x', 't'};

Id stranger_id(uint16_t port) {
  Id id{};
  store_be16(id.bytes.data(), static_cast<uint16_t>(port * 40503u));  // From all ranges.
  store_be16(&id.bytes[2], port);
  return id;
}

// Strangers send `node` a find_node, and answer only its first ping, after `late`; returns how many
// it pinged.
int strangers_come(ModelNetwork& net, ModelNode& node, int count, Duration late) {
  int pinged = 0;
  std::set<Endpoint> answered;
  net.on_stranger = [&](const Endpoint& from, const Endpoint& to, Bytes bytes) {
    Request request;
    if (rpcudp::is_reply(bytes)) return;
    ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
    if (request.method != Method::ping) return;
    if (!answered.insert(to).second) return;
    ++pinged;
    const Duration usual = net.delay;
    net.delay = late;
    net.send_from(to, from, datagram([&](MutableBytes out) {
                    return rpcudp::encode_ping_reply(out, request.transaction,
                                                     stranger_id(to.port));
                  }));
    net.delay = usual;
  };
  for (int i = 0; i < count; ++i) {
    const auto port = static_cast<uint16_t>(5000 + i);
    net.send_from(
        Endpoint::ipv4(0xc0000201, port), node.endpoint(), datagram([&](MutableBytes out) {
          return rpcudp::encode_find_node_request(out, Transaction{7}, stranger_id(port), {});
        }));
    net.run_for(milliseconds(300));  // There is room for sixteen at once.
  }
  net.run_for(seconds(10));
  return pinged;
}

// The longest time that any of its shards would wait for `endpoint`, and the shortest.
Duration longest_wait(ModelNode& node, const Endpoint& endpoint) {
  Duration longest{};
  for (uint32_t i = 0; i < node.shards_count(); ++i) {
    longest = std::max(longest, node.shard(i).timeout_of(endpoint));
  }
  return longest;
}
Duration shortest_wait(ModelNode& node, const Endpoint& endpoint) {
  Duration shortest = seconds(10);
  for (uint32_t i = 0; i < node.shards_count(); ++i) {
    shortest = std::min(shortest, node.shard(i).timeout_of(endpoint));
  }
  return shortest;
}

// Values for enough keys that each shard of `node` stores some at its contacts.
void set_some(ModelNetwork& net, ModelNode& node) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(net.set(node, net.random_id(), text_value)->header.status, OperationStatus::done);
  }
}

TEST(NodeRoundTrips, AStrangersLatePongsLeaveTheNodesEstimateAsItWas) {
  for (const uint32_t shards : {1u, 3u}) {
    ModelNetwork net(71);
    ModelNode& node = net.add(shards);
    for (int i = 0; i < 5; ++i) net.add();
    net.join_all();
    set_some(net, node);
    ASSERT_EQ(longest_wait(node, nobody), milliseconds(200));

    const uint32_t before = node.shard(0).contacts_count();
    EXPECT_GE(strangers_come(net, node, 40, milliseconds(3900)), 40);
    EXPECT_GT(node.shard(0).contacts_count(), before) << "they are filed by these pongs";
    EXPECT_EQ(longest_wait(node, nobody), milliseconds(200));
  }
}

TEST(NodeRoundTrips, LatePongsOfStrangersThatAreNotFiledAreForgotten) {
  ModelNetwork net(72);
  NodeConfig config = model_config();
  config.routing.contacts_max = 5;  // The nodes of the network fill it.
  ModelNode& node = net.add(1, config);
  for (int i = 0; i < 5; ++i) net.add();
  net.join_all();
  set_some(net, node);
  ASSERT_EQ(node.shard(0).contacts_count(), 5u);

  EXPECT_GE(strangers_come(net, node, 100, milliseconds(3900)), 100);
  EXPECT_EQ(node.shard(0).contacts_count(), 5u);
  for (uint16_t port = 5000; port < 5100; ++port) {
    EXPECT_EQ(node.shard(0).timeout_of(Endpoint::ipv4(0xc0000201, port)), milliseconds(200));
  }
}

TEST(NodeRoundTrips, WhoWasNotMeasuredIsWaitedForASecondAtMost) {
  for (const uint32_t shards : {1u, 3u}) {
    ModelNetwork net(73);
    net.delay = milliseconds(900);
    ModelNode& node = net.add(shards);
    for (int i = 0; i < 3; ++i) net.add();
    net.join_all();
    for (int i = 0; i < 5; ++i) set_some(net, node);
    EXPECT_GT(longest_wait(node, net.node(1).endpoint()), seconds(2)) << "its own answers count";
    EXPECT_EQ(longest_wait(node, nobody), seconds(1));
  }
}

TEST(NodeRoundTrips, ThePongThatFilesAContactMeasuresThatContactAlone) {
  ModelNetwork net(74);
  net.add();
  net.add();
  net.join_all();
  ModelNode& node = net.node(0);
  ModelNode& joiner = net.node(1);
  EXPECT_EQ(joiner.shard(0).timeout_of(node.endpoint()), milliseconds(200));
  EXPECT_EQ(joiner.shard(0).timeout_of(nobody), seconds(1));
  // A stranger's pong does not say when it was pinged (node/calls/ping_cookies.h).
  EXPECT_EQ(node.shard(0).answerable_count(), 1u);
  EXPECT_EQ(node.shard(0).timeout_of(joiner.endpoint()), seconds(1));
}

TEST(NodeRoundTrips, PingsOfFiledContactsCountForTheNode) {
  for (const uint32_t shards : {1u, 3u}) {
    ModelNetwork net(75);
    ModelNode& node = net.add(shards);
    for (int i = 0; i < 5; ++i) net.add();
    net.join_all();
    net.run_for(minutes(40));  // Each contact is pinged for upkeep meanwhile.
    EXPECT_EQ(shortest_wait(node, nobody), milliseconds(200));
  }
}

// An answer may be late because its sender waited for other nodes.
TEST(NodeRoundTrips, AnswersToFindsMeasureNobody) {
  ModelNetwork net(76);
  ModelNode& node = net.add();
  for (int i = 0; i < 5; ++i) net.add();
  net.join_all();
  set_some(net, node);
  net.run_for(minutes(2));  // No ping of these contacts is due for half an hour.
  net.delay = milliseconds(700);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(net.find(node, net.random_id()).has_value());
    ASSERT_TRUE(net.get(node, net.random_id()).has_value());
  }
  EXPECT_EQ(node.shard(0).timeout_of(nobody), milliseconds(200));
  for (size_t i = 1; i < net.size(); ++i) {
    EXPECT_EQ(node.shard(0).timeout_of(net.node(i).endpoint()), milliseconds(200));
  }
}

}  // namespace
}  // namespace xord::testing
