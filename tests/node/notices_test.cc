// What a node reports about itself (node/notice.h), on virtual time.
#include "node/notice.h"

#include <gtest/gtest.h>

#include <cstring>

#include "node/routing/contact_messages.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

const Endpoint stranger = Endpoint::ipv4(0xc0000201, 4000);  // 192.0.2.1
const Endpoint other_stranger = Endpoint::ipv4(0xc0000202, 4000);
const Id stranger_id = *Id::from_hex("00112233445566778899aabbccddeeff00112233");
const Transaction transaction{7, 7, 7};

std::vector<NodeNotice> taken(ModelNode& node) {
  std::vector<NodeNotice> notices;
  for (uint32_t shard = 0; shard < node.shards_count(); ++shard) {
    node.shard(shard).notices().take([&](const NodeNotice& each) { notices.push_back(each); });
  }
  return notices;
}

std::vector<NodeNotice> of_kind(std::vector<NodeNotice> notices, NoticeKind kind) {
  std::erase_if(notices, [&](const NodeNotice& each) { return each.kind != kind; });
  return notices;
}

void join(ModelNetwork& net, ModelNode& node, OperationId operation, const Endpoint& through) {
  node.run(0, net.now(), [&](Node& shard, Outputs& out) {
    shard.join(net.now(), operation, std::span(&through, 1), out);
  });
  net.run_for(milliseconds(1));  // The network picks up what was sent.
}

// Makes strangers answer pings: the first as `id`, any other with its own id.
void answer_pings_as(ModelNetwork& net, const Id& id) {
  net.on_stranger = [&net, id](const Endpoint& from, const Endpoint& to, Bytes bytes) {
    Request request;
    if (rpcudp::is_reply(bytes)) return;
    ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
    if (request.method != Method::ping) return;
    net.send_from(to, from, datagram([&](MutableBytes out) {
                    return rpcudp::encode_ping_reply(out, request.transaction, id);
                  }));
  };
}

TEST(Notices, SayThroughWhomANodeJoinedAndOnce) {
  for (const uint32_t shards : {1u, 3u}) {
    ModelNetwork net(1);
    ModelNode& first = net.add(shards);
    ModelNode& second = net.add(shards);
    join(net, second, 1, first.endpoint());
    net.run_for(hours(2));
    const auto joined = of_kind(taken(second), NoticeKind::joined);
    ASSERT_EQ(joined.size(), 1u);
    EXPECT_EQ(joined[0].contact, first.contact());
    EXPECT_EQ(joined[0].count, 1u);
    const auto found = of_kind(taken(first), NoticeKind::joined);
    ASSERT_EQ(found.size(), 1u) << "it has company, too";
    EXPECT_EQ(found[0].contact.endpoint.port, 0) << "and was found by it";
  }
}

TEST(Notices, SayThatNobodyAnsweredAtGrowingIntervals) {
  ModelNetwork net(2);
  ModelNode& node = net.add();
  const Instant began = net.now();
  join(net, node, 1, stranger);
  std::vector<Instant> told;
  for (int second = 0; second < 3 * 3600; ++second) {
    net.run_for(seconds(1));
    for (const NodeNotice& each : taken(node)) {
      ASSERT_EQ(each.kind, NoticeKind::nobody_answered);
      EXPECT_EQ(each.count, 1u);
      told.push_back(net.now());
    }
  }
  ASSERT_GT(told.size(), 10u);
  EXPECT_LE(told[0] - began, seconds(10)) << "at once, when the first pings have failed";
  Duration at_least = report_silence_min;
  for (size_t i = 1; i < told.size(); ++i) {
    EXPECT_GE(told[i] - told[i - 1] + seconds(1), at_least) << i;
    EXPECT_LE(told[i] - told[i - 1], at_least + join_retry_max + transaction_lifetime * 2) << i;
    at_least = std::min(at_least * 2, report_silence_max);
  }
}

TEST(Notices, SayWhenTheLastContactIsLostAndWhenItIsBack) {
  for (const uint32_t shards : {1u, 3u}) {
    ModelNetwork net(3);
    ModelNode& first = net.add(shards);
    ModelNode& second = net.add(shards);
    join(net, second, 1, first.endpoint());
    net.run_for(minutes(5));
    taken(second);
    net.kill(first);
    net.run_for(hours(2));
    const auto lost = taken(second);
    ASSERT_EQ(of_kind(lost, NoticeKind::alone_again).size(), 1u) << "once, however long it lasts";
    net.revive(first);
    join(net, second, 2, first.endpoint());
    net.run_for(minutes(1));
    const auto joined = of_kind(taken(second), NoticeKind::joined);
    ASSERT_EQ(joined.size(), 1u);
    EXPECT_EQ(joined[0].contact, first.contact());
  }
}

