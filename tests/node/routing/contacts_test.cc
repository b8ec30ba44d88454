#include "node/routing/contacts.h"

#include "tests/node/part_fixture.h"

namespace xord::testing {
namespace {

class ContactsTest : public PartTest {
 protected:
  // A contact of the tested shard, and one of the other.
  Contact own(uint32_t number = 1) const { return of_shard(0, number); }
  Contact others(uint32_t number = 1) const { return of_shard(1, number); }
  Contact of_shard(ShardIndex shard, uint32_t number) const {
    const Contact far = contact(0x80, number);
    return contacts.table().owner_of(far.id) == shard ? far : contact(0x40, number);
  }
  template <class Message>
  std::vector<Message> take_messages() {
    std::vector<Message> taken;
    for (const FrameOutbox::Entry& entry : messages.entries()) {
      const auto* head = frame_header<ShardMessage>(messages.bytes(entry));
      if (head->kind == Message::kind) {
        taken.push_back(*frame_header<Message>(messages.bytes(entry)));
      }
    }
    messages.clear();
    return taken;
  }
};

TEST_F(ContactsTest, WhatIsLearntGoesToTheOwnerOfTheBucket) {
  contacts.heard_from(turn(), others());
  const auto told = take_messages<EvidenceMessage>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].contact, others());
  EXPECT_EQ(told[0].learnt, Learnt::heard);
  EXPECT_TRUE(take_asked().empty()) << "the owner pings it, not we";

  contacts.heard_from(turn(), own());
  EXPECT_TRUE(take_messages<EvidenceMessage>().empty());
  const auto asked = take_asked();
  ASSERT_EQ(asked.size(), 1u) << "a newcomer is pinged before it is filed";
  EXPECT_EQ(asked[0].to, own().endpoint);
  EXPECT_EQ(count(NodeCounter::pings_of_newcomers), 1u);
}

TEST_F(ContactsTest, ANewcomerIsPingedWithinTheLimitOfItsAddress) {
  const IpAddress& address = own().endpoint.address;
  const uint32_t most = ledger.most(PrefixLevel::address, Charge::excess);
  ledger.charge(now, address, Charge::excess, most - 100);
  contacts.heard_from(turn(), own());
  EXPECT_EQ(take_asked().size(), 1u);
  Contact again = contact(own().id.bytes[0], 3);  // Another id at its endpoint.
  again.endpoint = own().endpoint;
  ASSERT_EQ(contacts.table().owner_of(again.id), 0);
  contacts.heard_from(turn(), again);
  EXPECT_TRUE(take_asked().empty()) << "the first was charged for itself and its repetition";
  EXPECT_EQ(count(NodeCounter::limited_pings), 1u);
  EXPECT_EQ(count(NodeCounter::pings_of_newcomers), 1u);
  contacts.heard_from(turn(), contact(own().id.bytes[0], 1 << 12));
  EXPECT_EQ(take_asked().size(), 1u) << "another address";
}

TEST_F(ContactsTest, ABusyContactIsReportedOnceAMinute) {
  for (int i = 0; i < 100; ++i) contacts.heard_from(turn(), others());
  EXPECT_EQ(take_messages<EvidenceMessage>().size(), 1u);
  now = now + minutes(1);
  contacts.heard_from(turn(), others());
  EXPECT_EQ(take_messages<EvidenceMessage>().size(), 1u);
}

TEST_F(ContactsTest, AFiledContactIsProvenUntilItIsSilent) {
  for (const Contact& filed : {own(), others()}) {
    EXPECT_FALSE(contacts.is_proven(filed.endpoint, now));
    ContactChangedMessage change{{}, {ContactChange::Kind::filed, Standing::awaited, filed}};
    if (filed == own()) {
      file(filed);
    } else {
      contacts.deliver(turn(), change);
    }
    EXPECT_TRUE(contacts.is_proven(filed.endpoint, now + hours(1)));
    Endpoint other_port = filed.endpoint;
    ++other_port.port;
    EXPECT_FALSE(contacts.is_proven(other_port, now));
  }
  contacts.deliver(
      turn(), ContactChangedMessage{{}, {ContactChange::Kind::filed, Standing::silent, others()}});
  EXPECT_FALSE(contacts.is_proven(others().endpoint, now));
  EXPECT_TRUE(contacts.is_proven(own().endpoint, now));
}

TEST_F(ContactsTest, APongByCookieFilesItsSenderAndMeasuresNothing) {
  Outcome outcome;
  outcome.call.method = Method::ping;
  outcome.call.to = own().endpoint;
  outcome.is_by_cookie = true;
  reply.responder = own().id;
  outcome.reply = &reply;
  contacts.learn_from(turn(), outcome);
  EXPECT_TRUE(contacts.table().is_filed(own()));
  EXPECT_EQ(requester.timeout(own().endpoint), adaptive_timeout_unmeasured);
}

