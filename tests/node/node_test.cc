// Whole nodes against each other and against strangers, on virtual time (model_network.h).
#include "node/node.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

const Endpoint stranger = Endpoint::ipv4(0xc0000201, 4000);  // 192.0.2.1
const Id stranger_id = *Id::from_hex("00112233445566778899aabbccddeeff00112233");
const Transaction transaction{7, 7, 7};

// "text" as the Python library would send it.
const std::vector<uint8_t> text_value{0xa4, 't', 'e', 'x', 't'};

std::vector<uint8_t> ping_from_stranger() {
  return datagram(
      [](MutableBytes out) { return rpcudp::encode_ping_request(out, transaction, stranger_id); });
}
std::vector<uint8_t> find_node_from_stranger(const Id& target) {
  return datagram([&](MutableBytes out) {
    return rpcudp::encode_find_node_request(out, transaction, stranger_id, target);
  });
}
std::vector<uint8_t> find_value_from_stranger(const Id& key) {
  return datagram([&](MutableBytes out) {
    return rpcudp::encode_find_value_request(out, transaction, stranger_id, key);
  });
}
std::vector<uint8_t> store_from_stranger(const Id& key, Bytes value) {
  return datagram([&](MutableBytes out) {
    return rpcudp::encode_store_request(out, transaction, stranger_id, key, value, std::nullopt);
  });
}

// Answers each ping that reaches the stranger, as an honest node does.
void answer_pings(ModelNetwork& net) {
  net.on_stranger = [&net](const Endpoint& from, const Endpoint& to, Bytes bytes) {
    Request request;
    if (rpcudp::is_reply(bytes)) return;
    ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
    if (request.method != Method::ping) return;
    net.send_from(to, from, datagram([&](MutableBytes out) {
                    return rpcudp::encode_ping_reply(out, request.transaction, stranger_id);
                  }));
  };
}

std::vector<std::vector<uint8_t>> replies(const ModelNetwork& net) {
  std::vector<std::vector<uint8_t>> found;
  for (const auto& bytes : net.received_by(stranger)) {
    if (rpcudp::is_reply(bytes)) found.push_back(bytes);
  }
  return found;
}

TEST(Node, AnswersAPingAtOnceAndDoesNotPingBack) {
  ModelNetwork net(1);
  ModelNode& node = net.add();
  net.send_from(stranger, node.endpoint(), ping_from_stranger());
  net.run_for(seconds(10));
  const auto received = net.received_by(stranger);
  ASSERT_EQ(received.size(), 1u);
  Reply reply;
  ASSERT_EQ(rpcudp::parse_reply(received[0], Method::ping, &reply), ParseError::none);
  EXPECT_EQ(reply.responder, node.id());
  EXPECT_TRUE(equal(rpcudp::transaction_of(received[0]), transaction));
}

TEST(Node, DropsWhatComesFromPort0AndCountsItApart) {
  ModelNetwork net(1);
  ModelNode& node = net.add();
  Endpoint portless = stranger;
  portless.port = 0;
  net.send_from(portless, node.endpoint(), ping_from_stranger());
  net.run_for(seconds(10));
  EXPECT_TRUE(net.received_by(portless).empty());
  EXPECT_EQ(node.malformed(ParseError::no_source_port), 1u);
  EXPECT_EQ(node.malformed(ParseError::unknown_kind), 0u);
}

TEST(Node, HoldsARequestOfAnUnprovenSourceUntilItAnswersAPing) {
  ModelNetwork net(2);
  ModelNode& node = net.add();
  answer_pings(net);
  net.send_from(stranger, node.endpoint(), find_node_from_stranger(net.random_id()));
  net.run_for(seconds(10));
  ASSERT_EQ(replies(net).size(), 1u);
  EXPECT_EQ(node.count(NodeCounter::held), 1u);
  EXPECT_EQ(node.count(NodeCounter::held_released), 1u);
  EXPECT_EQ(node.shard(0).contacts_count(), 1u) << "its pong files the stranger";
}

