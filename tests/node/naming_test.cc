// No dead contact is named: which contacts a node's answers name, how long they wait for it, and
// which it has pinged. Contacts here are strangers that pong as late as the test says, or no
// longer.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

class NamingTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  struct Peer {
    Id id;
    Duration lateness;
    bool is_gone = false;
    uint32_t pings = 0;
    std::vector<Instant> answered{};              // When replies to its requests came.
    std::vector<std::vector<Contact>> answers{};  // What they named.
  };
  struct Due {
    Instant at;
    Endpoint from;
    std::vector<uint8_t> bytes;
  };

  NamingTest() : net(40 + GetParam()), node(net.add(GetParam())) {
    net.on_stranger = [this](const Endpoint&, const Endpoint& to, Bytes bytes) { hear(to, bytes); };
  }

  // Private: no limit by subnet.
  Endpoint next_endpoint() { return Endpoint::ipv4(0x0a640000 + ++endpoints_count, 5000); }
  // A program at its own address asks once, so that it is proven, pinged and filed.
  Endpoint add_peer(Duration lateness = {}) {
    const Endpoint endpoint = next_endpoint();
    peers[endpoint] = {net.random_id(), lateness};
    find(endpoint, net.random_id());
    run_for(milliseconds(20) + lateness);
    return endpoint;
  }
  void find(const Endpoint& asker, const Id& target) { find_as(asker, peers[asker].id, target); }
  void find_as(const Endpoint& asker, const Id& id, const Id& target) {
    std::vector<uint8_t> request(200);
    Transaction transaction{};
    store_be32(transaction.data(), ++transactions);
    request.resize(rpcudp::encode_find_node_request(request, transaction, id, target));
    net.send_from(asker, node.endpoint(), request);
  }
  void hear(const Endpoint& to, Bytes bytes) {
    Peer& peer = peers[to];
    if (rpcudp::is_reply(bytes)) {
      Reply reply;
      ASSERT_EQ(rpcudp::parse_reply(bytes, Method::find_node, &reply), ParseError::none);
      peer.answered.push_back(net.now());
      peer.answers.emplace_back(reply.contacts.begin(),
                                reply.contacts.begin() + reply.contacts_count);
      return;
    }
    Request request;
    ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
    if (request.method != Method::ping) return;
    ++peer.pings;
    if (peer.is_gone) return;
    std::vector<uint8_t> pong(100);
    pong.resize(rpcudp::encode_ping_reply(pong, request.transaction, peer.id));
    due.push_back({net.now() + peer.lateness, to, pong});
  }
  void run_for(Duration length) {
    const Instant end = net.now() + length;
    while (net.now() < end) {
      for (size_t i = 0; i < due.size(); ++i) {
        if (due[i].at > net.now()) continue;
        const Due one = due[i];
        due.erase(due.begin() + static_cast<ptrdiff_t>(i--));
        net.send_from(one.from, node.endpoint(), one.bytes);
      }
      net.run_for(std::min(milliseconds(1), end - net.now()));
    }
  }
  // How long the answer to a find_node takes, and which contacts it names.
  Duration ask(const Endpoint& asker) {
    const Instant asked = net.now();
    const size_t before = peers[asker].answered.size();
    find(asker, net.random_id());
    run_for(seconds(1));
    if (peers[asker].answered.size() != before + 1) {
      ADD_FAILURE() << "no answer";
      return seconds(5);
    }
    return peers[asker].answered.back() - asked;
  }
  bool last_names(const Endpoint& asker, const Endpoint& named) {
    const std::vector<Contact>& last = peers[asker].answers.back();
    return std::any_of(last.begin(), last.end(),
                       [&](const Contact& contact) { return contact.endpoint == named; });
  }

  ModelNetwork net;
  ModelNode& node;
  std::map<Endpoint, Peer> peers;
  std::vector<Due> due;
  uint32_t endpoints_count = 0;
  uint32_t transactions = 0;
};

INSTANTIATE_TEST_SUITE_P(Shards, NamingTest, ::testing::Values(1, 2, 5));

constexpr Duration no_wait = milliseconds(15);

TEST_P(NamingTest, AProgramThatLeftIsWaitedForOnceAndNamedToNobody) {
  const Endpoint program = add_peer();
  peers[program].is_gone = true;
  run_for(milliseconds(200));
  const Endpoint asker = add_peer();  // Its own first request waited.
  run_for(naming_wait);
  ASSERT_EQ(peers[asker].answers.size(), 1u);
  EXPECT_TRUE(peers[asker].answers[0].empty());
  for (int i = 0; i < 3; ++i) {
    EXPECT_LE(ask(asker), no_wait);
    EXPECT_FALSE(last_names(asker, program));
  }
}

TEST_P(NamingTest, NoAnswerWaitsForLongerThanTheWait) {
  std::vector<Endpoint> gone;
  for (int i = 0; i < 30; ++i) gone.push_back(add_peer());
  for (const Endpoint& program : gone) peers[program].is_gone = true;
  run_for(seconds(3));
  const Endpoint asker = add_peer();
  run_for(naming_wait + milliseconds(20));
  ASSERT_EQ(peers[asker].answered.size(), 1u) << "however many it awaited one after the other";
  EXPECT_TRUE(peers[asker].answers[0].empty());
}

