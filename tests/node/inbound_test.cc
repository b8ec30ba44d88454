// A node behind a NAT, which lets a datagram in only if the node sent one to its source a moment
// ago, among nodes that anyone reaches: whose counters tell that requests come unasked.
#include <gtest/gtest.h>

#include <map>

#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

TEST(Inbound, OnlyANodeThatIsReachedUnaskedCountsRequests) {
  ModelNetwork network(7);
  for (int i = 0; i < 16; ++i) network.add(2);
  ModelNode& hidden = network.add(2);
  std::map<Endpoint, Instant> opened;
  network.loses = [&](const Endpoint& from, const Endpoint& to, Bytes) {
    if (from == hidden.endpoint()) opened[to] = network.now();
    if (to != hidden.endpoint()) return false;
    const auto open = opened.find(from);
    return open == opened.end() || network.now() - open->second > seconds(30);
  };
  network.join_all();
  for (int minute = 0; minute < 20; ++minute) {
    for (size_t i = 0; i < network.size(); ++i) {
      EXPECT_TRUE(network.find(network.node(i), network.random_id()));
    }
    network.run_for(minutes(1));
  }
  EXPECT_EQ(hidden.count(NodeCounter::inbound_uncalled), 0u);
  EXPECT_GT(hidden.count(NodeCounter::requests_find_node), 0u) << "some get through";
  // But for those that joined last, and called the others before these called them.
  for (size_t i = 0; i + 4 < network.size(); ++i) {
    EXPECT_GT(network.node(i).count(NodeCounter::inbound_uncalled), 0u) << i;
  }
}

}  // namespace
}  // namespace xord::testing
