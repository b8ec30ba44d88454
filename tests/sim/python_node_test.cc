// A node of the Python library, as far as its timing goes: a round waits for all nodes that it
// asked, 5 s for a silent one; that one is not asked again by the same crawl, but stored at when it
// is named again.
#include "tools/sim/python_node.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"

namespace xord::sim {
namespace {

constexpr OperationId operation = 7;

Contact peer(uint8_t number) {
  Contact contact;
  contact.id.bytes[0] = number;
  contact.endpoint = Endpoint::ipv4(0x0a000000u + number, 8468);
  return contact;
}

// What the node sends; answered by hand.
class Wire : public Surroundings {
 public:
  struct Sent {
    Endpoint to;
    Method method{};
    Transaction transaction{};
    Id target;
    std::vector<uint8_t> value;
  };

  void send(uint32_t, const Endpoint& to, Bytes bytes) override {
    if (rpcudp::is_reply(bytes)) {
      replies.emplace_back(to, std::vector<uint8_t>(bytes.begin(), bytes.end()));
      return;
    }
    Request request;
    ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
    Sent& sent = open.emplace_back();
    sent.to = to;
    sent.method = request.method;
    sent.target = request.target;
    sent.value.assign(request.value.begin(), request.value.end());
    std::copy(request.transaction.begin(), request.transaction.end(), sent.transaction.begin());
  }
  void finished(uint32_t, const OperationResult& result, Bytes bytes) override {
    results.push_back(result);
    tail.assign(bytes.begin(), bytes.end());
  }

  // Takes the request that is open at that peer.
  Sent take(const Contact& to) {
    const auto found = std::find_if(open.begin(), open.end(),
                                    [&](const Sent& sent) { return sent.to == to.endpoint; });
    if (found == open.end()) return {};
    const Sent sent = *found;
    open.erase(found);
    return sent;
  }
  bool is_asked(const Contact& to) const {
    return std::any_of(open.begin(), open.end(),
                       [&](const Sent& sent) { return sent.to == to.endpoint; });
  }

  std::vector<Sent> open;
  std::vector<OperationResult> results;
  std::vector<uint8_t> tail;  // Of the last result.
  std::vector<std::pair<Endpoint, std::vector<uint8_t>>> replies;
};

class PythonNodeTest : public testing::Test {
 protected:
  // Bootstrapped by peer 1, which names no contacts.
  void SetUp() override {
    const Endpoint endpoint = peer(1).endpoint;
    node_.join(now_, operation, {&endpoint, 1});
    pong(peer(1));
    contacts(peer(1), {});
    ASSERT_EQ(wire_.results.size(), 1u);
    ASSERT_EQ(wire_.results[0].status, OperationStatus::done);
    wire_.results.clear();
  }