// Not only with the next call, by which time it may have changed back.
TEST(Notices, OfCompanyComeWithTheMessageOfTheShardThatGainedOrLostIt) {
  ModelNetwork net(11);
  ModelNode& node = net.add(2);
  Contact contact{node.id(), stranger};
  contact.id.bytes[0] ^= 0x40;  // It shares one bit with us, so shard 1 owns it.
  const auto deliver = [&](ContactChange::Kind kind, Standing standing) {
    node.run(0, net.now(), [&](Node& shard, Outputs& out) {
      const ContactChangedMessage message{{ContactChangedMessage::kind, model_config().network},
                                          {kind, standing, contact}};
      shard.deliver(net.now(), 1, {reinterpret_cast<const uint8_t*>(&message), sizeof message},
                    out);
    });
    return taken(node);
  };
  EXPECT_TRUE(deliver(ContactChange::Kind::filed, Standing::silent).empty());
  for (int i = 0; i < 2; ++i) {
    const auto joined = deliver(ContactChange::Kind::filed, Standing::trusted);
    ASSERT_EQ(joined.size(), 1u);
    EXPECT_EQ(joined[0].kind, NoticeKind::joined);
    EXPECT_EQ(joined[0].count, 1u);
    EXPECT_TRUE(deliver(ContactChange::Kind::filed, Standing::doubted).empty());
    const auto lost = deliver(ContactChange::Kind::filed, Standing::silent);
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_EQ(lost[0].kind, NoticeKind::alone_again);
    EXPECT_EQ(lost[0].count, 1u) << "it is still filed";
  }
  EXPECT_TRUE(deliver(ContactChange::Kind::removed, Standing::silent).empty());
}

TEST(Notices, OfCompanyComeWithThePongThatBringsItAndTheSilenceThatEndsIt) {
  ModelNetwork net(12);
  ModelNode& node = net.add();
  Instant now = net.now();
  node.receive(now, {{stranger, {}}, datagram([&](MutableBytes out) {
                       return rpcudp::encode_find_node_request(out, transaction, stranger_id, Id{});
                     })});
  ASSERT_EQ(node.sent.size(), 1u);
  const std::vector<uint8_t> sent = std::move(node.sent[0].second);
  Request ping;
  ASSERT_EQ(rpcudp::parse_request(sent, &ping), ParseError::none);
  ASSERT_EQ(ping.method, Method::ping);
  EXPECT_TRUE(of_kind(taken(node), NoticeKind::joined).empty());
  node.receive(now, {{stranger, {}}, datagram([&](MutableBytes out) {
                       return rpcudp::encode_ping_reply(out, ping.transaction, stranger_id);
                     })});
  EXPECT_EQ(of_kind(taken(node), NoticeKind::joined).size(), 1u);

  for (int i = 0; i < 100'000 && node.shard(0).answerable_count() > 0; ++i) {
    EXPECT_TRUE(taken(node).empty());
    now = std::max(now, *node.next_wakeup());
    node.advance(now);
    node.sent.clear();
  }
  EXPECT_EQ(of_kind(taken(node), NoticeKind::alone_again).size(), 1u);
}

TEST(Notices, TellANodesOwnAddressFromAnotherNodeWithItsId) {
  for (const uint32_t shards : {1u, 3u}) {
    ModelNetwork net(4);
    ModelNode& node = net.add(shards);
    for (uint32_t lands = 0; lands < shards; ++lands) {
      node.lands_on = lands;
      join(net, node, 1 + lands, node.endpoint());
      net.run_for(minutes(3));
    }
    const auto notices = taken(node);
    ASSERT_EQ(of_kind(notices, NoticeKind::own_address).size(), 1u) << shards;
    EXPECT_EQ(of_kind(notices, NoticeKind::own_address)[0].contact.endpoint, node.endpoint());
    EXPECT_TRUE(of_kind(notices, NoticeKind::own_id_elsewhere).empty());
    EXPECT_TRUE(of_kind(notices, NoticeKind::first_request).empty());
  }
}