TEST_F(ContactsTest, WhatANodeNamesMustReachAsFarAsTheNode) {
  struct Case {
    const char* namer;
    const char* named;
    bool is_usable;
  };
  for (const Case& one : {
           Case{"192.0.2.1:1", "198.51.100.1:1", true},
           Case{"192.0.2.1:1", "10.0.0.1:1", false},
           Case{"192.0.2.1:1", "192.168.0.1:1", false},
           Case{"192.0.2.1:1", "100.64.0.1:1", false},
           Case{"192.0.2.1:1", "169.254.0.1:1", false},
           Case{"192.0.2.1:1", "127.0.0.1:1", false},
           Case{"[2001:db8::1]:1", "[fd00::1]:1", false},
           Case{"[2001:db8::1]:1", "[::1]:1", false},
           Case{"[2001:db8::1]:1", "172.16.0.1:1", false},
           Case{"10.0.0.2:1", "192.168.0.1:1", true},
           Case{"10.0.0.2:1", "[fd00::1]:1", true},
           Case{"10.0.0.2:1", "192.0.2.1:1", true},
           Case{"10.0.0.2:1", "127.0.0.1:1", false},
           Case{"127.0.0.1:1", "127.0.0.1:2", true},
           Case{"127.0.0.1:1", "10.0.0.1:1", true},
       }) {
    Reply lie;
    lie.contacts_count = 2;
    lie.contacts[0] = {contact(0x80).id, *Endpoint::parse(one.named)};
    lie.contacts[1] = {contact(0x40).id, *Endpoint::parse("203.0.113.1:1")};
    UsableContacts usable;
    const uint64_t before = count(NodeCounter::contacts_out_of_reach);
    const auto kept = contacts.usable_of(lie, *Endpoint::parse(one.namer), usable);
    EXPECT_EQ(kept.size(), one.is_usable ? 2u : 1u) << one.namer << " names " << one.named;
    EXPECT_EQ(kept.back(), lie.contacts[1]);
    EXPECT_EQ(count(NodeCounter::contacts_out_of_reach), before + (one.is_usable ? 0 : 1));
  }
}

TEST_F(ContactsTest, AClosedNetworkMayHavePublicNodesNamePrivateOnes) {
  NodeConfig closed = config();
  closed.allow_private_contacts = true;
  const NodeContext closed_node{closed, secrets, *closed.dialect, self, link, counters, ledger};
  const Contacts of_closed(closed_node, book, requester, now);
  const Contact named = {contact(0x80).id, *Endpoint::parse("10.0.0.1:1")};
  EXPECT_TRUE(of_closed.is_usable(named, *Endpoint::parse("192.0.2.1:1")));
  EXPECT_EQ(count(NodeCounter::contacts_out_of_reach), 0u);
}

TEST_F(ContactsTest, WhoCannotBeSentToIsNotUsable) {
  EXPECT_TRUE(contacts.is_usable(own()));
  Contact wrong = own();
  wrong.endpoint.port = 0;
  EXPECT_FALSE(contacts.is_usable(wrong));
  for (const char* endpoint : {"0.0.0.0:1", "224.0.0.1:1", "[::]:1", "[ff02::1]:1"}) {
    wrong.endpoint = *Endpoint::parse(endpoint);
    EXPECT_FALSE(contacts.is_usable(wrong)) << endpoint;
  }
  wrong = own();
  wrong.id = self;
  EXPECT_FALSE(contacts.is_usable(wrong));
}

TEST_F(ContactsTest, AProofIsNewsToTheOthersOnce) {
  EXPECT_FALSE(contacts.is_proven(own().endpoint, now));
  contacts.prove(turn(), own().endpoint);
  contacts.prove(turn(), own().endpoint);
  EXPECT_TRUE(contacts.is_proven(own().endpoint, now));
  EXPECT_EQ(take_messages<ProvenMessage>().size(), 1u);
  now = now + proven_lifetime / 2 + seconds(1);
  contacts.prove(turn(), own().endpoint);
  EXPECT_EQ(take_messages<ProvenMessage>().size(), 1u) << "told again before it lapses there";
}

TEST_F(ContactsTest, AFiledContactIsToldToTheOtherShardAtTheEndOfTheCall) {
  contacts.deliver(turn(), EvidenceMessage{{}, Learnt::heard, Evidence::ponged, own()});
  EXPECT_TRUE(messages.entries().empty());
  contacts.end_turn(turn());
  const auto changes = take_messages<ContactChangedMessage>();
  ASSERT_FALSE(changes.empty());
  EXPECT_EQ(changes[0].change.contact, own());
  contacts.end_turn(turn());
  EXPECT_TRUE(messages.entries().empty());
}

TEST_F(ContactsTest, AContactThatAnAnswerNamesIsPingedOnceHoweverManyAsk) {
  file(own());
  now = now + seconds(2);  // Its answer as a newcomer has lapsed.
  std::array<ContactHandle, bucket_size> found;
  const Nearest nearest =
      contacts.table().nearest(own().id, contact(0x11), Awaited::included, {}, found);
  ASSERT_EQ(nearest.count, 1u);
  for (int i = 0; i < 5; ++i) {
    EXPECT_NE(contacts.want(turn(), std::span(found).first(1), {}), no_contact)
        << "it is young: it has to answer first";
    contacts.end_turn(turn());
  }
  const auto asked = take_asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].to, own().endpoint);
  EXPECT_EQ(count(NodeCounter::pings_of_named), 1u);
}

TEST_F(ContactsTest, OnlyPingsAndStoresOfFiledContactsAreMeasured) {
  Outcome outcome;
  outcome.call = {Purpose::lookup, Method::find_node, 0, own().endpoint, own().id, {}};
  outcome.round_trip = seconds(4);
  reply = {};
  outcome.reply = &reply;
  contacts.learn_from(turn(), outcome);
  EXPECT_EQ(requester.timeout(own().endpoint), adaptive_timeout_unmeasured);
  file(own());
  outcome.call.method = Method::store;
  outcome.round_trip = milliseconds(400);
  contacts.learn_from(turn(), outcome);
  EXPECT_GT(requester.timeout(own().endpoint), milliseconds(800));
}

TEST_F(ContactsTest, AQuietRangeMakesARefreshDueAsAnEvent) {
  file(own());
  Rng rng(1);
  now = now + hours(2);
  contacts.advance(turn(), rng);
  const auto event = events.pop();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Event::Kind::refresh_due);
  EXPECT_EQ(lookups.count(), 0u) << "it starts none itself";
}

}  // namespace
}  // namespace xord::testing
