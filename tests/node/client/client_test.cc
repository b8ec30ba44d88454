// A client command against a network in memory: model nodes that answer, are slow, lie or are
// silent, on virtual time. The sender-id rule is checked by what the model nodes received.
#include "node/client/client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "node/client/client_id.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"

namespace xord {
namespace {

using Octets = std::vector<uint8_t>;

enum class Manner : uint8_t {
  answers,
  silent,
  refuses_stores,
  talks_nonsense,
  answers_pings_with_nonsense
};

struct Heard {
  Method method{};
  Id sender;
  std::optional<uint32_t> age;
};

struct ModelNode {
  Contact contact;
  std::vector<Contact> named;  // What it answers to find_node, and to find_value without a value.
  std::map<Id, Octets> values;
  Manner manner = Manner::answers;
  Duration delay = milliseconds(10);  // From request to reply.
  Duration store_delay;               // The extra delay of a store.
  std::map<Method, int> lost;         // How many of its replies are lost on the way.
  std::vector<Heard> heard;
};

// Replies built by hand, so that the client's codec is not tested against itself alone.
Octets reply_head(Bytes transaction) {
  Octets reply(1 + transaction.size(), 0x01);
  std::copy(transaction.begin(), transaction.end(), reply.begin() + 1);
  return reply;
}
void append_id(Octets& reply, const Id& id) {
  reply.insert(reply.end(), {0xc4, 0x14});
  reply.insert(reply.end(), id.bytes.begin(), id.bytes.end());
}
void append_contacts(Octets& reply, const std::vector<Contact>& contacts) {
  reply.insert(reply.end(), {0xdc, 0x00, static_cast<uint8_t>(contacts.size())});
  for (const Contact& contact : contacts) {
    const std::string address = contact.endpoint.address.text();
    reply.push_back(0x93);
    append_id(reply, contact.id);
    reply.insert(reply.end(), {0xd9, static_cast<uint8_t>(address.size())});
    reply.insert(reply.end(), address.begin(), address.end());
    const uint16_t port = contact.endpoint.port;
    reply.insert(reply.end(), {0xcd, static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port)});
  }
}

class ClientTest : public testing::Test {
 protected:
  static Id id_of(uint8_t leading, uint8_t trailing = 0) {
    Id id;
    id.bytes[0] = leading;
    id.bytes[19] = trailing;
    return id;
  }
  ModelNode& add(uint8_t number) {
    ModelNode node;
    node.contact = {id_of(number, 1),
                    Endpoint::ipv4(0x7f000001, static_cast<uint16_t>(1000 + number))};
    return nodes_[node.contact.endpoint] = node;
  }
  ModelNode& node(uint8_t number) {
    return nodes_.at(Endpoint::ipv4(0x7f000001, static_cast<uint16_t>(1000 + number)));
  }
  void name(uint8_t namer, std::vector<uint8_t> named) {
    for (const uint8_t number : named) node(namer).named.push_back(node(number).contact);
  }
  // `count` nodes 1..count, each of which names all others.
  void add_clique(uint8_t count) {
    for (int i = 1; i <= count; ++i) add(static_cast<uint8_t>(i));
    for (int i = 1; i <= count; ++i) {
      for (int j = 1; j <= count; ++j) {
        if (i != j) name(static_cast<uint8_t>(i), {static_cast<uint8_t>(j)});
      }
    }
  }

  ClientPlan plan(ClientTask task, uint8_t via = 1) const {
    ClientPlan result;
    result.task = task;
    result.target = key_;
    if (task == ClientTask::set) result.value = value_;
    result.vias = {
        {Endpoint::ipv4(0x7f000001, static_cast<uint16_t>(1000 + via)), 0, std::nullopt}};
    return result;
  }