TEST(Node, APongThatComesTwiceProvesOnce) {
  ModelNetwork net(2);
  ModelNode& node = net.add();
  std::vector<uint8_t> pong;
  net.on_stranger = [&](const Endpoint& from, const Endpoint& to, Bytes bytes) {
    Request request;
    if (rpcudp::is_reply(bytes)) return;
    ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
    pong = datagram([&](MutableBytes out) {
      return rpcudp::encode_ping_reply(out, request.transaction, stranger_id);
    });
    for (int i = 0; i < 3; ++i) net.send_from(to, from, pong);
  };
  net.send_from(stranger, node.endpoint(), find_node_from_stranger(net.random_id()));
  net.run_for(seconds(1));
  EXPECT_EQ(replies(net).size(), 1u);
  EXPECT_EQ(node.count(NodeCounter::pings_of_strangers), 1u);
  EXPECT_EQ(node.count(NodeCounter::proofs_by_cookie), 1u);
  EXPECT_EQ(node.shard(0).contacts_count(), 1u);
  // From any other source it proves nothing.
  const Endpoint other = Endpoint::ipv4(0xc0000202, 4000);
  net.send_from(other, node.endpoint(), pong);
  net.run_for(milliseconds(10));
  EXPECT_EQ(node.count(NodeCounter::replies_unknown), 1u);
  EXPECT_EQ(node.count(NodeCounter::proofs_by_cookie), 1u);
}

// The table is full, so what proves it is not that it is filed.
TEST(Node, WhoAnsweredACallOfOursIsServedAtOnceByEveryShard) {
  for (const uint32_t shards : {1u, 3u}) {
    ModelNetwork net(2);
    answer_pings(net);
    NodeConfig config = model_config();
    config.routing.contacts_max = 1;
    ModelNode& node = net.add(shards, config);
    const Endpoint other = net.add().endpoint();
    OperationId operation = 1;
    for (const Endpoint& endpoint : {other, stranger}) {
      node.run(0, net.now(), [&](Node& shard, Outputs& out) {
        shard.join(net.now(), operation++, std::span(&endpoint, 1), out);
      });
      net.run_for(milliseconds(5));
    }
    ASSERT_TRUE(node.shard(0).knows_contact_at(other));
    ASSERT_FALSE(node.shard(0).knows_contact_at(stranger));
    for (uint32_t shard = 0; shard < shards; ++shard) {
      node.lands_on = shard;
      net.send_from(stranger, node.endpoint(), store_from_stranger(net.random_id(), text_value));
      net.run_for(milliseconds(2));  // There and back.
      EXPECT_EQ(replies(net).size(), shard + 1);
    }
    EXPECT_EQ(node.count(NodeCounter::held), 0u);
  }
}

// How many bytes come back for `question` to a new source that answers nothing.
size_t sent_back_for(ModelNetwork& net, const ModelNode& node, Bytes question, uint16_t port) {
  const Endpoint silent = Endpoint::ipv4(0xc0000200, port);
  net.send_from(silent, node.endpoint(), question);
  net.run_for(seconds(10));
  size_t sent_back = 0;
  for (const auto& bytes : net.received_by(silent)) sent_back += bytes.size();
  return sent_back;
}

TEST(Node, NeverSendsASilentSourceMoreThanItSent) {
  for (const uint32_t shards : {1u, 3u}) {
    ModelNetwork net(3);
    for (int i = 0; i < 30; ++i) net.add(shards);
    net.join_all();
    ModelNode& node = net.node(5);
    const Id key = net.random_id();
    std::vector<uint8_t> large(8140, 0xc4);
    large[0] = 0xc5;
    store_be16(&large[1], 8137);
    ASSERT_EQ(net.set(node, key, large)->header.status, OperationStatus::done);
    const std::vector<uint8_t> stun =
        datagram([](MutableBytes out) { return rpcudp::encode_stun_request(out, transaction); });
    const std::vector<uint8_t> questions[] = {ping_from_stranger(),
                                              stun,
                                              find_node_from_stranger(net.random_id()),
                                              find_value_from_stranger(key),
                                              store_from_stranger(net.random_id(), text_value),
                                              store_from_stranger(net.random_id(), large)};
    uint16_t port = 5000;
    for (const auto& question : questions) {
      EXPECT_LE(sent_back_for(net, node, question, port++), question.size());
    }
  }
}