  void pong(const Contact& from) {
    std::array<uint8_t, 64> buffer;
    reply(from, Bytes(buffer).first(
                    rpcudp::encode_ping_reply(buffer, wire_.take(from).transaction, from.id)));
  }
  void contacts(const Contact& from, const std::vector<Contact>& named) {
    std::array<uint8_t, rpcudp::contacts_reply_size_max> buffer;
    rpcudp::ContactsReply contacts(buffer, wire_.take(from).transaction, named.size());
    std::array<uint8_t, rpcudp::contact_tail_max> tail;
    for (const Contact& contact : named) {
      contacts.add(contact.id,
                   Bytes(tail).first(rpcudp::encode_contact_tail(contact.endpoint, tail)));
    }
    reply(from, Bytes(buffer).first(contacts.size()));
  }
  void value(const Contact& from, char letter = 'x') {
    const std::array<uint8_t, 2> text = {0xa1, static_cast<uint8_t>(letter)};
    std::array<uint8_t, 64> buffer;
    reply(from, Bytes(buffer).first(
                    rpcudp::encode_value_reply(buffer, wire_.take(from).transaction, text)));
  }
  void stored(const Contact& from, bool is_stored = true) {
    std::array<uint8_t, 64> buffer;
    reply(from, Bytes(buffer).first(
                    rpcudp::encode_store_reply(buffer, wire_.take(from).transaction, is_stored)));
  }
  void reply(const Contact& from, Bytes bytes) {
    now_ = now_ + milliseconds(10);
    node_.receive(now_, {{from.endpoint, {}}, bytes});
  }
  // Asks the node, and returns what it answered.
  template <class Encode>
  Reply ask(const Contact& from, Method method, Encode&& encode) {
    std::array<uint8_t, 512> buffer;
    const size_t size = encode(MutableBytes(buffer));
    node_.receive(now_, {{from.endpoint, {}}, Bytes(buffer).first(size)});
    Reply reply;
    CHECK(!wire_.replies.empty() && wire_.replies.back().first == from.endpoint);
    CHECK(rpcudp::parse_reply(wire_.replies.back().second, method, &reply) == ParseError::none);
    return reply;
  }
  Reply asks_for_node(const Contact& from, const Id& target) {
    return ask(from, Method::find_node, [&](MutableBytes out) {
      return rpcudp::encode_find_node_request(out, transaction, from.id, target);
    });
  }
  Reply asks_for_value(const Contact& from, const Id& key) {
    return ask(from, Method::find_value, [&](MutableBytes out) {
      return rpcudp::encode_find_value_request(out, transaction, from.id, key);
    });
  }
  void pings(const Contact& from) {
    const Reply pong = ask(from, Method::ping, [&](MutableBytes out) {
      return rpcudp::encode_ping_request(out, transaction, from.id);
    });
    EXPECT_EQ(pong.responder, node_.id());
  }
  void stores(const Contact& from, const Id& key, char letter = 'x') {
    const Reply stored = ask(from, Method::store, [&](MutableBytes out) {
      const std::array<uint8_t, 2> text = {0xa1, static_cast<uint8_t>(letter)};
      return rpcudp::encode_store_request(out, transaction, from.id, key, text, std::nullopt);
    });
    EXPECT_TRUE(stored.stored);
  }
  // The numbers of the contacts that it names for this target.
  std::vector<uint8_t> named_for(const Id& target) {
    const Reply reply = asks_for_node(peer(1), target);
    std::vector<uint8_t> numbers;
    for (size_t i = 0; i < reply.contacts_count; ++i) {
      numbers.push_back(reply.contacts[i].id.bytes[0]);
    }
    return numbers;
  }
  void pass(Duration time) {
    now_ = now_ + time;
    node_.advance(now_);
  }

