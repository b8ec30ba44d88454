#include "node/calls/requester.h"

#include "tests/node/part_fixture.h"

namespace xord::testing {
namespace {

class RequesterTest : public PartTest {
 protected:
  const Contact peer = contact(0x80);
  Call call(Purpose purpose = Purpose::probe) const {
    return {purpose, {}, 0, peer.endpoint, peer.id, {}};
  }
};

TEST_F(RequesterTest, SendsWhatIsAskedAndMatchesTheReply) {
  const Id target = contact(0x42).id;
  const Call question{Purpose::lookup, {}, 0, peer.endpoint, peer.id, {3, 5}, 9};
  ASSERT_TRUE(requester.send(turn(), question, {Method::find_node, target}));
  const auto asked = take_asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].to, peer.endpoint);
  EXPECT_EQ(asked[0].method, Method::find_node);
  EXPECT_EQ(asked[0].target, target);
  now = now + milliseconds(30);
  const auto outcome = names_nobody(asked[0]);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->kind, Outcome::Kind::answered);
  EXPECT_EQ(outcome->call.owner, (PoolHandle{3, 5}));
  EXPECT_EQ(outcome->call.row, 9);
  EXPECT_EQ(outcome->round_trip, milliseconds(30));
  EXPECT_EQ(outcome->reply, &reply);
  EXPECT_FALSE(names_nobody(asked[0])) << "the second time it answers nothing";
  EXPECT_EQ(count(NodeCounter::replies_matched), 1u);
  EXPECT_EQ(count(NodeCounter::replies_unknown), 1u);
}

TEST_F(RequesterTest, AStrangersPongIsKnownWithoutACall) {
  const LocalAddress local{peer.endpoint.address, 3, 1};
  ASSERT_TRUE(requester.ping_stranger(turn(), peer.endpoint, local));
  EXPECT_EQ(datagrams.entries()[0].path.local, local) << "from the address that was asked";
  EXPECT_EQ(datagrams.entries()[0].size, node.dialect.traits().ping_size);
  const auto asked = take_asked();
  EXPECT_EQ(requester.open_count(), 0u);
  EXPECT_EQ(count(NodeCounter::pings_of_strangers), 1u);
  EXPECT_EQ(count(NodeCounter::calls_sent), 0u);
  Asked elsewhere = asked[0];
  elsewhere.to.port ^= 1;
  EXPECT_FALSE(pong(elsewhere, peer.id));
  EXPECT_FALSE(names_nobody(asked[0])) << "a list is not a pong";
  EXPECT_EQ(counters.malformed.read(ParseError::bad_reply), 1u);
  const auto outcome = pong(asked[0], peer.id);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->is_by_cookie);
  EXPECT_EQ(outcome->kind, Outcome::Kind::answered);
  EXPECT_EQ(outcome->call.to, peer.endpoint);
  EXPECT_EQ(outcome->call.purpose, Purpose::admission);
  EXPECT_EQ(counters.calls.sum(CallOutcome::answered), 0u) << "it was no call";
  EXPECT_EQ(outcome->reply->responder, peer.id);
  now = now + transaction_lifetime;
  EXPECT_FALSE(pong(asked[0], peer.id)) << "too late";
  EXPECT_EQ(count(NodeCounter::replies_unknown), 2u);
}

TEST_F(RequesterTest, AReplyFromElsewhereLeavesTheCallOpen) {
  ASSERT_TRUE(requester.send(turn(), call(), {Method::ping}));
  auto asked = take_asked();
  const Endpoint asked_at = asked[0].to;
  asked[0].to = contact(0x81).endpoint;
  EXPECT_FALSE(pong(asked[0], peer.id));
  EXPECT_EQ(count(NodeSum::replies_wrong_source), 1u);
  EXPECT_EQ(requester.open_count(), 1u);
  asked[0].to = asked_at;
  EXPECT_TRUE(pong(asked[0], peer.id));
  EXPECT_EQ(requester.open_count(), 0u);
}

TEST_F(RequesterTest, AReplyOfNoUseEndsTheCallAndIsCounted) {
  ASSERT_TRUE(requester.send(turn(), call(), {Method::ping}));
  const auto outcome = names_nobody(take_asked()[0]);  // A list is not a pong.
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->kind, Outcome::Kind::malformed);
  EXPECT_EQ(counters.malformed.read(ParseError::bad_reply), 1u);
  EXPECT_EQ(requester.open_count(), 0u);
}

TEST_F(RequesterTest, AReplyToAnotherShardIsForwardedToIt) {
  ASSERT_TRUE(requester.send(turn(), call(), {Method::ping}));
  auto asked = take_asked();
  messages.clear();  // It may have told the other shard of the call.
  asked[0].transaction[0] = 1;
  EXPECT_FALSE(pong(asked[0], peer.id));
  ASSERT_EQ(messages.entries().size(), 1u);
  EXPECT_EQ(messages.entries()[0].to, 1u);
  EXPECT_EQ(count(NodeCounter::forwarded), 1u);
}