TEST(Node, KeepsABoundBelowOneByAnsweringNothing) {
  const std::vector<uint8_t> questions[] = {ping_from_stranger(), find_node_from_stranger({}),
                                            find_value_from_stranger({}),
                                            store_from_stranger({}, text_value)};
  for (const double bound : {0.9, 0.5, 0.25, 0.1, 0.0}) {
    ModelNetwork net(12);
    NodeConfig config = model_config();
    config.amplification_max = bound;
    ModelNode& node = net.add(1, config);
    uint16_t port = 5000;
    for (const auto& question : questions) {
      const auto sent_back = static_cast<double>(sent_back_for(net, node, question, port++));
      EXPECT_LE(sent_back, bound * static_cast<double>(question.size()));
    }
  }
}

TEST(Node, AcknowledgesAStoreOnlyWhenTheDiskHasIt) {
  ModelNetwork net(4);
  ModelNode& node = net.add();
  answer_pings(net);
  const Id key = net.random_id();
  node.disk_is_frozen = true;
  net.send_from(stranger, node.endpoint(), store_from_stranger(key, text_value));
  net.run_for(seconds(1));
  EXPECT_TRUE(replies(net).empty());
  node.disk_is_frozen = false;
  node.advance(net.now());
  net.run_for(seconds(1));
  ASSERT_EQ(replies(net).size(), 1u);
  Reply reply;
  ASSERT_EQ(rpcudp::parse_reply(replies(net)[0], Method::store, &reply), ParseError::none);
  EXPECT_TRUE(reply.stored);
}

TEST(Node, RefusesAStoreThatTheDiskCannotTakeAndNeverServesIt) {
  ModelNetwork net(5);
  ModelNode& node = net.add();
  answer_pings(net);
  const Id key = net.random_id();
  node.disk_works = false;
  net.send_from(stranger, node.endpoint(), store_from_stranger(key, text_value));
  net.run_for(seconds(1));
  ASSERT_EQ(replies(net).size(), 1u);
  Reply reply;
  ASSERT_EQ(rpcudp::parse_reply(replies(net)[0], Method::store, &reply), ParseError::none);
  EXPECT_FALSE(reply.stored);
  net.send_from(stranger, node.endpoint(), find_value_from_stranger(key));
  net.run_for(seconds(1));
  ASSERT_EQ(replies(net).size(), 2u);
  ASSERT_EQ(rpcudp::parse_reply(replies(net)[1], Method::find_value, &reply), ParseError::none);
  EXPECT_FALSE(reply.has_value);
}

TEST(Node, ReturnsAStoredValueByteForByte) {
  ModelNetwork net(6);
  ModelNode& node = net.add(3);
  answer_pings(net);
  const Id key = net.random_id();
  const std::vector<uint8_t> wide{0xd3, 0, 0, 0, 0, 0, 0, 0, 5};  // 5 in its widest encoding.
  net.send_from(stranger, node.endpoint(), store_from_stranger(key, wide));
  net.run_for(seconds(1));
  net.send_from(stranger, node.endpoint(), find_value_from_stranger(key));
  net.run_for(seconds(1));
  const auto answers = replies(net);  // The reply is a view into it.
  ASSERT_EQ(answers.size(), 2u);
  Reply reply;
  ASSERT_EQ(rpcudp::parse_reply(answers[1], Method::find_value, &reply), ParseError::none);
  ASSERT_TRUE(reply.has_value);
  EXPECT_TRUE(equal(reply.value, wide));
}

TEST(Node, AnswersAFindValueOfWhatItDoesNotHoldAsAFindNode) {
  ModelNetwork net(17);
  for (int i = 0; i < 30; ++i) net.add();
  net.join_all();
  answer_pings(net);
  const Id key = net.random_id();
  net.send_from(stranger, net.node(5).endpoint(), find_node_from_stranger(key));
  net.run_for(seconds(1));
  net.send_from(stranger, net.node(5).endpoint(), find_value_from_stranger(key));
  net.run_for(seconds(1));
  const auto answers = replies(net);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_GT(answers[0].size(), bucket_size * id_size);
  EXPECT_EQ(answers[0], answers[1]);
}

