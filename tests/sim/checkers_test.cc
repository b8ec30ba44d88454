// The checks themselves: each violation is found when it is made by hand, and what is allowed is
// not taken for one. The datagrams are shown to the checks only; the node never sees them.
#include "tools/sim/checkers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/sim/small_world.h"

namespace xord::sim {
namespace {

using Octets = std::vector<uint8_t>;

constexpr uint32_t node = 0;
const Endpoint node_endpoint = Endpoint::ipv4(0x0a000001, 8468);
const Endpoint peer = Endpoint::ipv4(0x0a000063, 8468);
const Endpoint other_peer = Endpoint::ipv4(0x0a000064, 8468);
const Octets value = {0xa3, 'o', 'n', 'e'};
const Octets other_value = {0xa3, 't', 'w', 'o'};

Id id_of(uint8_t number) {
  Id id;
  id.bytes[0] = number;
  return id;
}
Transaction number(uint8_t of) {
  Transaction transaction{};
  transaction[7] = of;
  return transaction;
}

template <class Encode>
Octets encoded(Encode&& encode) {
  Octets buffer(2 * rpcudp::request_size_max);
  buffer.resize(encode(MutableBytes(buffer)));
  return buffer;
}
Octets ping(uint8_t transaction) {
  return encoded(
      [&](auto out) { return rpcudp::encode_ping_request(out, number(transaction), id_of(99)); });
}
Octets find(Method method, uint8_t transaction, const Id& target) {
  return encoded([&](auto out) {
    return method == Method::find_node
               ? rpcudp::encode_find_node_request(out, number(transaction), id_of(99), target)
               : rpcudp::encode_find_value_request(out, number(transaction), id_of(99), target);
  });
}
Octets store(uint8_t transaction, const Id& key, const Octets& stored,
             std::optional<uint32_t> age = {}) {
  return encoded([&](auto out) {
    return rpcudp::encode_store_request(out, number(transaction), id_of(99), key, stored, age);
  });
}
Octets pong(uint8_t transaction, const Id& self) {
  return encoded(
      [&](auto out) { return rpcudp::encode_ping_reply(out, number(transaction), self); });
}
Octets value_reply(uint8_t transaction, const Octets& served) {
  return encoded(
      [&](auto out) { return rpcudp::encode_value_reply(out, number(transaction), served); });
}
Octets contacts_reply(uint8_t transaction, const std::vector<Contact>& contacts) {
  return encoded([&](auto out) {
    rpcudp::ContactsReply reply(out, number(transaction), contacts.size());
    std::array<uint8_t, rpcudp::contact_tail_max> tail;
    for (const Contact& contact : contacts) {
      reply.add(contact.id, Bytes(tail).first(rpcudp::encode_contact_tail(contact.endpoint, tail)));
    }
    return reply.size();
  });
}

class CheckersTest : public ::testing::Test {
 protected:
  static constexpr uint32_t records_max = 3;
  static constexpr Duration ttl = hours(5);
  static constexpr double amplification_max = 2;

  static WorldOptions options() {
    WorldOptions options = simulated_options();
    options.xord.node.routing.contacts_max = 2;
    options.xord.node.ttl = ttl;
    options.xord.node.amplification_max = amplification_max;
    options.xord.store.records_max = records_max;
    return options;
  }
  CheckersTest() {
    world_.add_host(HostKind::xord, node_endpoint, 1, 0);
    world_.start(node);
    world_.run_for(seconds(1));
  }

