// A node of the Python library, as far as its timing goes: a round waits for all nodes that it
// asked, 5 s for a silent one; that one is not asked again by the same crawl, but stored at when it
// is named again.
#include "tools/sim/python_node.h"

#include <gtest/gtest.h>

#include <algorithm>

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
  };

  void send(uint32_t, const Endpoint& to, Bytes bytes) override {
    Request request;
    ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
    Sent& sent = open.emplace_back();
    sent.to = to;
    sent.method = request.method;
    std::copy(request.transaction.begin(), request.transaction.end(), sent.transaction.begin());
  }
  void finished(uint32_t, const OperationResult& result, Bytes) override {
    results.push_back(result);
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
  void value(const Contact& from) {
    const std::array<uint8_t, 2> text = {0xa1, 'x'};
    std::array<uint8_t, 64> buffer;
    reply(from, Bytes(buffer).first(
                    rpcudp::encode_value_reply(buffer, wire_.take(from).transaction, text)));
  }
  void stored(const Contact& from) {
    std::array<uint8_t, 64> buffer;
    reply(from, Bytes(buffer).first(
                    rpcudp::encode_store_reply(buffer, wire_.take(from).transaction, true)));
  }
  void reply(const Contact& from, Bytes bytes) {
    now_ = now_ + milliseconds(10);
    node_.receive(now_, {{from.endpoint, {}}, bytes});
  }
  void pass(Duration time) {
    now_ = now_ + time;
    node_.advance(now_);
  }

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

}  // namespace
}  // namespace xord::sim