TEST(Node, IgnoresAReplyFromAnotherSourceThanTheOneAsked) {
  ModelNetwork net(7);
  ModelNode& node = net.add();
  const Endpoint impostor = Endpoint::ipv4(0xc0000263, 4000);
  net.on_stranger = [&](const Endpoint& from, const Endpoint&, Bytes bytes) {
    Request request;
    if (rpcudp::parse_request(bytes, &request) != ParseError::none) return;
    net.send_from(impostor, from, datagram([&](MutableBytes out) {
                    return rpcudp::encode_ping_reply(out, request.transaction, stranger_id);
                  }));
  };
  net.send_from(stranger, node.endpoint(), find_node_from_stranger(net.random_id()));
  net.run_for(seconds(10));
  EXPECT_EQ(node.count(NodeCounter::replies_unknown), 1u) << "a ping without a call";
  EXPECT_TRUE(replies(net).empty());
  node.run(0, net.now(), [&](Node& shard, Outputs& out) {
    shard.join(net.now(), 1, std::span(&stranger, 1), out);
  });
  net.run_for(seconds(10));
  EXPECT_GT(node.count(NodeSum::replies_wrong_source), 0u) << "a call";
  EXPECT_EQ(node.count(NodeCounter::replies_matched), 0u);
  EXPECT_EQ(node.shard(0).contacts_count(), 0u);
}

TEST(Node, JoinsAndFindsTheNearestExactly) {
  for (const uint32_t shards : {1u, 2u, 5u}) {
    ModelNetwork net(8);
    for (int i = 0; i < 40; ++i) net.add(shards);
    net.join_all();
    for (int i = 0; i < 20; ++i) {
      const Id target = net.random_id();
      ModelNode& asker = net.node(static_cast<size_t>(i));
      std::vector<Contact> expected;
      for (size_t n = 0; n < net.size(); ++n) {
        if (&net.node(n) != &asker) expected.push_back(net.node(n).contact());
      }
      std::sort(expected.begin(), expected.end(),
                [&](const Contact& a, const Contact& b) { return nearer(target, a.id, b.id); });
      const auto result = net.find(asker, target);
      ASSERT_TRUE(result);
      ASSERT_EQ(result->header.contacts_count, bucket_size);
      std::vector<Contact> found(bucket_size);
      std::memcpy(found.data(), result->tail.data(), bucket_size * sizeof(Contact));
      expected.resize(bucket_size);
      EXPECT_EQ(found, expected) << "shards " << shards << ", target " << target.hex();
    }
  }
}

// It knows one node, which knew no other then; by now that one has joined the others.
TEST(Node, WhoJoinedWhileTheNetworkWasSmallIsFoundMinutesLater) {
  ModelNetwork net(21);
  for (int i = 0; i < 80; ++i) net.add();
  const auto join = [&](ModelNode& node, const ModelNode& other) {
    const Endpoint endpoint = other.endpoint();
    node.run(0, net.now(), [&](Node& shard, Outputs& out) {
      shard.join(net.now(), 900, std::span(&endpoint, 1), out);
    });
    ASSERT_TRUE(net.await(node, 900, seconds(30)));
  };
  ModelNode& early = net.node(0);
  size_t far_at = 1;  // In the other half of the ids: none of its lookups ends near `early`.
  while (net.node(far_at).id().bit(0) == early.id().bit(0)) ++far_at;
  ModelNode& only_known = net.node(far_at);
  join(early, only_known);
  ModelNode& first = net.node(far_at + 1);
  for (size_t i = 1; i < net.size(); ++i) {
    if (i != far_at && i != far_at + 1) join(net.node(i), first);
  }
  join(only_known, first);
  const auto is_found = [&] {
    const auto result = net.find(first, early.id());
    Contact nearest;
    std::memcpy(&nearest, result->tail.data(), sizeof nearest);
    return nearest == early.contact();
  };
  EXPECT_FALSE(is_found());
  net.run_for(minutes(7));
  EXPECT_TRUE(is_found());
}

TEST(Node, PingsAnUnprovenSourceFromTheAddressThatItAsked) {
  ModelNetwork net(15);
  ModelNode& node = net.add(2);
  const LocalAddress asked{*IpAddress::parse("127.0.0.77"), 0, 1};
  for (uint32_t lands_on : {0u, 1u}) {
    node.lands_on = lands_on;
    const Endpoint source = Endpoint::ipv4(0xc0000201, static_cast<uint16_t>(4100 + lands_on));
    const auto question = find_node_from_stranger(net.random_id());
    node.receive(net.now(), {{source, asked}, question});
    ASSERT_EQ(node.sent.size(), 1u);
    EXPECT_EQ(node.sent[0].first.remote, source);
    EXPECT_EQ(node.sent[0].first.local, asked);
    node.sent.clear();
  }
}

