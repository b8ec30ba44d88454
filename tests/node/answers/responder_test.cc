// Which sources are served, held or met with silence; and what the parts below answer
// (named_answers, records, replies), as the responder drives them.
#include "node/answers/responder.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/part_fixture.h"

namespace xord::testing {
namespace {

class ResponderTest : public PartTest {
 protected:
  const Endpoint stranger = Endpoint::ipv4(0xc0000201, 4000);  // 192.0.2.1
  const Id stranger_id = contact(0x21).id;
  const Transaction transaction{9, 9, 9};
  const std::array<uint8_t, 3> value{0xa2, 'h', 'i'};

  Id own_key() const {
    for (uint32_t number = 1;; ++number) {
      const Id id = contact(0x33, number).id;
      if (shard_of(id, shards) == 0) return id;
    }
  }
  Id others_key() const {
    for (uint32_t number = 1;; ++number) {
      const Id id = contact(0x33, number).id;
      if (shard_of(id, shards) == 1) return id;
    }
  }
  void receive(const Ask& ask) { receive(stranger, ask); }
  void receive(const Endpoint& from, const Ask& ask) {
    std::array<uint8_t, 9000> bytes;
    const size_t size = rpcudp::encode_request(bytes, transaction, stranger_id, ask);
    responder.receive(turn(), {{from, {}}, Bytes(bytes).first(size)});
  }
  // What was sent: our pings, and replies to the stranger.
  struct Sent {
    std::vector<Endpoint> pings;
    std::vector<std::vector<uint8_t>> replies;
  };
  Sent take_sent() {
    Sent sent;
    for (const Outbox::Entry& entry : datagrams.entries()) {
      const Bytes bytes = datagrams.bytes(entry);
      if (rpcudp::is_reply(bytes)) {
        EXPECT_EQ(entry.path.remote, stranger);
        sent.replies.emplace_back(bytes.begin(), bytes.end());
      } else {
        sent.pings.push_back(entry.path.remote);
      }
    }
    datagrams.clear();
    return sent;
  }
  Reply parsed(const std::vector<uint8_t>& bytes, Method method) {
    EXPECT_EQ(rpcudp::parse_reply(bytes, method, &reply), ParseError::none);
    return reply;
  }

