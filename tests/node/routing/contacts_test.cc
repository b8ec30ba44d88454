#include "node/routing/contacts.h"

#include <algorithm>
#include <vector>

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

TEST_F(ContactsTest, WithoutASocketOfItsFamilyNobodyIsUsable) {
  const Contact of_ipv6{own().id, *Endpoint::parse("[2001:db8::1]:1")};
  for (const bool has_ipv4 : {true, false}) {
    NodeConfig one = config();
    one.has_ipv4 = has_ipv4;
    one.has_ipv6 = !has_ipv4;
    const NodeContext one_node{one, secrets, *one.dialect, self, link, counters, ledger};
    Contacts of_one(one_node, book, requester, now);
    EXPECT_EQ(of_one.is_usable(own()), has_ipv4);
    EXPECT_EQ(of_one.is_usable(of_ipv6), !has_ipv4);
    of_one.restore(turn(), own(), minutes(5));
    EXPECT_EQ(of_one.table().count(), has_ipv4 ? 1u : 0u);
  }
}

TEST_F(ContactsTest, WhoFailsIsToldToTheOwnerOfItsBucket) {
  Outcome outcome;
  outcome.call = {Purpose::lookup, Method::find_node, 0, others().endpoint, others().id, {}};
  for (const auto kind : {Outcome::Kind::malformed, Outcome::Kind::expired}) {
    outcome.kind = kind;
    contacts.learn_from(turn(), outcome);
    const auto told = take_messages<EvidenceMessage>();
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].learnt, Learnt::failed);
    EXPECT_EQ(told[0].contact, others());
  }
  outcome.kind = Outcome::Kind::slow;
  contacts.learn_from(turn(), outcome);
  outcome.kind = Outcome::Kind::expired;
  outcome.call.responder.reset();  // Whoever it was.
  contacts.learn_from(turn(), outcome);
  EXPECT_TRUE(take_messages<EvidenceMessage>().empty());

  file(own());
  for (int failures = 0; failures < 2; ++failures) {
    EXPECT_TRUE(contacts.table().is_answerable_at(own().endpoint)) << failures;
    contacts.deliver(turn(), EvidenceMessage{{}, Learnt::failed, {}, own()});
  }
  EXPECT_FALSE(contacts.table().is_answerable_at(own().endpoint));
}

TEST_F(ContactsTest, WhoAnswersWithAnotherIdHasLeftItsFormerOne) {
  file(own());
  Outcome outcome;
  outcome.call = {Purpose::probe, Method::ping, 0, own().endpoint, own().id, {}};
  reply = {};
  reply.responder = of_shard(0, 7).id;
  outcome.reply = &reply;
  contacts.learn_from(turn(), outcome);
  EXPECT_FALSE(contacts.table().is_filed(own()));
  EXPECT_TRUE(contacts.table().is_filed({reply.responder, own().endpoint}));
  messages.clear();

  outcome.call.to = others().endpoint;
  outcome.call.responder = others().id;
  reply.responder = of_shard(0, 8).id;
  contacts.learn_from(turn(), outcome);
  const auto told = take_messages<EvidenceMessage>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].learnt, Learnt::displaced);
  EXPECT_EQ(told[0].contact, others());

  file(of_shard(0, 9));
  contacts.deliver(turn(), EvidenceMessage{{}, Learnt::displaced, {}, of_shard(0, 9)});
  EXPECT_FALSE(contacts.table().is_filed(of_shard(0, 9)));
}

TEST_F(ContactsTest, AnAnswerPingsAtMostSixteenInACallAndThoseThatArrivedNotAtAll) {
  for (uint32_t i = 1; i <= bucket_size; ++i) {
    contacts.deliver(
        turn(),
        ContactChangedMessage{{}, {ContactChange::Kind::filed, Standing::awaited, of_shard(1, i)}});
  }
  std::array<ContactHandle, bucket_size> found;
  const Nearest nearest =
      contacts.table().nearest(others().id, contact(0x11), Awaited::included, {}, found);
  ASSERT_EQ(nearest.count, bucket_size);
  EXPECT_EQ(contacts.want(turn(), found, found), no_contact);
  EXPECT_TRUE(take_messages<ContactWantedMessage>().empty());
  EXPECT_EQ(contacts.want(turn(), found, {}), found[0]);
  auto wanted = take_messages<ContactWantedMessage>();
  ASSERT_EQ(wanted.size(), named_pings_max);
  EXPECT_EQ(wanted[0].contact, book.contact(found[0]));
  contacts.want(turn(), found, {});
  EXPECT_TRUE(take_messages<ContactWantedMessage>().empty());
  contacts.end_turn(turn());
  contacts.want(turn(), found, {});
  wanted = take_messages<ContactWantedMessage>();
  for (uint32_t i = named_pings_max; i < bucket_size; ++i) {
    EXPECT_TRUE(
        std::any_of(wanted.begin(), wanted.end(),
                    [&](const auto& message) { return message.contact == book.contact(found[i]); }))
        << "the next call has room for number " << i;
  }
}

TEST_F(ContactsTest, WhoIsTrustedIsNeitherPingedNorAwaited) {
  contacts.deliver(turn(), ContactChangedMessage{
                               {}, {ContactChange::Kind::filed, Standing::trusted, others(1)}});
  contacts.deliver(turn(), ContactChangedMessage{
                               {}, {ContactChange::Kind::filed, Standing::doubted, others(2)}});
  std::array<ContactHandle, 2> found;
  ASSERT_EQ(
      contacts.table().nearest(others().id, contact(0x11), Awaited::included, {}, found).count, 2u);
  EXPECT_EQ(contacts.want(turn(), found, {}), no_contact);
  const auto wanted = take_messages<ContactWantedMessage>();
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].contact, others(2));
}