TEST(Node, JoinsByWhicheverBootstrapNodeKnowsSomebody) {
  ModelNetwork net(16);
  for (int i = 0; i < 8; ++i) net.add();
  net.join_all();
  ModelNode& lonely = net.add();
  for (const bool lonely_first : {true, false}) {
    ModelNode& newcomer = net.add();
    std::vector<Endpoint> names{lonely.endpoint(), net.node(0).endpoint()};
    if (!lonely_first) std::swap(names[0], names[1]);
    newcomer.run(0, net.now(),
                 [&](Node& node, Outputs& out) { node.join(net.now(), 900, names, out); });
    const auto result = net.await(newcomer, 900, seconds(10));
    ASSERT_TRUE(result);
    EXPECT_EQ(result->header.status, OperationStatus::done);
    EXPECT_GE(result->header.contacts_count, 9u) << "the eight, and the lonely one";
  }
}

// One name may stand for all nodes of a network, including this one.
TEST(Node, JoinsByANameThatIsItsOwnAsWell) {
  ModelNetwork net(18);
  for (int i = 0; i < 8; ++i) net.add();
  net.join_all();
  ModelNode& newcomer = net.add();
  const Endpoint names[] = {newcomer.endpoint(), net.node(0).endpoint()};
  newcomer.run(0, net.now(),
               [&](Node& node, Outputs& out) { node.join(net.now(), 900, names, out); });
  const auto result = net.await(newcomer, 900, seconds(10));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->header.status, OperationStatus::done);
  EXPECT_EQ(result->header.contacts_count, 8u);
}

TEST(Node, FindsNobodyByItsOwnNameAloneAndTriesAgain) {
  ModelNetwork net(19);
  ModelNode& node = net.add();
  const Endpoint own = node.endpoint();
  node.run(0, net.now(),
           [&](Node& one, Outputs& out) { one.join(net.now(), 1, std::span(&own, 1), out); });
  const auto result = net.await(node, 1, seconds(10));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->header.status, OperationStatus::no_contacts);
  const uint64_t sent = node.count(NodeCounter::calls_sent);
  net.run_for(minutes(1));
  EXPECT_GT(node.count(NodeCounter::calls_sent), sent);
}

TEST(Node, NeighboursThatWereOnlyNamedCauseNoRefreshes) {
  ModelNetwork net(17);
  ModelNode& node = net.add();
  const auto liar = [](uint32_t index) { return Endpoint::ipv4(0xc0000201 + index, 4000); };
  net.on_stranger = [&](const Endpoint& from, const Endpoint& to, Bytes bytes) {
    Request request;
    if (rpcudp::is_reply(bytes)) return;
    ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
    Id id;
    id.bytes.fill(static_cast<uint8_t>(to.address.bytes.back()));
    net.send_from(to, from, datagram([&](MutableBytes out) {
                    if (request.method == Method::ping) {
                      return rpcudp::encode_ping_reply(out, request.transaction, id);
                    }
                    rpcudp::ContactsReply reply(out, request.transaction, bucket_size);
                    for (uint32_t i = 0; i < bucket_size; ++i) {
                      Id named = node.id();
                      named.bytes[id_size - 1 - i % 8] ^= 1;
                      std::array<uint8_t, rpcudp::contact_tail_max> tail;
                      reply.add(named,
                                Bytes(tail).first(rpcudp::encode_contact_tail(liar(i), tail)));
                    }
                    return reply.size();
                  }));
  };
  const Endpoint first = liar(0);
  node.run(0, net.now(),
           [&](Node& one, Outputs& out) { one.join(net.now(), 1, std::span(&first, 1), out); });
  ASSERT_EQ(net.await(node, 1, seconds(30))->header.status, OperationStatus::done);
  net.run_for(seconds(30));
  EXPECT_GT(node.shard(0).contacts_count(), 0u);
  EXPECT_LE(node.count(NodeCounter::lookups_started), 10u);
}

