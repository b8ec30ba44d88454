#include "node/operations/store_rounds.h"

#include "tests/node/part_fixture.h"

namespace xord::testing {
namespace {

class StoreRoundsTest : public PartTest {
 protected:
  const Id key = contact(0x33).id;
  const std::array<uint8_t, 3> value{0xa2, 'h', 'i'};
  const std::array<Contact, 2> targets{contact(0x30), contact(0x31)};

  PoolHandle take(RoundOwner owner = RoundOwner::operation) {
    const auto round = rounds.take(owner, {5, 1}, key);
    CHECK(round);
    rounds.keep_value(*round, value);
    rounds.aim_at(*round, targets);
    return *round;
  }
  void take(const std::optional<Outcome>& outcome) {
    ASSERT_TRUE(outcome);
    rounds.take(turn(), *outcome);
  }
  bool is_finished(PoolHandle round) {
    const auto event = events.pop();
    return event && event->kind == Event::Kind::round_finished && event->handle == round;
  }
  void become_slow() {
    now = now + adaptive_timeout_unmeasured + milliseconds(2);
    for (const Outcome& outcome : overdue()) rounds.take(turn(), outcome);
  }
};

TEST_F(StoreRoundsTest, ReachesEachTargetOnceAndEndsWithTheLastAnswer) {
  const PoolHandle round = take();
  rounds.set_age(round, 60);
  rounds.send(turn(), round, OwnCopy::none);
  const auto asked = take_asked();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].to, targets[0].endpoint);
  EXPECT_EQ(asked[1].to, targets[1].endpoint);
  EXPECT_EQ(asked[0].target, key);
  EXPECT_EQ(asked[0].age, 60u);
  take(stored(asked[0], true));
  EXPECT_FALSE(events.pop());
  take(stored(asked[1], false));
  ASSERT_TRUE(is_finished(round));
  EXPECT_EQ(rounds[round].stored, 1u);
  EXPECT_EQ(rounds[round].owner_handle, (PoolHandle{5, 1}));
}

TEST_F(StoreRoundsTest, WithoutTargetsItEndsInTheSameCall) {
  const PoolHandle round = take();
  rounds.aim_at(round, {});
  rounds.send(turn(), round, OwnCopy::none);
  EXPECT_TRUE(is_finished(round));
}

TEST_F(StoreRoundsTest, AStoreThatIsSlowIsSentOnceMoreAndTheFirstAnswerDecides) {
  const PoolHandle round = take();
  rounds.aim_at(round, std::span(targets).first(1));
  rounds.send(turn(), round, OwnCopy::none);
  const auto first = take_asked();
  become_slow();
  const auto second = take_asked();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(count(NodeCounter::calls_repeated), 1u);
  become_slow();
  EXPECT_TRUE(take_asked().empty());
  EXPECT_FALSE(events.pop()) << "the program waits for an answer";
  take(stored(second[0], true));
  ASSERT_TRUE(is_finished(round));
  take(stored(first[0], true));
  EXPECT_FALSE(events.pop()) << "decided once";
  EXPECT_EQ(rounds[round].stored, 1u);
}

TEST_F(StoreRoundsTest, NobodyWaitsForAReplicationThatWasSlowTwice) {
  const PoolHandle round = take(RoundOwner::replication);
  rounds.aim_at(round, std::span(targets).first(1));
  rounds.send(turn(), round, OwnCopy::none);
  become_slow();
  EXPECT_FALSE(events.pop());
  become_slow();
  EXPECT_TRUE(is_finished(round));
}

TEST_F(StoreRoundsTest, SilentTargetsEndItWhenTheirCallsExpire) {
  const PoolHandle round = take();
  rounds.send(turn(), round, OwnCopy::none);
  become_slow();
  now = now + transaction_lifetime * 2;
  for (const Outcome& outcome : overdue()) rounds.take(turn(), outcome);
  ASSERT_TRUE(is_finished(round));
  EXPECT_EQ(rounds[round].stored, 0u);
  EXPECT_FALSE(events.pop());
}

TEST_F(StoreRoundsTest, OurOwnCopyCountsWhenTheDiskHasIt) {
  const PoolHandle round = take();
  rounds.aim_at(round, {});
  rounds.send_with_own_copy(turn(), round);
  EXPECT_FALSE(events.pop());
  ASSERT_EQ(storage.entries().size(), 1u);
  EXPECT_EQ(waits.count(), 1u);
  rounds.own_copy_decided(turn(), round, true);
  ASSERT_TRUE(is_finished(round));
  EXPECT_EQ(rounds[round].stored, 1u);
  rounds.release(round);
  rounds.own_copy_decided(turn(), round, true);
  EXPECT_FALSE(events.pop()) << "of a round that has gone";
}

TEST_F(StoreRoundsTest, KeepsNoCopyWhereKAreNearerThanWe) {
  std::vector<Contact> nearest;
  for (uint32_t i = 0; i < bucket_size; ++i) nearest.push_back(contact(0x33, 2 + i));
  const PoolHandle round = take();
  rounds.aim_at(round, nearest);
  rounds.send_with_own_copy(turn(), round);
  EXPECT_EQ(take_asked().size(), bucket_size);
  EXPECT_TRUE(storage.entries().empty());
}

TEST_F(StoreRoundsTest, TargetsThatCannotBeAskedAreDecided) {
  for (uint32_t i = 0; i < datagrams_max - 1; ++i) {
    requester.send(turn(), {Purpose::probe, {}, 0, contact(0x81).endpoint, {}, {}}, {Method::ping});
  }
  const PoolHandle round = take();
  rounds.send(turn(), round, OwnCopy::none);  // There is room for one of the two.
  EXPECT_TRUE(rounds[round].targets[0].was_sent);
  EXPECT_FALSE(rounds[round].targets[1].was_sent);
  EXPECT_EQ(rounds[round].undecided_count, 1u);
}

}  // namespace
}  // namespace xord::testing
