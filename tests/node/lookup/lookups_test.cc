#include "node/lookup/lookups.h"

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/part_fixture.h"

namespace xord::testing {
namespace {

class LookupsTest : public PartTest {
 protected:
  const Id target = contact(0x77).id;

  bool start(std::span<const Contact> extra = {}) {
    return lookups.start(turn(), LookupKind::find_node, target, LookupPurpose::join, {4, 2}, extra);
  }
  uint64_t ended(LookupPurpose purpose, LookupOutcome outcome) const {
    return counters.lookups.read(purpose, outcome);
  }
  uint64_t measured() const {
    return counters.histograms.count(NodeHistogram::lookup_duration_seconds);
  }
  std::optional<Outcome> value(const Asked& asked) {
    return answer(asked, [&](MutableBytes to, Bytes transaction) {
      constexpr std::array<uint8_t, 3> bytes{0xa2, 'h', 'i'};
      return rpcudp::encode_value_reply(to, transaction, bytes);
    });
  }
  void take(const std::optional<Outcome>& outcome) {
    ASSERT_TRUE(outcome);
    lookups.take(turn(), *outcome);
  }
};

TEST_F(LookupsTest, WithNobodyToAskItHasFinishedAtOnceAndIsKeptUntilReleased) {
  ASSERT_TRUE(start());
  const auto event = events.pop();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Event::Kind::lookup_finished);
  EXPECT_EQ(lookups.purpose(event->handle), LookupPurpose::join);
  EXPECT_EQ(lookups.owner_handle(event->handle), (PoolHandle{4, 2}));
  std::array<Contact, 1> nearest;
  EXPECT_EQ(lookups[event->handle].results(nearest), 0u);
  EXPECT_EQ(lookups.count(), 1u);
  lookups.release(event->handle);
  EXPECT_EQ(lookups.count(), 0u);
  EXPECT_EQ(ended(LookupPurpose::join, LookupOutcome::no_contacts), 1u);
  EXPECT_EQ(measured(), 0u) << "it took no time and no calls";
}

TEST_F(LookupsTest, AsksWhoIsKnownAndWhoIsNamedAndEndsByOneEvent) {
  const std::array<Contact, 1> known{contact(0x80)};
  ASSERT_TRUE(start(known));
  auto asked = take_asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].to, known[0].endpoint);
  EXPECT_EQ(asked[0].target, target);

  const Contact named = contact(0x70);
  take(answer(asked[0], [&](MutableBytes to, Bytes transaction) {
    std::array<uint8_t, 64> tail;
    const size_t size = rpcudp::encode_contact_tail(named.endpoint, tail);
    rpcudp::ContactsReply contacts_reply(to, transaction, 1);
    contacts_reply.add(named.id, Bytes(tail).first(size));
    return contacts_reply.size();
  }));
  EXPECT_FALSE(events.pop());
  asked = take_asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].to, named.endpoint);
  take(names_nobody(asked[0]));
  const auto event = events.pop();
  ASSERT_TRUE(event);
  EXPECT_FALSE(events.pop());
  std::array<Contact, 2> nearest;
  ASSERT_EQ(lookups[event->handle].results(nearest), 2u);
  EXPECT_EQ(nearest[0], named);
  EXPECT_EQ(count(NodeSum::lookups_finished), 1u);
}