  // Runs the command to its end on virtual time; it must end within its timeout.
  ClientResult run(const ClientPlan& command) {
    Outbox out(128, 1 << 18);
    return run(command, out);
  }
  ClientResult run(const ClientPlan& command, Outbox& out) {
    Client client = start(command, out);
    deliver(out);
    const Instant end = now_ + command.timeout;
    for (int steps = 0; steps < 100'000 && !client.is_finished() && now_ <= end; ++steps) {
      step(client, out);
      deliver(out);
    }
    EXPECT_TRUE(client.is_finished());
    EXPECT_FALSE(client.next_wakeup().has_value());
    return client.result();
  }
  Client start(const ClientPlan& command, Outbox& out) {
    InFlight::Secret secret{};
    secret[0] = 7;
    Client client(rpcudp::dialect(), command, secret, 11, now_);
    client.start(now_, out);
    return client;
  }
  // Moves time to the next event: a reply, or the client's own wake-up.
  void step(Client& client, Outbox& out) {
    const Instant wakeup = *client.next_wakeup();
    if (events_.empty() || events_.begin()->first > wakeup) {
      now_ = std::max(now_, wakeup);
      return client.advance(now_, out);
    }
    now_ = std::max(now_, events_.begin()->first);
    const Event event = events_.begin()->second;
    events_.erase(events_.begin());
    client.receive(now_, {{event.from, {}}, event.bytes}, out);
  }

  void deliver(Outbox& out) {
    for (const Outbox::Entry& entry : out.entries()) {
      const Bytes bytes = out.bytes(entry);
      if (rpcudp::is_reply(bytes)) {
        continue;
      }
      Request request;
      ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
      const auto found = nodes_.find(entry.path.remote);
      if (found == nodes_.end()) continue;
      found->second.heard.push_back({request.method, request.sender, request.age});
      answer(found->second, request);
    }
    out.clear();
  }

  void answer(ModelNode& node, const Request& request) {
    if (node.manner == Manner::silent || node.lost[request.method]-- > 0) return;
    Octets reply = reply_head(request.transaction);
    const Manner nonsense = request.method == Method::ping ? Manner::answers_pings_with_nonsense
                                                           : Manner::talks_nonsense;
    if (node.manner == nonsense) {
      reply.push_back(0xc1);
    } else if (request.method == Method::ping) {
      append_id(reply, node.contact.id);
    } else if (request.method == Method::store) {
      const bool is_taken = node.manner != Manner::refuses_stores;
      if (is_taken) node.values[request.target].assign(request.value.begin(), request.value.end());
      reply.push_back(is_taken ? 0xc3 : 0xc2);
    } else if (request.method == Method::find_value && node.values.count(request.target) > 0) {
      const Octets& value = node.values.at(request.target);
      const std::string key = "value";
      reply.insert(reply.end(), {0x81, 0xa5});
      reply.insert(reply.end(), key.begin(), key.end());
      reply.insert(reply.end(), value.begin(), value.end());
    } else {
      append_contacts(reply, node.named);
    }
    Duration delay = node.delay;
    if (request.method == Method::store) delay = delay + node.store_delay;
    events_.insert({now_ + delay, {node.contact.endpoint, reply}});
  }

  struct Event {
    Endpoint from;
    Octets bytes;
  };
  std::set<Id> senders(uint8_t number) {
    std::set<Id> all;
    for (const Heard& heard : node(number).heard) all.insert(heard.sender);
    return all;
  }
  size_t count_heard(uint8_t number, Method method) {
    const auto& heard = node(number).heard;
    return static_cast<size_t>(std::count_if(heard.begin(), heard.end(),
                                             [&](const Heard& h) { return h.method == method; }));
  }