  static constexpr Transaction transaction = {1, 2, 3};
  Instant now_{};
  Wire wire_;
  PythonNode node_{0, peer(200).id, Rng(1), now_, wire_};
};

TEST_F(PythonNodeTest, ARoundWaitsFiveSecondsForWhoIsSilent) {
  node_.get(now_, operation, Id{});
  contacts(peer(1), {peer(2), peer(3), peer(4), peer(5)});
  // Alpha of them, the nearest first.
  ASSERT_EQ(wire_.open.size(), 3u);
  contacts(peer(2), {});
  value(peer(3));
  pass(milliseconds(4900));
  EXPECT_TRUE(wire_.results.empty()) << "peer 4 is silent, and the round waits";
  EXPECT_FALSE(wire_.is_asked(peer(5)));
  pass(milliseconds(200));
  // The value goes to the nearest node that had none, and the get waits for that too.
  EXPECT_TRUE(wire_.results.empty());
  stored(peer(1));
  ASSERT_EQ(wire_.results.size(), 1u);
  EXPECT_EQ(wire_.results[0].status, OperationStatus::done);
}

TEST_F(PythonNodeTest, WhoWasSilentIsNotAskedAgainButStoredAtWhenItIsNamedAgain) {
  node_.set(now_, operation, Id{}, std::array<uint8_t, 2>{0xa1, 'x'});
  contacts(peer(1), {peer(2), peer(3), peer(4), peer(5)});
  contacts(peer(3), {});
  contacts(peer(4), {});
  ASSERT_EQ(wire_.take(peer(2)).method, Method::find_node);
  pass(milliseconds(5100));
  contacts(peer(5), {peer(2)});
  ASSERT_EQ(wire_.open.size(), 5u);
  for (const Wire::Sent& sent : wire_.open) EXPECT_EQ(sent.method, Method::store);
  for (const uint8_t number : std::array<uint8_t, 4>{1, 3, 4, 5}) stored(peer(number));
  EXPECT_TRUE(wire_.results.empty()) << "five seconds more";
  pass(milliseconds(5100));
  ASSERT_EQ(wire_.results.size(), 1u);
  EXPECT_EQ(wire_.results[0].status, OperationStatus::done);
  EXPECT_EQ(wire_.results[0].stored, 4);
}

TEST_F(PythonNodeTest, ABootstrapWaitsForAllOfItsAddresses) {
  PythonNode node(1, peer(201).id, Rng(2), now_, wire_);
  const std::array endpoints = {peer(1).endpoint, peer(2).endpoint};
  node.join(now_, operation, endpoints);
  EXPECT_EQ(wire_.open.size(), 2u);
  std::array<uint8_t, 64> buffer;
  const size_t size =
      rpcudp::encode_ping_reply(buffer, wire_.take(peer(1)).transaction, peer(1).id);
  node.receive(now_, {{peer(1).endpoint, {}}, Bytes(buffer).first(size)});
  EXPECT_FALSE(wire_.is_asked(peer(1))) << "before the other ping has ended";
  wire_.take(peer(2));
  now_ = now_ + milliseconds(5100);
  node.advance(now_);
  EXPECT_TRUE(wire_.is_asked(peer(1)));
  EXPECT_EQ(wire_.open[0].method, Method::find_node);
}

// ---- Answers.

TEST_F(PythonNodeTest, WhoAsksIsFiledAndNamedToOthersNearestFirst) {
  for (const uint8_t number : std::array<uint8_t, 4>{9, 3, 6, 200}) {
    if (number != 200) pings(peer(number));
  }
  EXPECT_EQ(named_for(peer(2).id), (std::vector<uint8_t>{3, 6, 9})) << "not the asker";
  EXPECT_EQ(named_for(peer(9).id), (std::vector<uint8_t>{3, 6})) << "not the target";
  pings(peer(6));
  EXPECT_EQ(named_for(peer(2).id).size(), 3u) << "filed once";
}

TEST_F(PythonNodeTest, WhoAsksForItsAddressIsToldAndNotFiled) {
  const Reply told = ask(peer(7), Method::stun, [&](MutableBytes out) {
    return rpcudp::encode_stun_request(out, transaction);
  });
  EXPECT_EQ(told.observed, peer(7).endpoint);
  EXPECT_TRUE(named_for(Id{}).empty());
}

TEST_F(PythonNodeTest, WhatIsStoredIsServedForSevenDays) {
  EXPECT_FALSE(asks_for_value(peer(1), peer(5).id).has_value);
  stores(peer(1), peer(5).id, 'a');
  stores(peer(1), peer(5).id, 'b');
  EXPECT_TRUE(node_.holds(now_, peer(5).id));
  EXPECT_FALSE(node_.holds(now_, peer(6).id));
  const Reply served = asks_for_value(peer(1), peer(5).id);
  EXPECT_TRUE(served.has_value);
  EXPECT_EQ(std::vector<uint8_t>(served.value.begin(), served.value.end()),
            (std::vector<uint8_t>{0xa1, 'b'}));
  now_ = now_ + hours(7 * 24) - nanoseconds(1);
  EXPECT_TRUE(node_.holds(now_, peer(5).id));
  now_ = now_ + nanoseconds(1);
  EXPECT_FALSE(node_.holds(now_, peer(5).id));
  EXPECT_FALSE(asks_for_value(peer(1), peer(5).id).has_value);
}

// Of the known nodes it is the nearest to the first key, peer 1 to the second.
TEST_F(PythonNodeTest, ANewcomerIsHandedTheKeysToWhichItIsNear) {
  stores(peer(1), peer(201).id);
  stores(peer(1), peer(3).id);
  pings(peer(2));
  EXPECT_FALSE(wire_.is_asked(peer(2))) << "farther from 201 than peer 1";
  pings(peer(64));
  const Wire::Sent handed = wire_.take(peer(64));
  EXPECT_EQ(handed.method, Method::store);
  EXPECT_EQ(handed.target, peer(201).id);
  EXPECT_EQ(handed.value, (std::vector<uint8_t>{0xa1, 'x'}));
  EXPECT_FALSE(wire_.is_asked(peer(64)));
  pings(peer(64));
  EXPECT_FALSE(wire_.is_asked(peer(64))) << "no newcomer any more";
}

// ---- The table.

Contact with_bytes(uint8_t first, uint8_t second) {
  Contact contact = peer(second);
  contact.id = {};
  contact.id.bytes[0] = first;
  contact.id.bytes[1] = second;
  return contact;
}

TEST_F(PythonNodeTest, ABucketWithoutTheNodeIsSplitByFiveBits) {
  for (uint8_t number = 100; number < 120; ++number) {
    pings(with_bytes(0x40, number));  // 01000...
    pings(with_bytes(0x48, number));  // 01001...
  }
  EXPECT_TRUE(wire_.open.empty());
  pings(with_bytes(0x44, 120));  // 01000, too.
  ASSERT_EQ(wire_.open.size(), 1u);
  EXPECT_EQ(wire_.open[0].method, Method::ping);
}

TEST_F(PythonNodeTest, TheBucketOfTheNodeItselfIsSplitWhenItIsFull) {
  for (uint8_t number = 100; number < 180; ++number) {
    pings(with_bytes(200, static_cast<uint8_t>(number - 99)));
  }
  EXPECT_TRUE(wire_.open.empty());
}

// Ids that share 80 bits, so that splitting does not help.
class FullBucket : public PythonNodeTest {
 protected:
  static Contact close(uint8_t number) {
    Contact contact = peer(number);
    contact.id = {};
    contact.id.bytes[0] = 0x40;
    contact.id.bytes[10] = number;
    return contact;
  }
  void SetUp() override {
    PythonNodeTest::SetUp();
    for (uint8_t number = 100; number < 100 + bucket_size; ++number) pings(close(number));
    EXPECT_TRUE(wire_.open.empty());
  }
  std::vector<uint8_t> named() {
    Id target;
    target.bytes[0] = 0x40;
    target.bytes[11] = 1;  // Of no contact.
    const Reply reply = asks_for_node(peer(1), target);
    std::vector<uint8_t> numbers;
    for (size_t i = 0; i < reply.contacts_count; ++i) {
      numbers.push_back(reply.contacts[i].id.bytes[10]);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }
};

TEST_F(FullBucket, ItsHeadIsPingedAndStaysIfItAnswers) {
  pings(close(130));
  ASSERT_EQ(wire_.open.size(), 1u);
  EXPECT_EQ(wire_.open[0].to, close(100).endpoint);
  EXPECT_EQ(wire_.open[0].method, Method::ping);
  pong(close(100));
  EXPECT_EQ(named().front(), 100);
  EXPECT_EQ(named().back(), 119);
  pings(close(131));
  EXPECT_TRUE(wire_.is_asked(close(100))) << "the head stays the head";
}

TEST_F(FullBucket, TheLastThatWaitsTakesThePlaceOfAHeadThatIsSilent) {
  pings(close(130));
  pings(close(131));
  pings(close(132));
  while (!wire_.open.empty()) wire_.take(close(100));
  pass(milliseconds(4'990));
  EXPECT_EQ(named().front(), 100) << "it has five seconds";
  pass(milliseconds(20));
  EXPECT_EQ(named().size(), bucket_size);
  EXPECT_EQ(named().front(), 101);
  EXPECT_EQ(named().back(), 132);
  // The next head is asked for the next newcomer, and its place goes to the one before.
  pings(close(140));
  ASSERT_TRUE(wire_.is_asked(close(101)));
  wire_.take(close(101));
  pass(milliseconds(5'010));
  EXPECT_EQ(named().front(), 102);
  EXPECT_EQ(named().back(), 140);
}

// Those that came last come first, each once; of more than a hundred the oldest are forgotten.
TEST_F(FullBucket, AHundredWaitForAPlace) {
  for (uint8_t number = 120; number < 222; ++number) pings(close(number));
  pings(close(150));
  wire_.open.clear();
  pass(milliseconds(5'010));  // The head is silent.
  EXPECT_EQ(named().front(), 101);
  EXPECT_EQ(named().back(), 150);
  Id target;
  target.bytes[0] = 0x40;
  for (int find = 0; find < 5; ++find) {
    wire_.results.clear();
    node_.find(now_, operation, target);
    for (int rounds = 0; rounds < 100 && wire_.results.empty(); ++rounds) {
      wire_.open.clear();  // All are silent.
      pass(milliseconds(5'010));
    }
    ASSERT_EQ(wire_.results.size(), 1u);
    if (find > 0) continue;
    const std::vector<uint8_t> first = named();
    EXPECT_EQ(first.front(), 202);
    EXPECT_EQ(first.back(), 221);
  }
  std::vector<uint8_t> last = named();
  std::erase(last, 0);  // Of other buckets.
  EXPECT_EQ(last.size(), 19u);
  EXPECT_EQ(last.front(), 122);
  EXPECT_EQ(last.back(), 140);
}

// ---- Operations.

TEST_F(PythonNodeTest, AJoinWithNobodyToAskReachesNobody) {
  PythonNode alone(1, peer(201).id, Rng(2), now_, wire_);
  alone.join(now_, operation, {});
  alone.find(now_, operation, Id{});
  alone.get(now_, operation, Id{});
  alone.set(now_, operation, Id{}, std::array<uint8_t, 2>{0xa1, 'x'});
  ASSERT_EQ(wire_.results.size(), 4u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(wire_.results[i].status, OperationStatus::no_contacts) << i;
    EXPECT_EQ(wire_.results[i].operation, operation);
  }
  EXPECT_EQ(wire_.results[3].status, OperationStatus::not_stored);
  EXPECT_EQ(wire_.results[3].stored, 0);
}

TEST_F(PythonNodeTest, AFindNamesWhomItFoundAndCountsItsRounds) {
  node_.find(now_, operation, Id{});
  contacts(peer(1), {peer(4), peer(2), peer(200)});  // The last one is the node itself.
  EXPECT_EQ(wire_.open.size(), 2u);
  contacts(peer(2), {});
  contacts(peer(4), {peer(1)});
  ASSERT_EQ(wire_.results.size(), 1u);
  const OperationResult& result = wire_.results[0];
  EXPECT_EQ(result.operation, operation);
  EXPECT_EQ(result.status, OperationStatus::done);
  EXPECT_EQ(result.hops, 2);
  EXPECT_EQ(result.asked, 3);
  ASSERT_EQ(result.contacts_count, 3);
  std::array<Contact, 3> found;
  ASSERT_EQ(wire_.tail.size(), sizeof found);
  std::copy(wire_.tail.begin(), wire_.tail.end(), reinterpret_cast<uint8_t*>(found.data()));
  EXPECT_EQ(found[0].id, peer(1).id);
  EXPECT_EQ(found[1].id, peer(2).id);
  EXPECT_EQ(found[2].endpoint, peer(4).endpoint);
}

// Three at a time, until a round changes nothing: then all of the k nearest.
TEST_F(PythonNodeTest, ARoundThatChangedNothingIsFollowedByAllThatAreLeft) {
  node_.find(now_, operation, Id{});
  contacts(peer(1), {peer(2), peer(3), peer(4), peer(5), peer(6), peer(7), peer(8), peer(9)});
  ASSERT_EQ(wire_.open.size(), 3u);
  for (const uint8_t number : std::array<uint8_t, 3>{2, 3, 4}) contacts(peer(number), {});
  ASSERT_EQ(wire_.open.size(), 5u);
  for (const uint8_t number : std::array<uint8_t, 5>{5, 6, 7, 8, 9}) {
    EXPECT_TRUE(wire_.is_asked(peer(number)));
  }
}

TEST_F(PythonNodeTest, AGetReturnsWhatMostNodesHad) {
  node_.get(now_, operation, Id{});
  EXPECT_EQ(wire_.open[0].method, Method::find_value);
  contacts(peer(1), {peer(2), peer(3), peer(4)});
  value(peer(2), 'a');
  value(peer(3), 'b');
  value(peer(4), 'b');
  EXPECT_EQ(wire_.open.size(), 1u) << "the nearest node without it is given it";
  EXPECT_TRUE(wire_.is_asked(peer(1)));
  EXPECT_EQ(wire_.open[0].method, Method::store);
  EXPECT_EQ(wire_.open[0].value, (std::vector<uint8_t>{0xa1, 'b'}));
  stored(peer(1));
  ASSERT_EQ(wire_.results.size(), 1u);
  EXPECT_EQ(wire_.results[0].status, OperationStatus::done);
  EXPECT_EQ(wire_.results[0].value_size, 2u);
  EXPECT_EQ(wire_.tail, (std::vector<uint8_t>{0xa1, 'b'}));
}

// As collections.Counter does.
class Votes : public PythonNodeTest {
 protected:
  // What a get returns where peers 2, 3 and so on answer with these values, in this order.
  char got(const std::string& letters) {
    node_.get(now_, operation, Id{});
    std::vector<Contact> voters;
    for (size_t i = 0; i < letters.size(); ++i) voters.push_back(peer(static_cast<uint8_t>(2 + i)));
    contacts(peer(1), voters);
    for (size_t i = 0; i < letters.size(); ++i) value(voters[i], letters[i]);
    stored(peer(1));
    EXPECT_EQ(wire_.results.size(), 1u);
    return wire_.tail.size() == 2 ? static_cast<char>(wire_.tail[1]) : '?';
  }
};
TEST_F(Votes, TheMajorityMayComeFirst) {
  EXPECT_EQ(got("bba"), 'b');
}
TEST_F(Votes, OfAsManyTheFirstWins) {
  EXPECT_EQ(got("ab"), 'a');
}

TEST_F(PythonNodeTest, AGetOfWhatIsHeldHereAsksNobody) {
  stores(peer(1), peer(5).id);
  node_.get(now_, operation, peer(5).id);
  ASSERT_EQ(wire_.results.size(), 1u);
  EXPECT_EQ(wire_.results[0].status, OperationStatus::done);
  EXPECT_EQ(wire_.results[0].asked, 0);
  EXPECT_EQ(wire_.tail, (std::vector<uint8_t>{0xa1, 'x'}));
}

TEST_F(PythonNodeTest, AGetThatFindsNoValueSaysSo) {
  node_.get(now_, operation, Id{});
  contacts(peer(1), {});
  ASSERT_EQ(wire_.results.size(), 1u);
  EXPECT_EQ(wire_.results[0].status, OperationStatus::not_found);
}

TEST_F(PythonNodeTest, ASetKeepsACopyWhereItIsNearerThanTheFarthestOfTheNearest) {
  const std::array<uint8_t, 2> text = {0xa1, 'x'};
  node_.set(now_, operation, peer(202).id, text);  // Nearer to 200 than to 1.
  contacts(peer(1), {});
  EXPECT_TRUE(node_.holds(now_, peer(202).id));
  EXPECT_EQ(wire_.open[0].method, Method::store);
  EXPECT_EQ(wire_.open[0].target, peer(202).id);
  EXPECT_EQ(wire_.open[0].value, (std::vector<uint8_t>{0xa1, 'x'}));
  stored(peer(1), false);
  ASSERT_EQ(wire_.results.size(), 1u);
  EXPECT_EQ(wire_.results[0].status, OperationStatus::done);
  EXPECT_EQ(wire_.results[0].stored, 1) << "its own";
  node_.set(now_, operation, peer(3).id, text);  // Nearer to 1.
  contacts(peer(1), {});
  EXPECT_FALSE(node_.holds(now_, peer(3).id));
  stored(peer(1), false);
  EXPECT_EQ(wire_.results[1].status, OperationStatus::not_stored);
}

// The library matches replies by their transaction only.
TEST_F(PythonNodeTest, AReplyCountsFromAnyAddressAndOnce) {
  node_.find(now_, operation, Id{});
  const Wire::Sent sent = wire_.take(peer(1));
  std::array<uint8_t, 64> buffer;
  rpcudp::ContactsReply empty(buffer, sent.transaction, 0);
  reply(peer(77), Bytes(buffer).first(empty.size()));
  ASSERT_EQ(wire_.results.size(), 1u);
  reply(peer(77), Bytes(buffer).first(empty.size()));
  EXPECT_EQ(wire_.results.size(), 1u);
}

TEST_F(PythonNodeTest, AReplyThatMakesNoSenseIsAFailure) {
  node_.find(now_, operation, Id{});
  const Wire::Sent sent = wire_.take(peer(1));
  std::array<uint8_t, 64> buffer;
  reply(peer(1), Bytes(buffer).first(rpcudp::encode_store_reply(buffer, sent.transaction, true)));
  ASSERT_EQ(wire_.results.size(), 1u);
  EXPECT_EQ(wire_.results[0].status, OperationStatus::no_contacts);
  EXPECT_TRUE(named_for(Id{}).empty());
}

// ---- Each hour.

TEST_F(PythonNodeTest, AnHourlyRefreshLooksUpQuietBucketsAndStoresOldKeysAgain) {
  stores(peer(1), peer(5).id, 'a');
  pass(minutes(30));
  EXPECT_EQ(node_.next_wakeup(), Instant{} + hours(1));
  node_.find(now_, operation, Id{});
  contacts(peer(1), {});
  wire_.results.clear();
  pass(Instant{} + hours(1) - now_ - nanoseconds(1));
  EXPECT_TRUE(wire_.open.empty());
  pass(milliseconds(30));
  ASSERT_EQ(wire_.open.size(), 1u) << "the key is older than an hour, and the bucket is not quiet";
  EXPECT_EQ(wire_.open[0].method, Method::find_node);
  EXPECT_EQ(wire_.open[0].target, peer(5).id);
  EXPECT_EQ(node_.next_wakeup(), now_ + seconds(5));
  contacts(peer(1), {});
  EXPECT_EQ(wire_.open[0].method, Method::store);
  EXPECT_EQ(wire_.open[0].target, peer(5).id);
  EXPECT_EQ(wire_.open[0].value, (std::vector<uint8_t>{0xa1, 'a'}));
  stored(peer(1));
  EXPECT_TRUE(wire_.results.empty()) << "no program asked for it";
}

TEST_F(PythonNodeTest, ABucketWithoutALookupForAnHourIsLookedUp) {
  pass(hours(1));
  EXPECT_LE(wire_.open.size(), 1u);
  while (!wire_.open.empty()) contacts(peer(1), {});
  pass(hours(1));
  ASSERT_EQ(wire_.open.size(), 1u);
  EXPECT_EQ(wire_.open[0].method, Method::find_node);
  contacts(peer(1), {});
  EXPECT_TRUE(wire_.results.empty());
  EXPECT_TRUE(wire_.open.empty());
}

// The node's own id begins with 1100.
TEST_F(PythonNodeTest, EachBucketIsLookedUpByAnIdOfItsRange) {
  uint8_t number = 10;
  const uint8_t begins[] = {0x00, 0x80, 0xe0, 0xd0, 0xc0};
  for (const uint8_t begin : begins) {
    for (int i = 0; i < 15; ++i) pings(with_bytes(begin, number++));
  }
  pass(hours(1));
  std::set<Id> targets;
  for (const Wire::Sent& sent : wire_.open) {
    EXPECT_EQ(sent.method, Method::find_node);
    targets.insert(sent.target);
  }
  std::multiset<int> ranges;
  for (const Id& target : targets) {
    const uint8_t first = target.bytes[0];
    ranges.insert(first < 0x80 ? 0 : first < 0xc0 ? 1 : first >= 0xe0 ? 2 : first >= 0xd0 ? 3 : 4);
  }
  EXPECT_EQ(ranges, (std::multiset<int>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace xord::sim