  NodeNotices notices;
  Replies replies{node, book};
  NamedAnswers named{node, contacts, replies};
  RecordService records{node, contacts, store, waits, replies, named};
  OwnIdWatch own_ids{node, requester, contacts, notices};
  WorkShares work{0, node.config.limits, node.config.trusted, ledger, counters, notices};
  Responder responder{node, requester, contacts, replies, named, records, own_ids, work, notices};
};

TEST_F(ResponderTest, APingIsAnsweredAtOnceAndNotPingedBack) {
  receive({Method::ping});
  const Sent sent = take_sent();
  EXPECT_EQ(sent.pings.size(), 0u);
  ASSERT_EQ(sent.replies.size(), 1u);
  EXPECT_EQ(parsed(sent.replies[0], Method::ping).responder, self);
}

TEST_F(ResponderTest, AStrangersQuestionIsHeldAndServedOnceItIsProven) {
  receive({Method::find_node, own_key()});
  receive({Method::find_node, own_key()});
  Sent sent = take_sent();
  EXPECT_EQ(sent.pings.size(), 1u) << "one for both";
  EXPECT_TRUE(sent.replies.empty());
  EXPECT_EQ(responder.held_count(), 2u);
  contacts.prove(turn(), stranger);
  responder.release(turn(), stranger, Purpose::admission);
  sent = take_sent();
  EXPECT_EQ(sent.replies.size(), 2u);
  EXPECT_EQ(responder.held_count(), 0u);
  uint32_t told = 0;
  notices.take([&](const NodeNotice& notice) { told += notice.kind == NoticeKind::first_request; });
  EXPECT_EQ(told, 1u);
}

TEST_F(ResponderTest, WhatCannotBeHeldIsPingedForAndMetWithSilence) {
  const std::vector<uint8_t> large(5000);
  const Budget& budget = node_config.budget;
  for (uint32_t i = 0; i <= budget.held_large; ++i) {
    for (uint32_t k = 0; k < budget.held_large; ++k) {
      receive(contact(static_cast<uint8_t>(i)).endpoint, {Method::store, own_key(), large, {}});
    }
  }
  EXPECT_EQ(responder.held_count(), budget.held_large);
  EXPECT_EQ(count(NodeCounter::held_displaced), budget.held_large * budget.held_large);
  Sent sent = take_sent();
  EXPECT_EQ(sent.pings.size(), budget.held_large + 1);
  EXPECT_TRUE(sent.replies.empty());

  for (uint32_t i = 0; i < held_per_source_max + 2; ++i) {
    receive({i % 2 == 0 ? Method::find_node : Method::find_value, own_key()});
  }
  sent = take_sent();
  EXPECT_EQ(sent.pings, std::vector<Endpoint>{stranger});
  EXPECT_TRUE(sent.replies.empty()) << "a list would be believed";
  EXPECT_EQ(count(NodeCounter::unproven_bounded), 2u);
  contacts.prove(turn(), stranger);
  responder.release(turn(), stranger, Purpose::admission);
  EXPECT_EQ(take_sent().replies.size(), held_per_source_max);
}

TEST_F(ResponderTest, WhatIsHeldTooLongIsDropped) {
  receive({Method::find_node, own_key()});
  ASSERT_TRUE(responder.next_wakeup());
  now = now + held_lifetime + seconds(1);
  responder.advance(now);
  EXPECT_EQ(responder.held_count(), 0u);
  EXPECT_EQ(count(NodeCounter::held_dropped), 1u);
}

TEST_F(ResponderTest, ARequestForAnotherShardsRecordIsForwarded) {
  receive({Method::find_value, others_key()});
  EXPECT_EQ(count(NodeCounter::forwarded), 1u);
  EXPECT_EQ(messages.entries().size(), 1u);
  EXPECT_EQ(count(NodeCounter::requests_find_value), 0u) << "the other one counts it";
}

TEST_F(ResponderTest, AStoreIsAcknowledgedWhenTheDiskHasIt) {
  contacts.prove(turn(), stranger);
  messages.clear();
  receive({Method::store, own_key(), value, {}});
  EXPECT_TRUE(take_sent().replies.empty());
  ASSERT_EQ(storage.entries().size(), 1u);
  const auto* operation = frame_header<Operation>(storage.bytes(storage.entries()[0]));
  const auto wait = waits.take({operation->ticket});
  ASSERT_TRUE(wait);
  EXPECT_EQ(wait->kind, DiskWait::Kind::store_reply);
  records.stored(turn(), *wait, true);
  const Sent sent = take_sent();
  ASSERT_EQ(sent.replies.size(), 1u);
  EXPECT_TRUE(parsed(sent.replies[0], Method::store).stored);
}

TEST_F(ResponderTest, AnAnswerToAStoreIsCountedByWhatItSays) {
  const DiskWait wait{DiskWait::Kind::store_reply,
                      {stranger, {}},
                      WireTransaction::of(transaction),
                      {},
                      0,
                      {},
                      100};
  records.stored(turn(), wait, true);
  records.stored(turn(), wait, false);
  records.stored(turn(), wait, false);
  const Sent sent = take_sent();
  ASSERT_EQ(sent.replies.size(), 3u);
  EXPECT_EQ(count(NodeCounter::stores_acknowledged), 1u);
  EXPECT_EQ(count(NodeCounter::stores_refused), 2u);
  EXPECT_EQ(count(NodeCounter::replies_sent), 3u);
}

TEST_F(ResponderTest, AReplyForWhichThereIsNoRoomIsCounted) {
  Outbox full{1, 1};
  Outputs without_room{full, messages, storage, results};
  replies.pong({now, without_room, events}, {{stranger, {}}, transaction, 100});
  EXPECT_EQ(count(NodeCounter::outbox_full), 1u);
  EXPECT_EQ(count(NodeCounter::replies_sent), 0u);
}

TEST_F(ResponderTest, AValueInMemoryIsServedAtOnce) {
  contacts.prove(turn(), stranger);
  store.begin_store(now, {own_key(), value, 0, 3}, storage);
  Completion written;
  const auto* operation = frame_header<Operation>(storage.bytes(storage.entries()[0]));
  written.ticket = operation->ticket;
  written.kind = CompletionKind::written;
  written.store = operation->store;
  written.key = operation->key;
  written.times = operation->times;
  store.complete(now, written, {});
  receive({Method::find_value, own_key()});
  const Sent sent = take_sent();
  ASSERT_EQ(sent.replies.size(), 1u);
  const Reply said = parsed(sent.replies[0], Method::find_value);
  EXPECT_TRUE(equal(said.value, value));
  EXPECT_EQ(count(NodeCounter::values_served), 1u);
}

// A /24 is one party; those of this site and those that are trusted may take all.
TEST_F(ResponderTest, ARecordIsKeptWithTheParty) {
  uint32_t number = 0;
  const auto party = [&](const NodeConfig& rules, const char* from) {
    const NodeContext ruled{rules, secrets, *rules.dialect, self, link, counters, ledger};
    RecordService service(ruled, contacts, store, waits, replies, named);
    std::array<uint8_t, 200> bytes;
    Id key = own_key();
    store_be32(key.bytes.data(), ++number);
    const size_t size =
        rpcudp::encode_request(bytes, transaction, stranger_id, {Method::store, key, value, {}});
    Request request;
    const Bytes datagram_bytes = Bytes(bytes).first(size);
    EXPECT_EQ(rpcudp::parse_request(datagram_bytes, &request), ParseError::none);
    request.acceptable = true;
    storage.clear();
    service.store(turn(), {{*Endpoint::parse(from), {}}, datagram_bytes}, request);
    EXPECT_EQ(storage.entries().size(), 1u);
    return frame_header<Operation>(storage.bytes(storage.entries()[0]))->source_prefix;
  };
  const NodeConfig usual = config();
  const uint16_t of_stranger = party(usual, "192.0.2.1:1");
  EXPECT_NE(of_stranger, 0);
  EXPECT_EQ(party(usual, "192.0.2.77:2"), of_stranger);
  EXPECT_NE(party(usual, "198.51.100.1:1"), of_stranger);
  EXPECT_EQ(party(usual, "10.0.0.1:1"), 0);
  EXPECT_EQ(party(usual, "127.0.0.1:1"), 0);
  NodeConfig limited = config();
  limited.limits.limits_loopback = true;
  EXPECT_NE(party(limited, "127.0.0.1:1"), 0);
  NodeConfig trusting = config();
  const Subnet trusted[] = {*Subnet::parse("192.0.2.0/24")};
  trusting.trusted = {std::begin(trusted), std::end(trusted)};
  EXPECT_EQ(party(trusting, "192.0.2.1:1"), 0);
  EXPECT_NE(party(trusting, "198.51.100.1:1"), 0);
}

TEST_F(ResponderTest, AnAnswerWaitsForAContactThatHasToAnswerFirst) {
  contacts.prove(turn(), stranger);
  const Contact young = contact(0x80);
  file(young);
  take_asked();
  now = now + seconds(2);
  receive({Method::find_node, own_key()});
  Sent sent = take_sent();
  EXPECT_TRUE(sent.replies.empty());
  EXPECT_EQ(std::count(sent.pings.begin(), sent.pings.end(), young.endpoint), 1);
  EXPECT_EQ(named.count(), 1u);
  now = now + naming_wait;
  named.advance(turn());
  sent = take_sent();
  ASSERT_EQ(sent.replies.size(), 1u);
  EXPECT_EQ(parsed(sent.replies[0], Method::find_node).contacts_count, 0u)
      << "it was silent: it is left out";
  EXPECT_EQ(named.count(), 0u);
}

TEST_F(ResponderTest, ADatagramThatDoesNotParseIsCountedAndDropped) {
  const std::array<uint8_t, 22> junk{0, 1, 2};
  responder.receive(turn(), {{stranger, {}}, junk});
  EXPECT_TRUE(take_sent().replies.empty());
  EXPECT_EQ(counters.malformed.read(ParseError::none), 0u);
  uint64_t counted = 0;
  for (size_t i = 0; i < Counters<ParseError>::size; ++i) {
    counted += counters.malformed.read(static_cast<ParseError>(i));
  }
  EXPECT_EQ(counted, 1u);
}

TEST_F(ResponderTest, OurOwnIdFromAStrangerIsAskedForByAPingInPlaceOfAnAnswer) {
  std::array<uint8_t, 64> bytes;
  Transaction long_enough{0, 1, 2};  // Of shard 0, which is tested.
  const size_t size = rpcudp::encode_ping_request(bytes, long_enough, self);
  responder.receive(turn(), {{stranger, {}}, Bytes(bytes).first(size)});
  Sent sent = take_sent();
  EXPECT_EQ(sent.pings.size(), 1u);
  EXPECT_TRUE(sent.replies.empty());
  responder.receive(turn(), {{stranger, {}}, Bytes(bytes).first(size)});
  sent = take_sent();
  EXPECT_EQ(sent.pings.size(), 0u);
  EXPECT_EQ(sent.replies.size(), 1u) << "until the next ping is due";
}

TEST_F(ResponderTest, OnlyContactsThatAReplyNamesAreLookedAtForOurOwnId) {
  reply = {};
  reply.contacts_count = 1;
  reply.contacts[0] = contact(0x80);
  reply.contacts[1] = {self, contact(0x81).endpoint};  // Left by an earlier reply.
  own_ids.look_for_own_id(turn(), reply, contact(0x80).endpoint);
  EXPECT_TRUE(take_sent().pings.empty());
  reply.contacts_count = 2;
  own_ids.look_for_own_id(turn(), reply, contact(0x80).endpoint);
  EXPECT_EQ(take_sent().pings, (std::vector<Endpoint>{contact(0x81).endpoint}));
}

TEST_F(ResponderTest, OurOwnIdIsFoundWhereverAReplyNamesItIfItsEndpointCanBeAsked) {
  reply = {};
  reply.contacts_count = 3;
  for (uint32_t at = 0; at < 3; ++at) {
    for (uint32_t i = 0; i < 3; ++i) reply.contacts[i] = contact(0x80, i + 1);
    reply.contacts[at] = {self, contact(0x81, at + 1).endpoint};
    own_ids.look_for_own_id(turn(), reply, contact(0x80).endpoint);
    EXPECT_EQ(take_sent().pings, (std::vector<Endpoint>{contact(0x81, at + 1).endpoint})) << at;
    own_ids.look_for_own_id(turn(), reply, contact(0x80).endpoint);
    EXPECT_TRUE(take_sent().pings.empty()) << "not at once again";
    now = now + OwnIdChecks::pace;
  }
  for (const char* endpoint : {"224.0.0.1:1", "127.0.0.1:1", "192.0.2.9:0"}) {
    reply.contacts[0] = {self, *Endpoint::parse(endpoint)};
    own_ids.look_for_own_id(turn(), reply, contact(0x80).endpoint);
    EXPECT_TRUE(take_sent().pings.empty()) << endpoint;
  }
}

TEST_F(ResponderTest, WhoAnsweredWithOurIdIsToldOnceAndApartFromOurselves) {
  const auto answered = [&](const Endpoint& at, Purpose purpose, bool came_back) {
    Outcome outcome;
    outcome.call.purpose = purpose;
    outcome.call.to = at;
    outcome.came_back = came_back;
    reply = {};
    reply.responder = self;
    outcome.reply = &reply;
    own_ids.answered(now, outcome);
    std::vector<NodeNotice> told;
    notices.take([&](const NodeNotice& notice) { told.push_back(notice); });
    return told;
  };
  const Endpoint other = contact(0x81).endpoint;
  const auto elsewhere = answered(other, Purpose::admission, false);
  ASSERT_EQ(elsewhere.size(), 1u);
  EXPECT_EQ(elsewhere[0].kind, NoticeKind::own_id_elsewhere);
  EXPECT_EQ(elsewhere[0].contact, (Contact{self, other}));
  EXPECT_TRUE(answered(other, Purpose::admission, false).empty());

  const Endpoint ours = contact(0x82).endpoint;
  const auto own = answered(ours, Purpose::bootstrap, true);
  ASSERT_EQ(own.size(), 1u);
  EXPECT_EQ(own[0].kind, NoticeKind::own_address);
  EXPECT_EQ(own[0].contact, (Contact{self, ours}));
  EXPECT_TRUE(answered(ours, Purpose::bootstrap, true).empty());
  EXPECT_TRUE(answered(contact(0x83).endpoint, Purpose::admission, true).empty())
      << "nobody asked for that address";
}

TEST_F(ResponderTest, ACallSendsAtMostSixteenOfTheAnswersThatWaitedEnough) {
  contacts.prove(turn(), stranger);
  file(contact(0x80));
  take_asked();
  now = now + seconds(2);
  const uint32_t asked_count = node_config.budget.waiting_answers;
  for (uint32_t i = 0; i < asked_count; ++i) receive({Method::find_node, own_key()});
  EXPECT_TRUE(take_sent().replies.empty());
  ASSERT_EQ(named.count(), asked_count);
  EXPECT_EQ(count(NodeCounter::answers_waited), asked_count);
  receive({Method::find_node, own_key()});
  EXPECT_EQ(take_sent().replies.size(), 1u) << "there is no room for it to wait";
  EXPECT_EQ(count(NodeCounter::answers_unwaited), 1u);
  now = now + naming_wait;
  named.advance(turn());
  EXPECT_EQ(take_sent().replies.size(), std::min<size_t>(asked_count, waiting_answers_sent_max));
  EXPECT_EQ(named.count(), asked_count - std::min(asked_count, waiting_answers_sent_max));
}

TEST_F(ResponderTest, EachMethodHasACounterOfItsOwn) {
  contacts.prove(turn(), stranger);
  const std::array<std::pair<Ask, NodeCounter>, 5> asks{{
      {{Method::ping}, NodeCounter::requests_ping},
      {{Method::stun}, NodeCounter::requests_stun},
      {{Method::store, own_key(), value, {}}, NodeCounter::requests_store},
      {{Method::find_node, own_key()}, NodeCounter::requests_find_node},
      {{Method::find_value, own_key()}, NodeCounter::requests_find_value},
  }};
  for (size_t i = 0; i < asks.size(); ++i) {
    receive(asks[i].first);
    for (size_t j = 0; j < asks.size(); ++j) {
      EXPECT_EQ(count(asks[j].second), j <= i ? 1u : 0u) << i << ", " << j;
    }
  }
}

TEST_F(ResponderTest, AStunOfAStrangerIsCountedAndLeftUnanswered) {
  receive({Method::stun});
  const Sent sent = take_sent();
  EXPECT_TRUE(sent.replies.empty() && sent.pings.empty());
  EXPECT_EQ(count(NodeCounter::stun_unproven), 1u);
}

}  // namespace
}  // namespace xord::testing