TEST_F(ContactsTest, AnotherShardsWishIsAPing) {
  file(own());
  now = now + seconds(2);
  contacts.deliver(turn(), ContactWantedMessage{{}, own()});
  const auto asked = take_asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].to, own().endpoint);
  EXPECT_EQ(count(NodeCounter::pings_of_named), 1u);
}

TEST_F(ContactsTest, AnotherShardsProofCounts) {
  contacts.deliver(turn(), ProvenMessage{{}, others().endpoint});
  EXPECT_TRUE(contacts.is_proven(others().endpoint, now));
  EXPECT_TRUE(messages.entries().empty()) << "it is not told again";
}

TEST_F(ContactsTest, OfTheContactsOfAnEarlierRunThoseOfThisShardThatCanBeUsedAreRestored) {
  contacts.restore(turn(), own(), minutes(5));
  contacts.restore(turn(), others(), minutes(5));
  Contact portless = of_shard(0, 2);
  portless.endpoint.port = 0;
  contacts.restore(turn(), portless, minutes(5));
  std::array<ContactRow, 4> rows;
  ASSERT_EQ(contacts.list({}, {}, now, rows).count, 1u);
  EXPECT_EQ(rows[0].contact, own());
  EXPECT_EQ(rows[0].answered_ago, 300u);
}

TEST_F(ContactsTest, AListHasTheRoundTripsInMicroseconds) {
  file(own(1));
  requester.sample(own(1).endpoint, milliseconds(25));
  file(own(2));
  std::array<ContactRow, 4> rows;
  ASSERT_EQ(contacts.list({}, {}, now, rows).count, 2u);
  for (uint32_t i = 0; i < 2; ++i) {
    EXPECT_EQ(rows[i].contact, own(i + 1)) << "the nearest first";
    const auto smoothed = requester.smoothed(rows[i].contact.endpoint);
    ASSERT_TRUE(smoothed);
    EXPECT_EQ(rows[i].round_trip, smoothed->nanoseconds / 1000);
  }
  EXPECT_GT(rows[0].round_trip, 1000u);
}

TEST_F(ContactsTest, AnUpkeepPingIsRepeatedAndOneOfTheSilentIsNot) {
  Rng rng(1);
  // Whether the ping just sent is a first attempt, which is repeated when it is slow.
  const auto is_repeated = [&] {
    EXPECT_EQ(take_asked().size(), 1u);
    now = now + adaptive_timeout_unmeasured + milliseconds(2);
    std::vector<bool> are_first;
    for (const Outcome& outcome : overdue()) {
      if (outcome.kind == Outcome::Kind::slow) are_first.push_back(outcome.call.attempt == 0);
    }
    EXPECT_EQ(are_first.size(), 1u);
    return are_first == std::vector<bool>{true};
  };
  file(own());
  now = now + minutes(1) + seconds(1);
  contacts.advance(turn(), rng);
  EXPECT_EQ(count(NodeCounter::pings_of_upkeep), 1u);
  EXPECT_TRUE(is_repeated());

  for (int i = 0; i < 2; ++i) {
    contacts.deliver(turn(), EvidenceMessage{{}, Learnt::failed, {}, own()});
  }
  now = now + minutes(2) + seconds(1);
  contacts.advance(turn(), rng);
  EXPECT_EQ(count(NodeCounter::pings_of_silent), 1u);
  EXPECT_FALSE(is_repeated());
  EXPECT_EQ(count(NodeCounter::pings_of_upkeep), 1u);
}

TEST_F(ContactsTest, TheOldestIsPingedForANewcomerToAFullBucket) {
  for (uint32_t i = 1; i <= bucket_size; ++i) file(of_shard(0, i));
  now = now + minutes(2);
  contacts.deliver(turn(), EvidenceMessage{{}, Learnt::heard, Evidence::ponged, of_shard(0, 99)});
  const auto asked = take_asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].to, of_shard(0, 1).endpoint);
  EXPECT_EQ(count(NodeCounter::pings_before_eviction), 1u);
}

TEST_F(ContactsTest, ChangesThatFindNoRoomAreSentNextTime) {
  for (const uint32_t number : {1, 2}) {
    contacts.deliver(turn(), EvidenceMessage{{}, Learnt::heard, Evidence::ponged, own(number)});
  }
  ASSERT_EQ(contacts.table().changes().size(), 2u);
  FrameOutbox room_for_one(1, 1024);
  Outputs narrow{datagrams, room_for_one, storage, results};
  for (const size_t left : {1, 0}) {
    contacts.end_turn({now, narrow, events});
    EXPECT_EQ(room_for_one.entries().size(), 1u);
    EXPECT_EQ(contacts.table().changes().size(), left);
    room_for_one.clear();
  }
}

TEST_F(ContactsTest, AQuietRangeMakesARefreshDueAsAnEvent) {
  file(own());
  Rng rng(1);
  now = now + hours(2);
  contacts.advance(turn(), rng);
  const auto event = events.pop();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Event::Kind::refresh_due);
  EXPECT_EQ(shared_prefix(self, event->target), shared_prefix(self, own().id));
  EXPECT_GE(count(NodeCounter::refreshes), 1u);
  EXPECT_EQ(lookups.count(), 0u) << "it starts none itself";
}

}  // namespace
}  // namespace xord::testing