  // A turn of the node because of a datagram, in which it sends something.
  void arrives(const Endpoint& from, const Octets& bytes) {
    arrived_ = bytes;
    datagram_ = {{from, {}}, arrived_};
    checkers_.turn_begins(node, &datagram_);
  }
  void leaves(const Endpoint& to, const Octets& bytes) { checkers_.sent(node, to, bytes); }
  void turn_ends() { checkers_.turn_ends(node); }
  // In a turn of its own, as if an operation or a timer caused it.
  void leaves_later(const Endpoint& to, const Octets& bytes) {
    turn_ends();
    checkers_.turn_begins(node, nullptr);
    leaves(to, bytes);
    turn_ends();
  }
  // The peer answers a ping of the node.
  void prove(const Endpoint& source, uint8_t transaction = 200) {
    leaves_later(source, ping(transaction));
    arrives(source, pong(transaction, id_of(99)));
    turn_ends();
  }
  void pass(Duration time) { world_.run_for(time); }
  const Id& self() const { return world_.host(node).id; }
  std::string violation() const { return checkers_.violation() ? checkers_.violation()->what : ""; }
  // The node answers a find_value at once.
  void serve(const Id& key, const Octets& served) {
    ++served_;
    arrives(peer, find(Method::find_value, served_, key));
    leaves(peer, value_reply(served_, served));
    turn_ends();
  }