// A peer answers each find_node with twenty nodes at addresses of its choice.
TEST(Node, APublicLiarCausesNoDatagramToAPrivateAddressAndAPrivateNodeDoes) {
  const std::array<std::string, 5> private_hosts = {"10.9.0.", "192.168.7.", "127.0.0.",
                                                    "172.16.3.", "100.64.1."};
  for (const bool is_public : {true, false}) {
    SCOPED_TRACE(is_public);
    ModelNetwork net(18);
    ModelNode& node = net.add();
    const Endpoint liar = *Endpoint::parse(is_public ? "192.0.2.1:4000" : "10.8.0.1:4000");
    uint32_t sent_to_others = 0;
    net.on_stranger = [&](const Endpoint& from, const Endpoint& to, Bytes bytes) {
      if (to != liar) {
        ++sent_to_others;
        return;
      }
      Request request;
      if (rpcudp::is_reply(bytes)) return;
      ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
      Id id;
      id.bytes.fill(0x5a);
      net.send_from(to, from, datagram([&](MutableBytes out) {
                      if (request.method == Method::ping) {
                        return rpcudp::encode_ping_reply(out, request.transaction, id);
                      }
                      rpcudp::ContactsReply reply(out, request.transaction, bucket_size);
                      for (uint32_t i = 0; i < bucket_size; ++i) {
                        Id named = node.id();
                        named.bytes[i] ^= 1;
                        const std::string host = private_hosts[i % 5] + std::to_string(100 + i);
                        std::array<uint8_t, rpcudp::contact_tail_max> tail;
                        const size_t size =
                            rpcudp::encode_contact_tail(*Endpoint::parse(host + ":4000"), tail);
                        reply.add(named, Bytes(tail).first(size));
                      }
                      return reply.size();
                    }));
    };
    node.run(0, net.now(),
             [&](Node& one, Outputs& out) { one.join(net.now(), 1, std::span(&liar, 1), out); });
    ASSERT_TRUE(net.await(node, 1, seconds(60)));
    net.run_for(minutes(1));
    if (is_public) {
      EXPECT_EQ(sent_to_others, 0u);
      EXPECT_GE(node.count(NodeCounter::contacts_out_of_reach), uint64_t{bucket_size});
    } else {
      EXPECT_GE(sent_to_others, 16u) << "all but those on its own loopback";
    }
  }
}

TEST(Node, SetsOnTheNearestAndGetsFromAnywhere) {
  for (const uint32_t shards : {1u, 4u}) {
    ModelNetwork net(9);
    for (int i = 0; i < 30; ++i) net.add(shards);
    net.join_all();
    for (int i = 0; i < 50; ++i) {
      const Id key = net.random_id();
      const std::string text = std::to_string(i);
      std::vector<uint8_t> value{static_cast<uint8_t>(0xa0 | text.size())};
      value.insert(value.end(), text.begin(), text.end());
      const auto set = net.set(net.node(static_cast<size_t>(i % 30)), key, value);
      ASSERT_TRUE(set);
      EXPECT_EQ(set->header.status, OperationStatus::done);
      EXPECT_GE(set->header.stored, bucket_size);
      const auto got = net.get(net.node(static_cast<size_t>((i * 7 + 3) % 30)), key);
      ASSERT_TRUE(got);
      EXPECT_EQ(got->header.status, OperationStatus::done);
      EXPECT_TRUE(equal(got->value(), value));
    }
  }
}

TEST(Node, SaysThatNothingWasFoundOrThatNobodyAnswered) {
  ModelNetwork net(10);
  for (int i = 0; i < 5; ++i) net.add();
  net.join_all();
  EXPECT_EQ(net.get(net.node(2), net.random_id())->header.status, OperationStatus::not_found);
  for (size_t i = 1; i < 5; ++i) net.kill(net.node(i));
  EXPECT_EQ(net.get(net.node(0), net.random_id())->header.status, OperationStatus::no_contacts);
}

TEST(Node, GetsWithinASecondWhenAThirdOfTheNetworkDied) {
  ModelNetwork net(11);
  for (int i = 0; i < 30; ++i) net.add();
  net.join_all();
  std::vector<Id> keys;
  for (int i = 0; i < 30; ++i) {
    keys.push_back(net.random_id());
    ASSERT_EQ(net.set(net.node(static_cast<size_t>(i)), keys.back(), text_value)->header.status,
              OperationStatus::done);
  }
  for (size_t i = 0; i < 10; ++i) net.kill(net.node(i * 3));
  for (const Id& key : keys) {
    const Instant before = net.now();
    const auto got = net.get(net.node(1), key);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->header.status, OperationStatus::done);
    EXPECT_LE(net.now() - before, seconds(1));
  }
}