TEST_F(LookupsTest, ItsEndIsCountedByPurposeAndItsWorkMeasured) {
  const std::array<Contact, 1> known{contact(0x80)};
  ASSERT_TRUE(start(known));
  auto asked = take_asked();
  now = now + milliseconds(40);
  const Contact named = contact(0x70);
  take(answer(asked[0], [&](MutableBytes to, Bytes transaction) {
    std::array<uint8_t, 64> tail;
    const size_t size = rpcudp::encode_contact_tail(named.endpoint, tail);
    rpcudp::ContactsReply contacts_reply(to, transaction, 1);
    contacts_reply.add(named.id, Bytes(tail).first(size));
    return contacts_reply.size();
  }));
  EXPECT_EQ(counters.lookups.sum(LookupOutcome::done), 0u) << "it goes on";
  now = now + milliseconds(20);
  take(names_nobody(take_asked()[0]));
  EXPECT_EQ(ended(LookupPurpose::join, LookupOutcome::done), 1u);
  EXPECT_EQ(counters.lookups.sum(LookupOutcome::done), 1u);
  const auto& histograms = counters.histograms;
  EXPECT_EQ(histograms.sum(NodeHistogram::lookup_duration_seconds), 60'000'000u);
  EXPECT_EQ(histograms.count_in(NodeHistogram::lookup_hops, 1), 1u) << "named by one answer";
  EXPECT_EQ(histograms.sum(NodeHistogram::lookup_calls), 2u);
  EXPECT_EQ(histograms.count(NodeHistogram::lookup_calls), 1u);
}

TEST_F(LookupsTest, AGetIsDoneWithAValueAndOtherwiseNotFoundOrAlone) {
  const std::array<Contact, 1> known{contact(0x80)};
  const auto look = [&] {
    return lookups.start(turn(), LookupKind::find_value, target, LookupPurpose::get, {}, known);
  };
  ASSERT_TRUE(look());
  take(value(take_asked()[0]));
  EXPECT_EQ(ended(LookupPurpose::get, LookupOutcome::done), 1u);
  ASSERT_TRUE(look());
  take(names_nobody(take_asked()[0]));
  EXPECT_EQ(ended(LookupPurpose::get, LookupOutcome::not_found), 1u);
  ASSERT_TRUE(look());
  for (const Duration wait : {adaptive_timeout_unmeasured, transaction_lifetime}) {
    now = now + wait + milliseconds(2);
    for (const Outcome& outcome : overdue()) lookups.take(turn(), outcome);
  }
  EXPECT_EQ(ended(LookupPurpose::get, LookupOutcome::no_contacts), 1u);
  EXPECT_EQ(count(NodeSum::lookups_finished), 3u);
  EXPECT_EQ(measured(), 3u);
}

TEST_F(LookupsTest, AllTakenIsRefusedAndCounted) {
  const std::array<Contact, 1> known{contact(0x80)};
  for (uint32_t i = 0; i < node_config.budget.lookups; ++i) ASSERT_TRUE(start(known));
  EXPECT_FALSE(start(known));
  EXPECT_EQ(count(NodeSum::lookups_refused), 1u);
  EXPECT_EQ(ended(LookupPurpose::join, LookupOutcome::refused), 1u);
  EXPECT_EQ(count(NodeSum::lookups_finished), 0u);
}

TEST_F(LookupsTest, WithoutAFreeCallItWaitsAndIsSteppedAgain) {
  const uint32_t slots = node_config.budget.requests_in_flight();
  for (uint32_t i = 0; i < slots; ++i) {
    requester.send(turn(), {Purpose::probe, {}, 0, contact(0x81).endpoint, {}, {}}, {Method::ping});
    datagrams.clear();
  }
  const std::array<Contact, 1> known{contact(0x80)};
  ASSERT_TRUE(start(known));
  EXPECT_TRUE(take_asked().empty());
  ASSERT_TRUE(lookups.next_wakeup());
  now = now + transaction_lifetime + seconds(1);
  overdue();  // Frees the slots.
  lookups.advance(turn());
  EXPECT_EQ(take_asked().size(), 1u);
  EXPECT_FALSE(lookups.next_wakeup());
}

TEST_F(LookupsTest, AnAnswerAfterItsEndIsNobodys) {
  const std::array<Contact, 1> known{contact(0x80)};
  ASSERT_TRUE(start(known));
  const auto asked = take_asked();
  const auto outcome = names_nobody(asked[0]);
  take(outcome);
  const auto event = events.pop();
  lookups.release(event->handle);
  take(outcome);
  EXPECT_FALSE(events.pop());
}

}  // namespace
}  // namespace xord::testing