  World world_{options()};
  Checkers checkers_{world_, true};
  Octets arrived_;
  Datagram datagram_;
  uint8_t served_ = 100;  // Also the transaction.
};

// ---- Replies to requests.

TEST_F(CheckersTest, APingIsAnsweredOnce) {
  arrives(peer, ping(1));
  leaves(peer, pong(1, self()));
  EXPECT_EQ(violation(), "");
  EXPECT_EQ(checkers_.counts().datagrams, 1u);
  EXPECT_EQ(checkers_.counts().replies, 1u);
  EXPECT_EQ(checkers_.counts().unproven, 1u);
  leaves(peer, pong(1, self()));
  EXPECT_EQ(violation(), "a reply that nobody asked for, or a second one");
}

TEST_F(CheckersTest, OnlyItsSenderGetsTheReply) {
  arrives(peer, ping(1));
  leaves(other_peer, pong(1, self()));
  EXPECT_EQ(violation(), "a reply that nobody asked for, or a second one");
}

TEST_F(CheckersTest, AReplyRepeatsTheTransaction) {
  arrives(peer, ping(1));
  leaves(peer, pong(2, self()));
  EXPECT_EQ(violation(), "a reply that nobody asked for, or a second one");
}

TEST_F(CheckersTest, ARequestThatComesTwiceIsAnsweredTwice) {
  for (int i = 0; i < 2; ++i) arrives(peer, ping(1));
  prove(peer);
  for (int i = 0; i < 2; ++i) leaves_later(peer, pong(1, self()));
  EXPECT_EQ(violation(), "");
  leaves_later(peer, pong(1, self()));
  EXPECT_EQ(violation(), "a reply that nobody asked for, or a second one");
}

TEST_F(CheckersTest, AReplyIsToWhatWasAsked) {
  arrives(peer, find(Method::find_node, 1, id_of(7)));
  leaves(peer, pong(1, self()));
  EXPECT_EQ(violation(), "a reply that does not parse as one to what was asked");
}

// A flooder's: it may be either one.
TEST_F(CheckersTest, AReplyToTwoQuestionsOfOneTransactionIsToEither) {
  prove(peer);
  for (const auto& [first, second] :
       {std::pair{find(Method::find_node, 1, id_of(7)), ping(1)},
        {find(Method::find_value, 2, id_of(7)), find(Method::find_value, 2, id_of(8))}}) {
    arrives(peer, first);
    arrives(peer, second);
  }
  leaves_later(peer, contacts_reply(1, {}));
  leaves_later(peer, value_reply(2, value));
  EXPECT_EQ(violation(), "");
}

TEST_F(CheckersTest, OneQuestionAskedTwiceIsStillThatQuestion) {
  prove(peer);
  for (int i = 0; i < 2; ++i) arrives(peer, ping(1));
  leaves_later(peer, contacts_reply(1, {}));
  EXPECT_EQ(violation(), "a reply that does not parse as one to what was asked");
}

TEST_F(CheckersTest, ATransactionIsFreeAgainOnceItIsAnswered) {
  prove(peer);
  arrives(peer, find(Method::find_node, 1, id_of(7)));
  leaves_later(peer, contacts_reply(1, {}));
  arrives(peer, ping(1));
  leaves_later(peer, contacts_reply(1, {}));
  EXPECT_EQ(violation(), "a reply that does not parse as one to what was asked");
}

TEST_F(CheckersTest, APongNamesItsSender) {
  arrives(peer, ping(1));
  leaves(peer, pong(1, id_of(3)));
  EXPECT_EQ(violation(), "a reply that names another sender");
}

// ---- Sizes.

TEST_F(CheckersTest, ADatagramIsNoLongerThanTheLongestOfItsKind) {
  Octets longest(value_size_max);
  longest[0] = 0xc5;  // msgpack: bytes, with their count in two bytes.
  longest[1] = (value_size_max - 3) >> 8;
  longest[2] = (value_size_max - 3) & 0xff;
  prove(peer);
  checkers_.note_own_copy(node, id_of(7), longest);
  arrives(peer, find(Method::find_value, 1, id_of(7)));
  leaves_later(peer, value_reply(1, longest));
  Octets request = store(2, id_of(7), longest, 9);
  leaves_later(peer, request);
  EXPECT_EQ(request.size(), rpcudp::request_size_max);
  EXPECT_EQ(violation(), "");
  request.push_back(0);
  leaves_later(peer, request);
  EXPECT_EQ(violation(), "a datagram of 8219 bytes");
}

TEST_F(CheckersTest, AReplyIsNoLongerThanTheLongestReply) {
  prove(peer);
  Octets reply = value_reply(1, value);
  reply.resize(rpcudp::value_reply_size(value_size_max) + 1);
  leaves_later(peer, reply);
  EXPECT_EQ(violation(), "a datagram of 8169 bytes");
}

TEST_F(CheckersTest, NothingIsSentToPortZero) {
  leaves_later({peer.address, 0, 0}, ping(1));
  EXPECT_EQ(violation(), "a datagram to port 0");
}

// ---- What an unproven source is sent.

TEST_F(CheckersTest, AnUnprovenSourceGetsNoMoreThanItsBytesAllow) {
  arrives(peer, ping(1));         // 50 bytes, which allow 100.
  leaves(peer, ping(2));          // 50
  leaves(peer, pong(1, self()));  // 43
  leaves(other_peer, ping(3));    // Not to it.
  EXPECT_EQ(violation(), "");
  leaves(peer, ping(4));
  EXPECT_EQ(violation(), "143 bytes to an unproven source for 50");
}

TEST_F(CheckersTest, EachDatagramOfTheSourceAllowsAsMuchAgain) {
  for (uint8_t i = 0; i < 5; ++i) {
    arrives(peer, ping(i));
    leaves(peer, ping(static_cast<uint8_t>(100 + i)));
    leaves(peer, ping(static_cast<uint8_t>(110 + i)));  // Exactly what is allowed.
    turn_ends();
  }
  EXPECT_EQ(violation(), "");
  EXPECT_EQ(checkers_.counts().unproven, 5u);
  leaves_later(peer, ping(50));
  leaves_later(peer, ping(51));
  EXPECT_EQ(violation(), "") << "they have other causes";
}

TEST_F(CheckersTest, AProvenSourceGetsAnyNumber) {
  prove(peer);
  const uint64_t unproven = checkers_.counts().unproven;
  arrives(peer, ping(1));
  for (uint8_t i = 0; i < 5; ++i) leaves(peer, ping(static_cast<uint8_t>(100 + i)));
  EXPECT_EQ(violation(), "");
  EXPECT_EQ(checkers_.counts().unproven, unproven);
}

TEST_F(CheckersTest, AnAnswerProvesOnlyWhoWasAskedAndOnlyOnce) {
  leaves_later(peer, ping(200));
  arrives(other_peer, pong(200, id_of(99)));
  EXPECT_EQ(checkers_.counts().unproven, 1u) << "not asked";
  turn_ends();
  arrives(peer, pong(201, id_of(99)));
  EXPECT_EQ(checkers_.counts().unproven, 2u) << "another transaction";
  turn_ends();
  arrives(peer, pong(200, id_of(99)));
  EXPECT_EQ(checkers_.counts().unproven, 2u);
  turn_ends();
  pass(proven_lifetime + milliseconds(2));
  arrives(peer, pong(200, id_of(99)));
  EXPECT_EQ(checkers_.counts().unproven, 3u) << "the answer was there already";
}

TEST_F(CheckersTest, AProofLastsTenMinutes) {
  prove(peer);
  pass(minutes(10));
  arrives(peer, ping(1));
  EXPECT_EQ(checkers_.counts().unproven, 0u);
  turn_ends();
  pass(milliseconds(2));
  arrives(peer, ping(2));
  EXPECT_EQ(checkers_.counts().unproven, 1u);
}

TEST_F(CheckersTest, ALateReplyNeedsAProof) {
  arrives(peer, ping(1));
  leaves_later(peer, pong(1, self()));
  EXPECT_EQ(violation(), "a late reply to a source that never proved its address");
}

TEST_F(CheckersTest, AReplyInTheTurnOfAnotherSourceIsLate) {
  arrives(peer, ping(1));
  arrives(other_peer, ping(2));
  leaves(peer, pong(1, self()));
  EXPECT_EQ(violation(), "a late reply to a source that never proved its address");
}

// What was earned while the proof was valid may still leave, but not for ever.
TEST_F(CheckersTest, ALateReplyMayFollowAProofThatHasLapsed) {
  prove(peer);
  pass(minutes(20));
  arrives(peer, ping(1));
  turn_ends();
  pass(minutes(45));
  leaves_later(peer, pong(1, self()));
  EXPECT_EQ(violation(), "");
  pass(minutes(4));
  arrives(peer, ping(2));
  turn_ends();
  pass(minutes(2));
  leaves_later(peer, pong(2, self()));
  EXPECT_EQ(violation(), "a late reply to a source that never proved its address");
}

TEST_F(CheckersTest, ARequestMayBeAnsweredWithinTheHour) {
  prove(peer);
  arrives(peer, ping(1));
  turn_ends();
  pass(minutes(50));
  prove(peer);
  pass(minutes(9));
  leaves_later(peer, pong(1, self()));
  EXPECT_EQ(violation(), "");
  arrives(peer, ping(2));
  turn_ends();
  pass(minutes(71));
  prove(peer);
  leaves_later(peer, pong(2, self()));
  EXPECT_EQ(violation(), "a reply that nobody asked for, or a second one");
}

// ---- Values.

TEST_F(CheckersTest, AValueThatWasStoredIsServedUntilItExpires) {
  prove(peer);
  arrives(peer, store(1, id_of(7), value));
  turn_ends();
  serve(id_of(7), value);
  EXPECT_EQ(checkers_.counts().values_served, 1u);
  pass(ttl);
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "") << "expiries are whole seconds";
  pass(seconds(3));
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "a value served 2 s after it expired");
}