TEST(Notices, NameAnotherNodeWithTheSameIdThatIsJoinedThrough) {
  for (const uint32_t shards : {1u, 3u}) {
    ModelNetwork net(5);
    ModelNode& node = net.add(shards);
    answer_pings_as(net, node.id());
    join(net, node, 1, stranger);
    net.run_for(minutes(3));
    const auto elsewhere = of_kind(taken(node), NoticeKind::own_id_elsewhere);
    ASSERT_EQ(elsewhere.size(), 1u) << "not at each of the pings";
    EXPECT_EQ(elsewhere[0].contact, (Contact{node.id(), stranger}));
    net.run_for(minutes(30));
    EXPECT_GE(of_kind(taken(node), NoticeKind::own_id_elsewhere).size(), 2u) << "it is still there";
  }
}

// Two nodes on copies of one directory meet only through a third, which knows the other.
TEST(Notices, NameAnotherNodeWithTheSameIdThatAThirdOneKnows) {
  ModelNetwork net(6);
  ModelNode& node = net.add();
  net.on_stranger = [&](const Endpoint& from, const Endpoint& to, Bytes bytes) {
    Request request;
    if (rpcudp::is_reply(bytes)) return;
    ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
    const bool is_clone = to == other_stranger;
    net.send_from(to, from, datagram([&](MutableBytes out) {
                    if (request.method == Method::ping) {
                      return rpcudp::encode_ping_reply(out, request.transaction,
                                                       is_clone ? node.id() : stranger_id);
                    }
                    std::array<uint8_t, rpcudp::contact_tail_max> tail;
                    const size_t tail_size = rpcudp::encode_contact_tail(other_stranger, tail);
                    rpcudp::ContactsReply reply(out, request.transaction, 1);
                    reply.add(node.id(), Bytes(tail).first(tail_size));
                    return reply.size();
                  }));
  };
  join(net, node, 1, stranger);
  net.run_for(minutes(1));
  const auto elsewhere = of_kind(taken(node), NoticeKind::own_id_elsewhere);
  ASSERT_EQ(elsewhere.size(), 1u);
  EXPECT_EQ(elsewhere[0].contact.endpoint, other_stranger);
}

TEST(Notices, NameAnotherNodeWithTheSameIdThatAsksAndNeverSendItMoreThanItSent) {
  ModelNetwork net(7);
  ModelNode& node = net.add();
  answer_pings_as(net, node.id());
  const auto ping = datagram(
      [&](MutableBytes out) { return rpcudp::encode_ping_request(out, transaction, node.id()); });
  net.send_from(stranger, node.endpoint(), ping);
  net.run_for(seconds(1));
  EXPECT_EQ(of_kind(taken(node), NoticeKind::own_id_elsewhere).size(), 1u);

  net.on_stranger = nullptr;
  for (uint16_t port = 5000; port < 5020; ++port) {
    const Endpoint silent = Endpoint::ipv4(0xc0000203, port);
    net.send_from(silent, node.endpoint(), ping);
    net.run_for(seconds(7));
    size_t sent_back = 0;
    for (const auto& bytes : net.received_by(silent)) sent_back += bytes.size();
    EXPECT_LE(sent_back, ping.size());
  }
  EXPECT_TRUE(of_kind(taken(node), NoticeKind::own_id_elsewhere).empty())
      << "a source that answers nothing may be forged";
}

// A reflector that returns each datagram to its sender is not another node: our own ping came back.
TEST(Notices, DoNotTakeAReflectorForANode) {
  ModelNetwork net(8);
  ModelNode& node = net.add();
  uint32_t reflected = 0;
  net.on_stranger = [&](const Endpoint& from, const Endpoint& to, Bytes bytes) {
    if (++reflected < 1000) net.send_from(to, from, bytes);
  };
  join(net, node, 1, stranger);
  net.run_for(minutes(10));
  EXPECT_GT(reflected, 2u);
  EXPECT_TRUE(of_kind(taken(node), NoticeKind::own_id_elsewhere).empty());
}

TEST(Notices, SayOnceThatAStrangerAsked) {
  ModelNetwork net(9);
  ModelNode& node = net.add();
  const auto question = datagram([&](MutableBytes out) {
    return rpcudp::encode_find_node_request(out, transaction, stranger_id, Id{});
  });
  net.send_from(other_stranger, node.endpoint(), question);
  net.run_for(seconds(10));
  EXPECT_TRUE(of_kind(taken(node), NoticeKind::first_request).empty()) << "it may be forged";
  answer_pings_as(net, stranger_id);
  for (int i = 0; i < 3; ++i) {
    net.send_from(stranger, node.endpoint(), question);
    net.run_for(minutes(15));
  }
  const auto first = of_kind(taken(node), NoticeKind::first_request);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].contact, (Contact{stranger_id, stranger}));
  EXPECT_EQ(first[0].method, Method::find_node);
}