TEST(Node, KeepsPingingItsBootstrapsWhileNobodyAnswers) {
  ModelNetwork net(12);
  ModelNode& late = net.add();
  ModelNode& node = net.add();
  net.kill(late);
  const Endpoint first = late.endpoint();
  node.run(0, net.now(),
           [&](Node& one, Outputs& out) { one.join(net.now(), 1, std::span(&first, 1), out); });
  EXPECT_EQ(net.await(node, 1, seconds(30))->header.status, OperationStatus::no_contacts);
  net.revive(late);
  net.run_for(minutes(2));
  EXPECT_EQ(node.shard(0).contacts_count(), 1u);
}

TEST(Node, JoinsByTheContactsItKnowsWhenNoBootstrapNodeAnswers) {
  ModelNetwork net(10);
  for (int i = 0; i < 8; ++i) net.add();
  net.join_all();
  ModelNode& node = net.node(5);
  node.run(0, net.now(), [&](Node& one, Outputs& out) {
    one.join(net.now(), 901, std::span(&stranger, 1), out);
  });
  const auto joined = net.await(node, 901, seconds(30));
  ASSERT_TRUE(joined.has_value());
  EXPECT_EQ(joined->header.status, OperationStatus::done);
}

// A slow ping is sent once more. Here all answers are slow, and all arrive.
TEST(Node, CountsABootstrapNodeOnceThoughItAnswersTwice) {
  ModelNetwork net(11);
  for (int i = 0; i < 3; ++i) net.add();
  net.delay = milliseconds(1400);
  const Endpoint names[] = {net.node(0).endpoint(), stranger};
  net.node(1).run(0, net.now(),
                  [&](Node& one, Outputs& out) { one.join(net.now(), 1, names, out); });
  const auto joined = net.await(net.node(1), 1, minutes(2));
  ASSERT_TRUE(joined.has_value());
  // A second join starts with no ping of the first one open.
  net.node(1).run(0, net.now(), [&](Node& one, Outputs& out) {
    one.join(net.now(), 2, std::span(&stranger, 1), out);
  });
  ASSERT_TRUE(net.await(net.node(1), 2, minutes(2)).has_value());
}

TEST(Node, AnswersAsOneNodeWhicheverShardTheDatagramLandsOn) {
  ModelNetwork net(13);
  for (int i = 0; i < 30; ++i) net.add(i == 0 ? 5 : 1);
  net.join_all();
  answer_pings(net);
  ModelNode& node = net.node(0);
  const Id target = net.random_id();
  for (uint32_t shard = 0; shard < 5; ++shard) {
    node.lands_on = shard;
    net.send_from(stranger, node.endpoint(), find_node_from_stranger(target));
    net.run_for(seconds(2));
  }
  const auto answers = replies(net);
  ASSERT_EQ(answers.size(), 5u);
  for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]);
}

TEST(Node, RepliesToAMalformedDatagramWithSilenceAndCountsWhy) {
  ModelNetwork net(14);
  ModelNode& node = net.add();
  const std::vector<uint8_t> whole = find_node_from_stranger(net.random_id());
  for (size_t size = 0; size < whole.size(); ++size) {
    net.send_from(stranger, node.endpoint(), Bytes(whole).first(size));
  }
  net.run_for(seconds(1));
  EXPECT_TRUE(net.received_by(stranger).empty());
  EXPECT_EQ(node.malformed(ParseError::too_short), 22u);
  EXPECT_EQ(node.malformed(ParseError::truncated), whole.size() - 22);
}

TEST(Node, EqualInputsGiveEqualOutputs) {
  const auto digest = [] {
    ModelNetwork net(15);
    for (int i = 0; i < 10; ++i) net.add(2);
    std::vector<std::vector<uint8_t>> seen;
    net.loses = [&](const Endpoint&, const Endpoint&, Bytes bytes) {
      seen.emplace_back(bytes.begin(), bytes.end());
      return seen.size() % 17 == 0;
    };
    net.join_all();
    for (int i = 0; i < 5; ++i) net.set(net.node(1), net.random_id(), text_value);
    return seen;
  };
  EXPECT_EQ(digest(), digest());
}

}  // namespace
}  // namespace xord::testing