TEST_F(CheckersTest, AValueIsServedAtMostToTheEndOfItsLife) {
  arrives(peer, store(1, id_of(7), value));
  turn_ends();
  pass(ttl + seconds(1));
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "a value served 0 s after it expired");
}

TEST_F(CheckersTest, TheAgeOfAValueShortensItsLife) {
  arrives(peer, store(1, id_of(7), value, 3600));
  turn_ends();
  pass(ttl - hours(1));
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "");
  pass(seconds(1));
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "a value served 0 s after it expired");
}

TEST_F(CheckersTest, StoringItAgainProlongsItsLifeAndAnOlderStoreDoesNot) {
  arrives(peer, store(1, id_of(7), value));
  pass(hours(2));
  arrives(peer, store(2, id_of(7), value));
  arrives(peer, store(3, id_of(7), value, 4 * 3600));
  turn_ends();
  pass(ttl);
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "");
}

TEST_F(CheckersTest, AKeyMayHaveSeveralValuesButNoneThatWasNotStored) {
  arrives(peer, store(1, id_of(7), value));
  arrives(peer, store(2, id_of(7), other_value));
  turn_ends();
  serve(id_of(7), value);
  serve(id_of(7), other_value);
  EXPECT_EQ(violation(), "");
  EXPECT_EQ(checkers_.counts().values_served, 2u);
  serve(id_of(7), {0xa3, 's', 'i', 'x'});
  EXPECT_EQ(violation(), "a value served that was never stored there");
}