std::vector<ChargedPrefix> charges_of(ModelNetwork& net, ModelNode& node, const IpAddress& source) {
  constexpr OperationId operation = 77;
  node.run(0, net.now(), [&](Node& shard, Outputs& out) {
    shard.list_charges(net.now(), operation, source, out);
  });
  const auto result = net.await(node, operation, seconds(1));
  EXPECT_TRUE(result && result->header.status == OperationStatus::done);
  node.results.clear();
  if (!result) return {};
  std::vector<ChargedPrefix> charges(result->value().size() / sizeof(ChargedPrefix));
  if (!charges.empty()) {  // Null is not a valid source.
    std::memcpy(charges.data(), result->value().data(), result->value().size());
  }
  return charges;
}

TEST(Notices, SayThatASourceIsLimitedAndThatItNoLongerIs) {
  ModelNetwork net(10);
  NodeConfig config = model_config();
  config.limits.excess_a_second = 2048;
  ModelNode& node = net.add(1, config);
  answer_pings_as(net, stranger_id);
  const Id key = net.random_id();
  std::vector<uint8_t> value(1003, 'v');
  value[0] = 0xda;  // A text of 1,000 bytes.
  value[1] = 0x03;
  value[2] = 0xe8;
  ASSERT_TRUE(net.set(node, key, value));
  EXPECT_TRUE(charges_of(net, node, IpAddress{}).empty());
  const auto question = datagram([&](MutableBytes out) {
    return rpcudp::encode_find_value_request(out, transaction, stranger_id, key);
  });
  for (int i = 0; i < 40; ++i) {
    net.send_from(stranger, node.endpoint(), question);
    net.run_for(milliseconds(10));
  }
  const auto began = of_kind(taken(node), NoticeKind::limit_began);
  ASSERT_EQ(began.size(), 1u) << "and not at each request";
  EXPECT_EQ(began[0].prefix.text(), "192.0.2.1/32");
  EXPECT_EQ(began[0].charge, Charge::excess);

  const auto charges = charges_of(net, node, stranger.address);
  ASSERT_EQ(charges.size(), prefix_levels);
  EXPECT_EQ(charges[0].subnet().text(), "192.0.2.1/32");
  EXPECT_EQ(charges[0].most[0], 8 * 2048u);
  EXPECT_GT(charges[0].charged[0], 7 * 2048u);
  EXPECT_GT(charges[0].refused[0], 10u);
  EXPECT_EQ(charges[1].refused[0], 0u);
  EXPECT_EQ(charges_of(net, node, IpAddress{}).size(), prefix_levels) << "all that took anything";

  net.run_for(limited_spell_gap + seconds(2));
  const auto ended = of_kind(taken(node), NoticeKind::limit_ended);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].prefix, began[0].prefix);
  EXPECT_EQ(ended[0].count, charges[0].refused[0]);
  EXPECT_EQ(charges_of(net, node, stranger.address)[0].refused[0], 0u);
}

TEST(OwnIdChecks, PingSeldomAndNeverWhatIsTheirOwn) {
  OwnIdChecks checks;
  Instant now{};
  EXPECT_TRUE(checks.should_ping(stranger, now));
  EXPECT_FALSE(checks.should_ping(other_stranger, now)) << "the pace is for all of them";
  now = now + OwnIdChecks::pace;
  EXPECT_FALSE(checks.should_ping(stranger, now)) << "it was silent";
  EXPECT_TRUE(checks.should_ping(other_stranger, now));
  EXPECT_TRUE(checks.found_own(other_stranger, now));
  EXPECT_FALSE(checks.found_own(other_stranger, now));
  now = now + OwnIdChecks::silent;
  EXPECT_TRUE(checks.should_ping(stranger, now));
  EXPECT_TRUE(checks.found_other(stranger, now));
  EXPECT_FALSE(checks.found_other(stranger, now));
  now = now + OwnIdChecks::again;
  EXPECT_TRUE(checks.should_ping(stranger, now));
  EXPECT_TRUE(checks.found_other(stranger, now));
  now = now + hours(1000);
  EXPECT_FALSE(checks.should_ping(other_stranger, now));
}

}  // namespace
}  // namespace xord::testing
