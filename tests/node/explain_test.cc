// What a shard says of the sources at one address: what it holds for them, and which are proven.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

struct Explained {
  SourceHead head;
  std::vector<ProvenRow> proven;
};

Explained explain(ModelNetwork& net, ModelNode& node, const IpAddress& address) {
  constexpr OperationId operation = 77;
  node.run(0, net.now(),
           [&](Node& shard, Outputs& out) { shard.explain(net.now(), operation, address, out); });
  const auto result = net.await(node, operation, seconds(1));
  EXPECT_TRUE(result && result->header.status == OperationStatus::done);
  node.results.clear();
  Explained explained;
  if (!result) return explained;
  const Bytes value = result->value();
  std::memcpy(&explained.head, value.data(), sizeof explained.head);
  explained.proven.resize(explained.head.proven_count);
  EXPECT_EQ(value.size(), sizeof(SourceHead) + explained.proven.size() * sizeof(ProvenRow));
  if (!explained.proven.empty()) {
    std::memcpy(explained.proven.data(), value.data() + sizeof(SourceHead),
                explained.proven.size() * sizeof(ProvenRow));
  }
  return explained;
}

TEST(Explain, ARequestOfAStrangerWaitsForItsProof) {
  ModelNetwork net(3);
  ModelNode& node = net.add();
  const Endpoint stranger = Endpoint::ipv4(0xc0000207, 4000);
  EXPECT_EQ(explain(net, node, stranger.address).head.held, 0u);
  const std::vector<uint8_t> transaction(20, 7);
  const auto question = datagram([&](MutableBytes out) {
    return rpcudp::encode_find_node_request(out, transaction, net.random_id(), Id{});
  });
  net.send_from(stranger, node.endpoint(), question);
  net.run_for(milliseconds(10));
  const Explained held = explain(net, node, stranger.address);
  EXPECT_EQ(held.head.held, 1u);
  EXPECT_EQ(held.head.proven_count, 0u);
  EXPECT_EQ(held.head.passing, 1.0f);
  EXPECT_EQ(explain(net, node, IpAddress::ipv4(0xc0000208)).head.held, 0u);
}

TEST(Explain, ANodeThatAnsweredIsProvenAndCountsForItsPrefixes) {
  ModelNetwork net(3);
  ModelNode& node = net.add();
  ModelNode& other = net.add();
  net.join_all();
  const Explained explained = explain(net, node, other.endpoint().address);
  ASSERT_EQ(explained.proven.size(), 1u);
  EXPECT_EQ(explained.proven[0].source, other.endpoint());
  EXPECT_GT(explained.proven[0].lapses_in, 500u);
  EXPECT_EQ(explained.head.filed_of_family, 1u);
}

}  // namespace
}  // namespace xord::testing