TEST_F(CheckersTest, AValueIsServedUnderItsOwnKeyOnly) {
  arrives(peer, store(1, id_of(7), value));
  turn_ends();
  serve(id_of(8), value);
  EXPECT_EQ(violation(), "a value served that was never stored there");
}

// Of a key that does not have 20 bytes.
TEST_F(CheckersTest, AStoreThatMustBeRefusedPermitsNothing) {
  Octets refused = store(1, Id{}, value);
  const std::array<uint8_t, 2> head = {0xc4, id_size};  // msgpack: bytes. First of the sender.
  const auto sender = std::search(refused.begin(), refused.end(), head.begin(), head.end());
  const auto key = std::search(sender + 1, refused.end(), head.begin(), head.end());
  ASSERT_NE(key, refused.end());
  key[1] = id_size - 1;
  refused.erase(key + 2);
  Request request;
  ASSERT_EQ(rpcudp::parse_request(refused, &request), ParseError::none);
  ASSERT_FALSE(request.acceptable);
  arrives(peer, refused);
  turn_ends();
  serve(request.target, value);
  EXPECT_EQ(violation(), "a value served that was never stored there");
}

TEST_F(CheckersTest, AHostMayServeTheCopyOfItsOwnSetForFiveMinutesMore) {
  checkers_.note_own_copy(node, id_of(7), value);
  pass(ttl + minutes(5) - milliseconds(1));
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "");
  pass(milliseconds(1));
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "a value served 0 s after it expired");
}

TEST_F(CheckersTest, EachPublicationProlongsTheLifeOfWhatIsKept) {
  checkers_.note_kept(node, id_of(7), value);
  pass(hours(3));
  leaves_later(peer, store(1, id_of(7), value));
  pass(hours(4));
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "");
  leaves_later(peer, store(2, id_of(7), value, 1));  // Republished, as others' records are.
  pass(hours(2));
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "a value served 3300 s after it expired");
}

TEST_F(CheckersTest, APublicationOfAnotherValueProlongsNothing) {
  checkers_.note_kept(node, id_of(7), value);
  leaves_later(peer, store(1, id_of(8), other_value));
  serve(id_of(8), other_value);
  EXPECT_EQ(violation(), "a value served that was never stored there");
}

// Where nothing is kept, what a host stores at others is none of its own.
TEST_F(CheckersTest, AStoreAtOthersIsNotACopyHere) {
  checkers_.note_own_copy(node, id_of(7), value);
  leaves_later(peer, store(1, id_of(8), value));
  serve(id_of(8), value);
  EXPECT_EQ(violation(), "a value served that was never stored there");
}

// ---- Contacts.

Contact contact(uint8_t id, const Endpoint& endpoint = other_peer) {
  return {id_of(id), endpoint};
}