TEST_P(NamingTest, WhoIsThereIsNamedAtOnceThoughItIsYoung) {
  std::vector<Endpoint> servers;
  for (int i = 0; i < 15; ++i) servers.push_back(add_peer());
  for (const Endpoint& asker : servers) {
    EXPECT_LE(ask(asker), no_wait);
    EXPECT_EQ(peers[asker].answers.back().size(), servers.size() - 1);
  }
}

TEST_P(NamingTest, AContactIsPingedOnceHoweverManyAsk) {
  const Endpoint program = add_peer();
  std::vector<Endpoint> askers;
  for (int i = 0; i < 10; ++i) askers.push_back(add_peer());
  peers[program].is_gone = true;
  run_for(seconds(3));
  const uint32_t before = peers[program].pings;
  for (int i = 0; i < 5; ++i) {
    for (const Endpoint& asker : askers) find(asker, net.random_id());
    run_for(milliseconds(300));
  }
  EXPECT_EQ(peers[program].pings, before + 1);
}

TEST_P(NamingTest, ASourceThatIsNotProvenHasNobodyPingedAndIsToldOfNobodyAwaited) {
  const Endpoint server = add_peer();
  run_for(seconds(3));
  const uint32_t before = peers[server].pings;
  // Each asks once and never answers the ping.
  std::vector<Endpoint> silent;
  for (int i = 0; i < 40; ++i) {
    silent.push_back(Endpoint::ipv4(0xc0000301, static_cast<uint16_t>(6000 + i)));
    peers[silent.back()].is_gone = true;
    find(silent.back(), net.random_id());
  }
  run_for(seconds(6));
  EXPECT_EQ(peers[server].pings, before);
  for (const Endpoint& source : silent) {
    EXPECT_EQ(peers[source].answers.size(), 0u);
  }
}

TEST_P(NamingTest, AProgramThatComesBackWithItsIdIsNotSentToItsOldAddress) {
  const Endpoint before = add_peer();
  const Endpoint other = add_peer();
  peers[before].is_gone = true;
  const Endpoint after = next_endpoint();
  peers[after] = {peers[before].id, {}};
  EXPECT_LE(ask(after), no_wait + milliseconds(5));
  EXPECT_FALSE(last_names(after, before));
  EXPECT_TRUE(last_names(after, other));
}

TEST_P(NamingTest, SlowContactsDelayAnAnswerOnceAndNotTwice) {
  std::vector<Endpoint> slow;
  for (int i = 0; i < 10; ++i) slow.push_back(add_peer(milliseconds(400)));
  const Endpoint asker = add_peer();
  run_for(seconds(1));
  for (int i = 0; i < 10; ++i) {
    EXPECT_LE(ask(asker), no_wait);
    EXPECT_EQ(peers[asker].answers.back().size(), slow.size());
    run_for(seconds(2));
  }
}

TEST_P(NamingTest, AnOldContactIsNamedAtOnceAndFoundGoneBehindTheAnswer) {
  const Endpoint server = add_peer();
  const Endpoint asker = add_peer();
  run_for(minutes(32));  // Pinged for upkeep meanwhile: up for half an hour.
  peers[server].is_gone = true;
  run_for(minutes(5));
  EXPECT_LE(ask(asker), no_wait);
  EXPECT_TRUE(last_names(asker, server));
  EXPECT_LE(ask(asker), no_wait);
  EXPECT_FALSE(last_names(asker, server));
}

TEST_P(NamingTest, WhoArrivesWhileAnAnswerWaitsIsNamedAndPutsItOffNoFurther) {
  const Endpoint late = add_peer(milliseconds(200));
  const Endpoint asker = add_peer();
  run_for(seconds(3));
  const Endpoint newcomer = next_endpoint();
  peers[newcomer] = {net.random_id(), milliseconds(100)};
  find(newcomer, net.random_id());
  EXPECT_LE(ask(asker), milliseconds(200) + no_wait);
  EXPECT_TRUE(last_names(asker, late));
  EXPECT_TRUE(last_names(asker, newcomer));
  EXPECT_EQ(peers[newcomer].pings, 1u) << "for the proof of its own request";
}

TEST_P(NamingTest, WhoArrivesWhileARequestIsHeldForItsProofIsNamedAtOnce) {
  const Endpoint first = next_endpoint();
  peers[first] = {net.random_id(), milliseconds(50)};
  const Endpoint second = next_endpoint();
  peers[second] = {net.random_id(), milliseconds(100)};
  find(first, net.random_id());
  EXPECT_LE(ask(second), milliseconds(100) + no_wait);
  EXPECT_TRUE(last_names(second, first));
  EXPECT_EQ(peers[first].pings, 1u) << "for the proof of its own request";
}

TEST_P(NamingTest, MoreThanMayWaitAreAnsweredAtOnceWithoutThoseWhomTheyAwait) {
  const Endpoint program = add_peer();
  const Endpoint asker = add_peer();
  run_for(seconds(3));
  peers[program].is_gone = true;
  const size_t before = peers[asker].answered.size();
  for (int i = 0; i < 200; ++i) find(asker, net.random_id());
  run_for(no_wait);
  EXPECT_GT(node.count(NodeCounter::answers_unwaited), 0u);
  EXPECT_GT(peers[asker].answered.size(), before);
  run_for(naming_wait);
  EXPECT_EQ(peers[asker].answered.size(), before + 200) << "each is answered in the end";
  for (size_t i = before; i < before + 200; ++i) EXPECT_TRUE(peers[asker].answers[i].empty());
}

}  // namespace
}  // namespace xord::testing