  const Id key_ = id_of(0);
  const Octets value_ = {0xa5, 'h', 'e', 'l', 'l', 'o'};
  const Octets other_ = {0xa5, 'o', 't', 'h', 'e', 'r'};
  Instant now_{seconds(1000).nanoseconds};
  std::map<Endpoint, ModelNode> nodes_;
  std::multimap<Instant, Event> events_;
};

// ---- ping

TEST_F(ClientTest, APingTellsWhoAnsweredAndHowLongItTook) {
  add(1).delay = milliseconds(25);
  const ClientResult result = run(plan(ClientTask::ping));
  EXPECT_EQ(result.status, ClientStatus::done);
  ASSERT_EQ(result.nodes.size(), 1u);
  EXPECT_EQ(result.nodes[0].contact, node(1).contact);
  EXPECT_EQ(result.nodes[0].round_trip, milliseconds(25));
}

TEST_F(ClientTest, APingIsSentOnceMoreAsANewTransactionWhenItIsNotAnswered) {
  add(1).lost[Method::ping] = 1;
  EXPECT_EQ(run(plan(ClientTask::ping)).status, ClientStatus::done);
  EXPECT_EQ(count_heard(1, Method::ping), 2u);
}

TEST_F(ClientTest, ANodeThatIsSilentIsAskedUntilTheTimeIsOverTwoPingsAtATime) {
  add(1).manner = Manner::silent;
  for (const ClientTask task :
       {ClientTask::ping, ClientTask::find, ClientTask::get, ClientTask::set}) {
    node(1).heard.clear();
    ClientPlan command = plan(task);
    command.timeout = seconds(30);
    const Instant start = now_;
    EXPECT_EQ(run(command).status, ClientStatus::no_answer);
    EXPECT_EQ(now_, start + seconds(30));
    EXPECT_EQ(count_heard(1, Method::ping), 12u);  // Each is open for 5 s.
    EXPECT_EQ(node(1).heard.size(), 12u);
  }
}

TEST_F(ClientTest, ANodeThatStartsWithinTheTimeoutIsFound) {
  add(1).lost[Method::ping] = 11;
  ClientPlan command = plan(ClientTask::find);
  command.timeout = seconds(30);
  EXPECT_EQ(run(command).status, ClientStatus::done);
}

TEST_F(ClientTest, NoMorePingsAreSentThanThePlanAllows) {
  add(1).manner = Manner::silent;
  ClientPlan command = plan(ClientTask::ping);
  command.pings_max = 1;
  EXPECT_EQ(run(command).status, ClientStatus::no_answer);
  EXPECT_EQ(count_heard(1, Method::ping), 1u);
}

TEST_F(ClientTest, AClosedPortEndsTheCommandAtOnce) {
  for (const ClientTask task :
       {ClientTask::ping, ClientTask::find, ClientTask::get, ClientTask::set}) {
    Outbox out(128, 1 << 18);
    Client client = start(plan(task), out);
    client.closed(now_, Endpoint::ipv4(0x7f000001, 1002), out);  // Another node's.
    EXPECT_FALSE(client.is_finished());
    client.closed(now_, Endpoint::ipv4(0x7f000001, 1001), out);
    EXPECT_TRUE(client.is_finished());
    EXPECT_EQ(client.result().status, ClientStatus::closed);
  }
}

TEST_F(ClientTest, AClosedPortBesideANodeThatAnswersCostsNothing) {
  add(2);
  ClientPlan command = plan(ClientTask::find, 1);
  command.vias.push_back({node(2).contact.endpoint, 1, std::nullopt});
  const Instant begun = now_;
  Outbox out(128, 1 << 18);
  Client client = start(command, out);
  out.clear();  // The kernel dropped the ping to 2 when it reported that 1 is closed.
  client.closed(now_, command.vias[0].endpoint, out);
  deliver(out);
  while (!client.is_finished()) {
    step(client, out);
    deliver(out);
  }
  EXPECT_EQ(client.result().status, ClientStatus::done);
  EXPECT_LE(now_ - begun, milliseconds(50));
}

TEST_F(ClientTest, OneClosedPortAndOneSilentNodeAreNoAnswer) {
  add(2).manner = Manner::silent;
  ClientPlan command = plan(ClientTask::find, 1);
  command.vias.push_back({node(2).contact.endpoint, 1, std::nullopt});
  Outbox out(128, 1 << 18);
  Client client = start(command, out);
  client.closed(now_, command.vias[0].endpoint, out);
  deliver(out);
  while (!client.is_finished()) {
    step(client, out);
    deliver(out);
  }
  EXPECT_EQ(client.result().status, ClientStatus::no_answer);
}

TEST_F(ClientTest, TheTimeoutEndsTheCommandToTheInstant) {
  add(1).manner = Manner::silent;
  ClientPlan command = plan(ClientTask::ping);
  command.timeout = milliseconds(300);
  const Instant start = now_;
  EXPECT_EQ(run(command).status, ClientStatus::no_answer);
  EXPECT_EQ(now_, start + milliseconds(300));
}

TEST_F(ClientTest, ALateAnswerToAPingCounts) {
  add(1).delay = milliseconds(4900);
  const ClientResult result = run(plan(ClientTask::ping));
  EXPECT_EQ(result.status, ClientStatus::done);
  EXPECT_EQ(result.nodes.at(0).round_trip, milliseconds(4900));
}

TEST_F(ClientTest, OneAddressOfANameThatAnswersIsEnough) {
  add(1).manner = Manner::silent;
  add(2);
  ClientPlan command = plan(ClientTask::find, 1);
  command.vias.push_back({node(2).contact.endpoint, 0, std::nullopt});
  const Instant start = now_;
  EXPECT_EQ(run(command).status, ClientStatus::done);
  EXPECT_LE(now_ - start, milliseconds(50));
}

TEST_F(ClientTest, AnotherNameIsWaitedForOnlyAMomentOnceOneAnswered) {
  add(1).manner = Manner::silent;
  add(2);
  add(3);
  name(3, {2});
  ClientPlan command = plan(ClientTask::find, 1);
  command.vias.push_back({node(2).contact.endpoint, 1, std::nullopt});
  command.vias.push_back({node(3).contact.endpoint, 2, std::nullopt});
  const Instant start = now_;
  const ClientResult result = run(command);
  EXPECT_EQ(result.status, ClientStatus::done);
  EXPECT_EQ(result.nodes.size(), 2u);
  EXPECT_LE(now_ - start, milliseconds(300));
}

// ---- What a client answers

TEST_F(ClientTest, ItAnswersPingsWithTheClientIdAndNothingElse) {
  add(1).delay = milliseconds(100);
  Outbox out(128, 1 << 18);
  Client client = start(plan(ClientTask::find), out);
  deliver(out);
  const Path path{Endpoint::ipv4(0x7f000009, 99), {Endpoint::ipv4(0x7f000002, 0).address, 0, 1}};
  Transaction transaction{};
  transaction.fill(0x5a);
  std::array<uint8_t, 9000> buffer;
  const auto ask = [&](size_t size) {
    client.receive(now_, {path, Bytes(buffer).first(size)}, out);
  };
  ask(rpcudp::encode_ping_request(buffer, transaction, id_of(9)));
  ASSERT_EQ(out.entries().size(), 1u);
  Octets expected = reply_head(transaction);
  append_id(expected, client_id);
  EXPECT_TRUE(equal(out.bytes(out.entries()[0]), expected));
  EXPECT_EQ(out.entries()[0].path.remote, path.remote);
  EXPECT_EQ(out.entries()[0].path.local, path.local);
  out.clear();
  ask(rpcudp::encode_find_node_request(buffer, transaction, id_of(9), key_));
  ask(rpcudp::encode_find_value_request(buffer, transaction, id_of(9), key_));
  ask(rpcudp::encode_store_request(buffer, transaction, id_of(9), key_, value_, std::nullopt));
  ask(0);
  ask(21);
  EXPECT_TRUE(out.entries().empty());
}

TEST_F(ClientTest, AForgedReplyChangesNothing) {
  add(1).manner = Manner::silent;
  Outbox out(128, 1 << 18);
  Client client = start(plan(ClientTask::ping), out);
  const Bytes sent = out.bytes(out.entries()[0]);
  Octets reply = reply_head(sent.subspan(1, transaction_size));
  append_id(reply, id_of(1));
  client.receive(now_, {{Endpoint::ipv4(0x7f000001, 9999), {}}, reply}, out);  // Wrong source.
  EXPECT_FALSE(client.is_finished());
  Octets guessed = reply;
  guessed[20] ^= 1;
  client.receive(now_, {{node(1).contact.endpoint, {}}, guessed}, out);  // Wrong transaction.
  EXPECT_FALSE(client.is_finished());
  client.receive(now_, {{node(1).contact.endpoint, {}}, reply}, out);
  EXPECT_TRUE(client.is_finished());
}

// ---- The id under which a node is asked

TEST_F(ClientTest, AViaNodeIsAskedUnderTheClientIdTheFirstTime) {
  add_clique(3);
  run(plan(ClientTask::find));
  EXPECT_EQ(senders(1), (std::set<Id>{client_id}));
}

TEST_F(ClientTest, AViaNodeIsAskedUnderTheIdThatItOnceNamedFromThenOn) {
  add_clique(3);
  ClientPlan command = plan(ClientTask::get);
  command.vias[0].named = node(3).contact;
  run(command);
  EXPECT_EQ(senders(1), (std::set<Id>{node(3).contact.id}));
}

// A node does not name the asker's own id, and we asked under that of its one contact.
TEST_F(ClientTest, InANetworkOfTwoTheOneWhoseIdWasBorrowedIsFoundAsWell) {
  add_clique(2);
  node(1).named.clear();
  ClientPlan command = plan(ClientTask::find);
  command.vias[0].named = node(2).contact;
  const ClientResult result = run(command);
  EXPECT_EQ(result.nodes.size(), 2u);
  EXPECT_EQ(senders(2), (std::set<Id>{node(1).contact.id}));
  EXPECT_TRUE(result.forgotten.empty());
}

TEST_F(ClientTest, ABorrowedIdWhoseNodeIsSilentIsForgotten) {
  add_clique(2);
  node(1).named.clear();
  node(2).manner = Manner::silent;
  ClientPlan command = plan(ClientTask::find);
  command.vias[0].named = node(2).contact;
  const ClientResult result = run(command);
  EXPECT_EQ(result.nodes.size(), 1u);
  ASSERT_EQ(result.forgotten.size(), 1u);
  EXPECT_EQ(result.forgotten[0], node(1).contact.endpoint);
}

TEST_F(ClientTest, WhatAViaNodeNamedIsKnownAtTheEndAndIsOneThatAnswered) {
  add_clique(3);
  node(2).manner = Manner::silent;
  const ClientResult result = run(plan(ClientTask::find));
  ASSERT_EQ(result.named.size(), 1u);
  EXPECT_EQ(result.named[0].via, node(1).contact.endpoint);
  EXPECT_EQ(result.named[0].named, node(3).contact);
}

TEST_F(ClientTest, AViaNodeThatNamesOnlyFormerClientsAndItselfHasNamedNobody) {
  add(1);
  node(1).named = {{client_id, Endpoint::ipv4(0x7f000001, 4444)}, node(1).contact};
  const ClientResult result = run(plan(ClientTask::find));
  EXPECT_EQ(result.status, ClientStatus::done);
  EXPECT_TRUE(result.named.empty());
  EXPECT_EQ(result.nodes.size(), 1u);
}

TEST_F(ClientTest, APublicNodeCannotHaveTheClientAskItsOwnHost) {
  add(2);
  ModelNode liar;
  liar.contact = {id_of(1, 1), Endpoint::ipv4(0xc0000201, 1001)};
  liar.named = {node(2).contact};
  nodes_[liar.contact.endpoint] = liar;
  ClientPlan command = plan(ClientTask::find);
  command.vias = {{liar.contact.endpoint, 0, std::nullopt}};
  EXPECT_EQ(run(command).nodes.size(), 1u);
  EXPECT_TRUE(node(2).heard.empty());
}

TEST_F(ClientTest, AViaNodeThatHasTheValueItselfIsStillAskedForANameOnce) {
  add_clique(3);
  node(1).values[key_] = value_;
  ClientPlan command = plan(ClientTask::get);
  const ClientResult first = run(command);
  EXPECT_EQ(first.value, value_);
  ASSERT_EQ(first.named.size(), 1u);
  EXPECT_EQ(count_heard(1, Method::find_node), 1u);
  command.vias[0].named = first.named[0].named;
  run(command);
  EXPECT_EQ(count_heard(1, Method::find_node), 1u);
}

TEST_F(ClientTest, EveryOtherNodeIsAskedUnderTheIdOfTheNodeThatNamedIt) {
  for (const int number : {8, 4, 2, 1})
    add(static_cast<uint8_t>(number));  // A chain, nearer at each step.
  name(8, {4});
  name(4, {2});
  name(2, {1});
  for (const ClientTask task : {ClientTask::find, ClientTask::get, ClientTask::set}) {
    for (auto& [endpoint, node] : nodes_) {
      node.heard.clear();
      node.values.clear();
    }
    run(plan(task, 8));
    EXPECT_EQ(senders(4), (std::set<Id>{node(8).contact.id}));
    EXPECT_EQ(senders(2), (std::set<Id>{node(4).contact.id}));
    EXPECT_EQ(senders(1), (std::set<Id>{node(2).contact.id}));
  }
}

TEST_F(ClientTest, AStoreAtTheViaNodeIsSentUnderAnIdThatItHasNamedByThen) {
  add_clique(3);
  run(plan(ClientTask::set));
  for (const Heard& heard : node(1).heard) {
    if (heard.method != Method::store) {
      EXPECT_EQ(heard.sender, client_id);
    } else {
      EXPECT_TRUE(heard.sender == node(2).contact.id || heard.sender == node(3).contact.id);
    }
  }
  EXPECT_EQ(count_heard(1, Method::store), 1u);
}

TEST_F(ClientTest, AFormerClientThatANodeNamesIsNeverAsked) {
  add_clique(3);
  ModelNode& ghost = add(200);
  node(1).named.push_back({client_id, ghost.contact.endpoint});
  run(plan(ClientTask::set));
  EXPECT_TRUE(node(200).heard.empty());
}

// ---- find

TEST_F(ClientTest, FindListsTheNearestThatAnswerNearestFirst) {
  add_clique(30);
  node(3).manner = Manner::silent;
  const ClientResult result = run(plan(ClientTask::find, 30));
  EXPECT_EQ(result.status, ClientStatus::done);
  std::vector<Id> expected;
  for (uint8_t number = 1; expected.size() < 20; ++number) {
    if (number != 3) expected.push_back(node(number).contact.id);
  }
  std::vector<Id> found;
  for (const FoundNode& each : result.nodes) found.push_back(each.contact.id);
  EXPECT_EQ(found, expected);
  for (const FoundNode& each : result.nodes) EXPECT_EQ(each.round_trip, milliseconds(10));
}

TEST_F(ClientTest, ContactsOfAFamilyInWhichNoViaNodeAnsweredAreNotAsked) {
  add_clique(2);
  node(1).named.push_back({id_of(0, 9), {*IpAddress::parse("2001:db8::1"), 0, 99}});
  const Instant start = now_;
  EXPECT_EQ(run(plan(ClientTask::find)).nodes.size(), 2u);
  EXPECT_LE(now_ - start, milliseconds(100));
}

TEST_F(ClientTest, ALostDatagramOnTheWayToTheOnlyNodeIsMadeGoodByASecondLookup) {
  add(1).lost[Method::find_node] = 1;
  EXPECT_EQ(run(plan(ClientTask::find)).status, ClientStatus::done);
  EXPECT_EQ(count_heard(1, Method::find_node), 2u);
}

TEST_F(ClientTest, ALookupThatNobodyAnswersIsBegunAgainUntilTheTimeIsOver) {
  add(1).lost[Method::find_node] = 3;
  ClientPlan command = plan(ClientTask::find);
  command.timeout = seconds(30);
  EXPECT_EQ(run(command).status, ClientStatus::done);
  EXPECT_EQ(count_heard(1, Method::find_node), 4u);
  node(1).lost[Method::find_node] = 1000;
  const Instant start = now_;
  EXPECT_EQ(run(command).status, ClientStatus::no_answer);
  EXPECT_EQ(now_, start + seconds(30));
  EXPECT_LE(count_heard(1, Method::find_node), 10u);
}

TEST_F(ClientTest, APongThatIsNonsenseIsAskedForOnceMore) {
  add(1).manner = Manner::answers_pings_with_nonsense;
  const Instant start = now_;
  EXPECT_EQ(run(plan(ClientTask::ping)).status, ClientStatus::no_answer);
  EXPECT_EQ(count_heard(1, Method::ping), 2u);
  EXPECT_LE(now_ - start, milliseconds(50));
}

TEST_F(ClientTest, NonsenseForAnAnswerIsNoAnswer) {
  add_clique(3);
  node(2).manner = Manner::talks_nonsense;
  const ClientResult result = run(plan(ClientTask::find));
  EXPECT_EQ(result.nodes.size(), 2u);
}

// ---- get

TEST_F(ClientTest, GetReturnsTheValueByteForByte) {
  add_clique(5);
  node(2).values[key_] = value_;
  const ClientResult result = run(plan(ClientTask::get, 5));
  EXPECT_EQ(result.status, ClientStatus::done);
  EXPECT_EQ(result.value, value_);
}

TEST_F(ClientTest, GetTakesTheValueThatMostNodesHave) {
  add_clique(6);
  node(1).values[key_] = other_;
  node(2).values[key_] = value_;
  node(3).values[key_] = value_;
  const ClientResult result = run(plan(ClientTask::get, 6));
  EXPECT_EQ(result.value, value_);
}

TEST_F(ClientTest, AValueThatNobodyHasIsNotFoundAndStoredNowhere) {
  add_clique(5);
  EXPECT_EQ(run(plan(ClientTask::get, 5)).status, ClientStatus::not_found);
  for (uint8_t number = 1; number <= 5; ++number) {
    EXPECT_EQ(count_heard(number, Method::store), 0u);
    EXPECT_EQ(count_heard(number, Method::find_value), 1u);
  }
}

TEST_F(ClientTest, AFoundValueIsStoredAgainAtTheNearestNodeThatLackedIt) {
  for (const int number : {8, 4, 2}) add(static_cast<uint8_t>(number));
  name(8, {4});
  name(4, {2});
  node(2).values[key_] = value_;
  const ClientResult result = run(plan(ClientTask::get, 8));
  EXPECT_EQ(result.status, ClientStatus::done);
  EXPECT_EQ(result.stored, 1u);
  EXPECT_EQ(node(4).values[key_], value_);
  EXPECT_EQ(count_heard(8, Method::store), 0u);
  EXPECT_EQ(count_heard(2, Method::store), 0u);
  const Heard& store = node(4).heard.back();
  EXPECT_EQ(store.method, Method::store);
  EXPECT_EQ(store.sender, node(8).contact.id);
  EXPECT_EQ(store.age, 6u * 86'400);  // One day of the library's week is left.
}

TEST_F(ClientTest, AHolderOfTheCopyThatFallsSilentDoesNotHoldUpTheGet) {
  for (const int number : {8, 4, 2}) add(static_cast<uint8_t>(number));
  name(8, {4});
  name(4, {2});
  node(2).values[key_] = value_;
  node(2).delay = milliseconds(200);
  node(4).lost[Method::store] = 99;
  const Instant start = now_;
  const ClientResult result = run(plan(ClientTask::get, 8));
  EXPECT_EQ(result.status, ClientStatus::done);
  EXPECT_EQ(result.value, value_);
  EXPECT_EQ(result.stored, 0u);
  EXPECT_EQ(count_heard(4, Method::store), 2u);
  EXPECT_LE(now_ - start, seconds(2));
}

// ---- set

TEST_F(ClientTest, SetStoresAtTheTwentyNearestAndCountsWhoSaidTrue) {
  add_clique(30);
  node(5).manner = Manner::refuses_stores;
  node(6).manner = Manner::refuses_stores;
  const ClientResult result = run(plan(ClientTask::set, 30));
  EXPECT_EQ(result.status, ClientStatus::done);
  EXPECT_EQ(result.stored, 18u);
  EXPECT_EQ(result.refused, 2u);
  EXPECT_EQ(result.silent, 0u);
  for (uint8_t number = 1; number <= 30; ++number) {
    EXPECT_EQ(count_heard(number, Method::store), number <= 20 ? 1u : 0u) << int(number);
    const bool holds = number <= 20 && number != 5 && number != 6;
    EXPECT_EQ(node(number).values.count(key_), holds ? 1u : 0u);
    EXPECT_EQ(node(number).values[key_], holds ? value_ : Octets{});
  }
  EXPECT_FALSE(node(1).heard.back().age.has_value());  // It is published now.
}

TEST_F(ClientTest, AStoreIsSentOnceMoreWhenItIsNotAnsweredAndCountsOnce) {
  add_clique(3);
  node(2).lost[Method::store] = 1;
  const ClientResult result = run(plan(ClientTask::set, 1));
  EXPECT_EQ(result.stored, 3u);
  EXPECT_EQ(count_heard(2, Method::store), 2u);
}

TEST_F(ClientTest, ANodeThatNeverAcknowledgesIsCountedAsSilent) {
  add_clique(4);
  node(2).lost[Method::store] = 99;
  const ClientResult result = run(plan(ClientTask::set, 1));
  EXPECT_EQ(result.status, ClientStatus::done);
  EXPECT_EQ(result.stored, 3u);
  EXPECT_EQ(result.silent, 1u);
}

TEST_F(ClientTest, StoresThatNobodyAnswersAreSentUntilTheTimeIsOver) {
  add(1).lost[Method::store] = 3;
  ClientPlan command = plan(ClientTask::set);
  command.timeout = seconds(30);
  EXPECT_EQ(run(command).stored, 1u);
  node(1).lost[Method::store] = 1000;
  const Instant start = now_;
  const ClientResult result = run(command);
  EXPECT_EQ(result.status, ClientStatus::no_answer);
  EXPECT_EQ(result.silent, 1u);
  EXPECT_EQ(now_, start + seconds(30));
}

TEST_F(ClientTest, ALateAcknowledgementCounts) {
  add_clique(4);
  node(2).store_delay = milliseconds(4500);  // Both of its answers come while 3 is awaited.
  node(3).store_delay = milliseconds(4900);
  const ClientResult result = run(plan(ClientTask::set, 1));
  EXPECT_EQ(result.stored, 4u);
  EXPECT_EQ(result.silent, 0u);
  EXPECT_EQ(count_heard(2, Method::store), 2u);
}

TEST_F(ClientTest, WhenEverybodyRefusesTheSetIsRefused) {
  add_clique(3);
  for (uint8_t number = 1; number <= 3; ++number) node(number).manner = Manner::refuses_stores;
  const ClientResult result = run(plan(ClientTask::set));
  EXPECT_EQ(result.status, ClientStatus::refused);
  EXPECT_EQ(result.stored, 0u);
  EXPECT_EQ(result.refused, 3u);
}

TEST_F(ClientTest, ANetworkOfOneNodeTakesAValueToo) {
  add(1);
  EXPECT_EQ(run(plan(ClientTask::set)).stored, 1u);
  EXPECT_EQ(run(plan(ClientTask::get)).value, value_);
}

TEST_F(ClientTest, TheLargestValueIsStoredAtAllTwentyAndFoundAgain) {
  add_clique(20);
  ClientPlan command = plan(ClientTask::set);
  command.value = Octets(value_size_max, 'x');
  command.value[0] = 0xc5;  // bin16 of the rest
  command.value[1] = static_cast<uint8_t>((value_size_max - 3) >> 8);
  command.value[2] = static_cast<uint8_t>((value_size_max - 3) & 0xff);
  EXPECT_EQ(run(command).stored, 20u);
  EXPECT_EQ(run(plan(ClientTask::get)).value, command.value);
}

TEST_F(ClientTest, WithoutRoomForAllStoresTheRestIsSentLater) {
  add_clique(20);
  ClientPlan command = plan(ClientTask::set);
  command.value = Octets(8000, 'x');
  command.value[0] = 0xc5;
  command.value[1] = 7997 >> 8;
  command.value[2] = 7997 & 0xff;
  Outbox out(4, 20'000);  // Two stores at once.
  EXPECT_EQ(run(command, out).stored, 20u);
}

}  // namespace
}  // namespace xord