TEST_F(CheckersTest, ContactsAreNamedNearestFirst) {
  prove(peer);
  arrives(peer, find(Method::find_node, 1, id_of(0x10)));
  leaves(peer, contacts_reply(1, {contact(0x11), contact(0x12), contact(0x90)}));
  EXPECT_EQ(violation(), "");
  EXPECT_EQ(checkers_.counts().values_served, 0u);
  arrives(peer, find(Method::find_value, 2, id_of(0x10)));
  leaves(peer, contacts_reply(2, {contact(0x11), contact(0x90), contact(0x12)}));
  EXPECT_EQ(violation(), "contacts that are not in order of distance");
}

TEST_F(CheckersTest, AContactIsNamedOnce) {
  prove(peer);
  arrives(peer, find(Method::find_node, 1, id_of(0x10)));
  leaves(peer, contacts_reply(1, {contact(0x11), contact(0x11)}));
  EXPECT_EQ(violation(), "contacts that are not in order of distance");
}

TEST_F(CheckersTest, TheAskerIsNotNamedToItself) {
  prove(peer);
  arrives(peer, find(Method::find_node, 1, id_of(0x10)));
  leaves(peer, contacts_reply(1, {contact(0x11), contact(0x12, peer)}));
  EXPECT_EQ(violation(), "the asker named to itself");
}

TEST_F(CheckersTest, ANodeDoesNotNameItself) {
  prove(peer);
  arrives(peer, find(Method::find_node, 1, self()));
  leaves(peer, contacts_reply(1, {{self(), other_peer}}));
  EXPECT_EQ(violation(), "itself named");
}

// ---- Hosts that go down, and others.

TEST_F(CheckersTest, ANodeThatStartedAgainKnowsItsRecordsOnly) {
  prove(peer);
  checkers_.note_own_copy(node, id_of(7), value);
  arrives(peer, ping(1));
  turn_ends();
  leaves_later(peer, ping(3));
  checkers_.went_down(node, Storage::kept);
  const uint64_t unproven = checkers_.counts().unproven;
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "");
  EXPECT_EQ(checkers_.counts().unproven, unproven + 1);
  arrives(peer, pong(3, id_of(99)));
  EXPECT_EQ(checkers_.counts().unproven, unproven + 2) << "the call was forgotten";
  leaves(peer, pong(1, self()));
  EXPECT_EQ(violation(), "a reply that nobody asked for, or a second one");
}

TEST_F(CheckersTest, ANodeThatLostItsStorageServesNothingOfIt) {
  checkers_.note_kept(node, id_of(7), value);
  checkers_.went_down(node, Storage::lost);
  leaves_later(peer, store(1, id_of(7), value));
  serve(id_of(7), value);
  EXPECT_EQ(violation(), "a value served that was never stored there");
}

TEST_F(CheckersTest, WhatOtherProgramsSendIsNotChecked) {
  const uint32_t hostile =
      world_.add_host(HostKind::hostile, Endpoint::ipv4(0x0a000009, 8468), 1, 0);
  checkers_.turn_begins(hostile, nullptr);
  checkers_.sent(hostile, peer, pong(1, self()));
  EXPECT_EQ(violation(), "");
  EXPECT_EQ(checkers_.counts().datagrams, 0u);
}

TEST_F(CheckersTest, NonsenseIsNotTakenForARequest) {
  arrives(peer, {0, 1, 2});
  turn_ends();
  arrives(peer, {});
  turn_ends();
  EXPECT_EQ(checkers_.counts().unproven, 1u) << "nothing at all came from nobody";
  EXPECT_EQ(violation(), "");
}

TEST_F(CheckersTest, TheFirstViolationStopsTheWorld) {
  bool went_on = false;
  world_.plan(seconds(1), [&] { checkers_.violated(node, "first"); });
  world_.plan(seconds(2), [&] { went_on = true; });
  const Instant begin = world_.now();
  pass(seconds(3));
  EXPECT_FALSE(went_on);
  checkers_.violated(5, "second");
  EXPECT_EQ(violation(), "first");
  EXPECT_EQ(checkers_.violation()->host, node);
  EXPECT_EQ(checkers_.violation()->at, begin + seconds(1));
}