TEST_F(RequesterTest, IsSlowFirstAndThenExpired) {
  ASSERT_TRUE(requester.send(turn(), call(), {Method::ping}));
  now = now + requester.timeout(peer.endpoint) + milliseconds(2);
  auto outcomes = overdue();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].kind, Outcome::Kind::slow);
  now = now + transaction_lifetime;
  outcomes = overdue();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].kind, Outcome::Kind::expired);
}

TEST_F(RequesterTest, APingIsRepeatedOnce) {
  ASSERT_TRUE(requester.send(turn(), call(), {Method::ping}));
  const auto first = take_asked();
  now = now + requester.timeout(peer.endpoint) + milliseconds(2);
  const auto slow = overdue();
  ASSERT_TRUE(requester.repeat_ping(turn(), slow[0].call));
  const auto second = take_asked();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_NE(second[0].transaction, first[0].transaction);
  Call again = slow[0].call;
  again.attempt = 1;
  EXPECT_FALSE(requester.repeat_ping(turn(), again));
  EXPECT_TRUE(take_asked().empty());
  EXPECT_TRUE(pong(first[0], peer.id)) << "the first transaction stays open";
}

TEST_F(RequesterTest, WithoutAFreeSlotNothingIsSentAndItIsCounted) {
  const uint32_t slots = node_config.budget.requests_in_flight();
  for (uint32_t i = 0; i < slots; ++i) {
    ASSERT_TRUE(requester.send(turn(), call(), {Method::ping}));
    datagrams.clear();
  }
  EXPECT_FALSE(requester.send(turn(), call(), {Method::ping}));
  EXPECT_TRUE(datagrams.entries().empty());
  EXPECT_EQ(count(NodeSum::calls_refused), 1u);
  EXPECT_EQ(counters.calls.read(Method::ping, CallOutcome::no_slot), 1u);
}

TEST_F(RequesterTest, CountsWhatBecameOfTheCallsOfEachMethod) {
  const auto ask = [&](const Ask& what) { ASSERT_TRUE(requester.send(turn(), call(), what)); };
  const auto counted = [&](Method method, CallOutcome outcome) {
    return counters.calls.read(method, outcome);
  };
  ask({Method::ping});
  constexpr std::array<uint8_t, 3> value{0xa2, 'h', 'i'};
  ask({Method::store, peer.id, value});
  ask({Method::find_node, peer.id});
  ask({Method::find_node, peer.id});
  auto asked = take_asked();
  ASSERT_EQ(asked.size(), 4u);
  now = now + milliseconds(30);
  EXPECT_TRUE(pong(asked[0], peer.id));
  EXPECT_EQ(stored(asked[2], true)->kind, Outcome::Kind::malformed);
  Asked elsewhere = asked[3];
  elsewhere.to.port ^= 1;
  EXPECT_FALSE(names_nobody(elsewhere));
  now = now + requester.timeout(peer.endpoint) + milliseconds(2);
  EXPECT_EQ(overdue().size(), 2u) << "slow, and nothing has become of them yet";
  EXPECT_EQ(counters.calls.sum(CallOutcome::expired), 0u);
  now = now + transaction_lifetime;
  EXPECT_EQ(overdue().size(), 2u);

  EXPECT_EQ(counted(Method::ping, CallOutcome::answered), 1u);
  EXPECT_EQ(counted(Method::store, CallOutcome::expired), 1u);
  EXPECT_EQ(counted(Method::find_node, CallOutcome::malformed), 1u);
  EXPECT_EQ(counted(Method::find_node, CallOutcome::wrong_source), 1u);
  EXPECT_EQ(counted(Method::find_node, CallOutcome::expired), 1u);
  EXPECT_EQ(counters.calls.sum(CallOutcome::answered), 1u);
  EXPECT_EQ(counters.calls.sum(CallOutcome::expired), 2u);
  EXPECT_EQ(counters.calls.sum(CallOutcome::malformed), 1u);
  EXPECT_EQ(count(NodeCounter::calls_sent), 4u) << "the sum of these three";
  EXPECT_EQ(count(NodeSum::calls_failed), 3u);
  EXPECT_EQ(count(NodeSum::replies_wrong_source), 1u);
  const auto& histograms = counters.histograms;
  EXPECT_EQ(histograms.count(NodeHistogram::call_duration_seconds), 1u) << "the one answered";
  EXPECT_EQ(histograms.sum(NodeHistogram::call_duration_seconds), 30'000'000u);
}

TEST_F(RequesterTest, WithoutRoomInTheOutboxNoCallIsOpened) {
  while (requester.open_count() < datagrams_max) {
    ASSERT_TRUE(requester.send(turn(), call(), {Method::ping}));
  }
  EXPECT_FALSE(requester.send(turn(), call(), {Method::ping}));
  EXPECT_EQ(requester.open_count(), datagrams_max);
  EXPECT_EQ(count(NodeCounter::outbox_full), 1u);
}

}  // namespace
}  // namespace xord::testing