TEST_F(CheckersTest, WithoutWatchingTheyKeepWhatOthersFound) {
  Checkers idle(world_, false);
  idle.note_own_copy(node, id_of(7), value);
  idle.note_kept(node, id_of(7), value);
  EXPECT_FALSE(idle.violation());
  const uint64_t before = idle.counts().datagrams;
  world_.act(node, [](Actor& actor, Instant now) { actor.join(now, 1, std::span(&peer, 1)); });
  EXPECT_EQ(idle.counts().datagrams, before);
  EXPECT_GT(checkers_.counts().datagrams, 0u);
  idle.violated(3, "found by others");
  EXPECT_EQ(idle.violation()->host, 3u);
}

// ---- Inspections.

class Inspections : public CheckersTest {
 protected:
  // The world allows three records and two contacts, and this host more.
  Inspections() {
    for (uint32_t i = 1; i < 4; ++i) {
      world_.add_host(HostKind::xord, Endpoint::ipv4(0x0a000001 + i, 8468), 1, 0);
      world_.host(i).config = std::make_unique<XordConfig>(world_.options().xord);
      world_.host(i).config->store.records_max = 10;
      world_.host(i).config->node.routing.contacts_max = 10;
      world_.start(i);
    }
    pass(seconds(1));
  }
};

TEST_F(Inspections, TakeTurnsAmongTheHostsThatAreUp) {
  checkers_.inspect(3);
  EXPECT_EQ(checkers_.counts().inspections, 3u);
  world_.crash(3, Storage::kept);
  checkers_.inspect(1);
  EXPECT_EQ(checkers_.counts().inspections, 3u) << "the fourth is down";
  checkers_.inspect(4);
  EXPECT_EQ(checkers_.counts().inspections, 6u);
  EXPECT_EQ(violation(), "");
}

TEST_F(Inspections, FindAStoreThatHoldsMoreThanItMay) {
  const auto set = [&](uint8_t key) {
    world_.act(1, [&](Actor& actor, Instant now) { actor.set(now, key, id_of(key), value); });
    pass(seconds(20));
  };
  for (uint8_t key = 1; key <= records_max; ++key) set(key);
  checkers_.inspect(4);
  EXPECT_EQ(violation(), "");
  EXPECT_EQ(world_.host(1).node->store(0).counters().read(StoreCount::records), records_max);
  set(records_max + 1);
  checkers_.inspect(4);
  EXPECT_EQ(violation(), "more records than it may keep");
  EXPECT_EQ(checkers_.violation()->host, 1u);
  EXPECT_EQ(checkers_.counts().inspections, 6u) << "the rest is not looked at";
}

TEST_F(Inspections, FindATableThatFilesMoreThanItMay) {
  const std::array endpoints = {world_.host(0).endpoint, world_.host(2).endpoint,
                                world_.host(3).endpoint};
  const auto join = [&](size_t count) {
    world_.act(1, [&](Actor& actor, Instant now) {
      actor.join(now, count, std::span(endpoints).first(count));
    });
    pass(seconds(20));
  };
  join(2);
  EXPECT_EQ(world_.host(1).node->node(0).contacts_count(), 2u);
  checkers_.inspect(4);
  EXPECT_EQ(violation(), "");
  join(3);
  checkers_.inspect(4);
  EXPECT_EQ(violation(), "more contacts than it may file");
}

TEST_F(Inspections, FindATableOfWhichMoreIsTakenThanThereIs) {
  world_.act(1, [](Actor& actor, Instant now) { actor.join(now, 1, std::span(&peer, 1)); });
  checkers_.inspect(4);
  EXPECT_EQ(violation(), "");
  world_.host(1).config->node.operations = 0;
  checkers_.inspect(4);
  EXPECT_EQ(violation(), "1 operations, at most 0 are allowed");
  EXPECT_EQ(checkers_.violation()->host, 1u);
}

}  // namespace
}  // namespace xord::sim
