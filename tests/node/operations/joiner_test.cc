#include "node/operations/joiner.h"

#include <algorithm>
#include <set>
#include <vector>

#include "tests/node/part_fixture.h"

namespace xord::testing {
namespace {

class JoinerTest : public PartTest {
 protected:
  const std::array<Endpoint, 2> bootstraps{contact(0x90).endpoint, contact(0x91).endpoint};

  void handle_events() {
    while (const auto event = events.pop()) {
      ASSERT_EQ(event->kind, Event::Kind::lookup_finished);
      if (lookups.purpose(event->handle) == LookupPurpose::join) {
        joiner.looked_up(turn(), lookups[event->handle]);
      } else {
        joiner.refreshed();
      }
      lookups.release(event->handle);
      joiner.refresh_farther_buckets(turn());
    }
  }
  std::vector<NoticeKind> take_notices() {
    std::vector<NoticeKind> kinds;
    notices.take([&](const NodeNotice& notice) { kinds.push_back(notice.kind); });
    return kinds;
  }
  void let_expire() {
    for (const Duration wait : {adaptive_timeout_unmeasured, transaction_lifetime * 2}) {
      now = now + wait + milliseconds(2);
      for (const Outcome& outcome : overdue()) joiner.take(turn(), outcome);
    }
  }

  NodeNotices notices;
  Rng rng{3};
  Joiner joiner{node, requester, contacts, lookups, operations, notices, rng, now};
};

TEST_F(JoinerTest, TheFirstThatAnswersStartsTheLookupOfOurOwnId) {
  joiner.join(turn(), 1, bootstraps);
  auto asked = take_asked();
  ASSERT_EQ(asked.size(), 2u);
  joiner.take(turn(), *pong(asked[1], contact(0x91).id));
  const auto question = take_asked();
  ASSERT_EQ(question.size(), 1u);
  EXPECT_EQ(question[0].method, Method::find_node);
  EXPECT_EQ(question[0].target, self);
  lookups.take(turn(), *names_nobody(question[0]));
  handle_events();
  const auto ended = take_results();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].status, OperationStatus::done);
  EXPECT_EQ(ended[0].contacts_count, 1u);
  EXPECT_EQ(take_notices(), std::vector{NoticeKind::joined});
}

TEST_F(JoinerTest, SilentBootstrapsAreToldAndPingedAgainLater) {
  joiner.join(turn(), 1, bootstraps);
  ASSERT_EQ(take_asked().size(), 2u);
  let_expire();
  take_asked();  // The retries.
  const auto ended = take_results();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].status, OperationStatus::no_contacts);
  EXPECT_EQ(take_notices(), std::vector{NoticeKind::nobody_answered});
  const auto retry = joiner.next_wakeup();
  ASSERT_TRUE(retry);
  EXPECT_EQ(*retry, now + join_retry_min);
  now = *retry;
  joiner.advance(turn());
  EXPECT_EQ(take_asked().size(), 2u);
}

TEST_F(JoinerTest, OurOwnIdIsLookedUpAgainAfterEachOfTheIntervalsAndNoMore) {
  joiner.join(turn(), 1, std::span(bootstraps).first(1));
  joiner.take(turn(), *pong(take_asked()[0], contact(0x90).id));
  const auto let_name_nobody = [&] {
    for (auto asked = take_asked(); !asked.empty(); asked = take_asked()) {
      for (const Asked& each : asked) lookups.take(turn(), *names_nobody(each));
      handle_events();
    }
  };
  let_name_nobody();
  uint64_t lookups_count = 1;
  for (const Duration interval : join_repeats) {
    ASSERT_EQ(joiner.next_wakeup(), now + interval);
    now = now + interval - nanoseconds(1);
    joiner.advance(turn());
    EXPECT_TRUE(take_asked().empty());
    now = now + nanoseconds(1);
    joiner.advance(turn());
    EXPECT_EQ(count(NodeCounter::lookups_started), ++lookups_count);
    EXPECT_EQ(joiner.next_wakeup(), std::nullopt) << "not while it runs";
    let_name_nobody();
  }
  EXPECT_EQ(joiner.next_wakeup(), std::nullopt);
  EXPECT_EQ(take_results().size(), 1u);
}

TEST_F(JoinerTest, WhoAnswersDuringTheLookupIsAskedInOneMore) {
  joiner.join(turn(), 1, bootstraps);
  const auto pings = take_asked();
  joiner.take(turn(), *pong(pings[0], contact(0x90).id));
  const auto question = take_asked();
  joiner.take(turn(), *pong(pings[1], contact(0x91).id));
  EXPECT_TRUE(take_asked().empty()) << "one lookup at a time";
  lookups.take(turn(), *names_nobody(question[0]));
  handle_events();
  EXPECT_EQ(count(NodeCounter::lookups_started), 2u);
  EXPECT_TRUE(take_results().empty()) << "the second one decides";
  for (const Asked& each : take_asked()) lookups.take(turn(), *names_nobody(each));
  handle_events();
  EXPECT_EQ(count(NodeCounter::lookups_started), 2u);
  const auto ended = take_results();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].contacts_count, 2u);
  NodeNotice joined;
  notices.take([&](const NodeNotice& notice) { joined = notice; });
  EXPECT_EQ(joined.kind, NoticeKind::joined);
  EXPECT_EQ(joined.count, 2u);
  EXPECT_EQ(joined.contact.endpoint, bootstraps[0]) << "the first that answered";
}

TEST_F(JoinerTest, ThePausesBetweenAttemptsDoubleUpToTheLongest) {
  joiner.join(turn(), 1, bootstraps);
  for (Duration pause = join_retry_min; pause <= join_retry_max * 2; pause = pause * 2) {
    let_expire();
    ASSERT_EQ(joiner.next_wakeup(), now + std::min(pause, join_retry_max));
    now = *joiner.next_wakeup();
    datagrams.clear();
    joiner.advance(turn());
    EXPECT_EQ(take_asked().size(), 2u);
    EXPECT_EQ(joiner.next_wakeup(), std::nullopt) << "not while pings are open";
  }
}

TEST_F(JoinerTest, WithNobodyToAskItEndsAtOnceAndTriesAgain) {
  joiner.join(turn(), 1, {});
  handle_events();
  const auto ended = take_results();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].status, OperationStatus::no_contacts);
  EXPECT_EQ(joiner.next_wakeup(), now + join_retry_min);
  file(contact(0x90));  // Somebody asked us meanwhile.
  datagrams.clear();
  now = *joiner.next_wakeup();
  joiner.advance(turn());
  EXPECT_EQ(take_asked().size(), 1u);
}

// A slow ping is sent once more.
TEST_F(JoinerTest, ABootstrapIsSilentOnlyWhenNeitherOfItsPingsWasAnswered) {
  joiner.join(turn(), 1, std::span(bootstraps).first(1));
  ASSERT_EQ(take_asked().size(), 1u);
  now = now + adaptive_timeout_unmeasured + milliseconds(2);
  for (const Outcome& outcome : overdue()) joiner.take(turn(), outcome);
  const auto repeated = take_asked();
  ASSERT_EQ(repeated.size(), 1u);
  now = now + transaction_lifetime - adaptive_timeout_unmeasured;  // The first has expired.
  for (const Outcome& outcome : overdue()) joiner.take(turn(), outcome);
  EXPECT_TRUE(take_results().empty());
  EXPECT_TRUE(take_asked().empty()) << "it is not sent a third time";
  joiner.take(turn(), *pong(repeated[0], contact(0x90).id));
  EXPECT_EQ(take_asked().size(), 1u) << "the lookup of our own id";
}

TEST_F(JoinerTest, ABootstrapWhosePingsExpireOneAfterTheOtherIsGivenUpWithTheSecond) {
  joiner.join(turn(), 1, std::span(bootstraps).first(1));
  let_expire();
  now = now + transaction_lifetime * 2;
  for (const Outcome& outcome : overdue()) joiner.take(turn(), outcome);
  const auto ended = take_results();
  ASSERT_EQ(ended.size(), 1u) << "once";
  EXPECT_EQ(ended[0].status, OperationStatus::no_contacts);
}

TEST_F(JoinerTest, OfOurOwnEndpointAmongTheBootstrapsNothingIsLookedUp) {
  joiner.join(turn(), 1, bootstraps);
  const auto asked = take_asked();
  joiner.take(turn(), *pong(asked[0], self));
  EXPECT_TRUE(take_asked().empty());
  EXPECT_TRUE(take_results().empty()) << "the other may still answer";
  joiner.take(turn(), *pong(asked[1], self));
  EXPECT_TRUE(take_asked().empty());
  const auto ended = take_results();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].status, OperationStatus::no_contacts);
  EXPECT_EQ(joiner.next_wakeup(), now + join_retry_min);
}

TEST_F(JoinerTest, SilentBootstrapsLeaveTheContactsOfAnEarlierRun) {
  file(contact(0x80));
  joiner.join(turn(), 1, bootstraps);
  let_expire();
  EXPECT_TRUE(take_results().empty()) << "they are asked first";
  EXPECT_EQ(count(NodeCounter::lookups_started), 1u);
}

// The ranges of ids farther than the nearest neighbour, which shares six bits with us.
TEST_F(JoinerTest, AJoinRefreshesEachFartherRangeAndFourAtATime) {
  const Contact neighbour = contact(0x02);
  file(neighbour);
  take_asked();
  std::vector<uint32_t> refreshed;
  size_t most_at_once = 0;
  const auto let_name_nobody = [&] {
    for (auto asked = take_asked(); !asked.empty(); asked = take_asked()) {
      most_at_once = std::max(most_at_once, asked.size());
      for (const Asked& each : asked) {
        if (each.target != self) refreshed.push_back(shared_prefix(self, each.target));
        lookups.take(turn(), *names_nobody(each));
        handle_events();
      }
    }
  };
  joiner.join(turn(), 1, std::span(&neighbour.endpoint, 1));
  joiner.take(turn(), *pong(take_asked()[0], neighbour.id));
  let_name_nobody();
  EXPECT_EQ(refreshed, (std::vector<uint32_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(most_at_once, 4u);

  file(contact(0x80));
  refreshed.clear();
  now = *joiner.next_wakeup();
  joiner.advance(turn());
  let_name_nobody();
  const std::set<uint32_t> again(refreshed.begin(), refreshed.end());
  EXPECT_EQ(again, (std::set<uint32_t>{1, 2, 3, 4, 5})) << "no range that has contacts by now";
}

TEST_F(JoinerTest, ANewerJoinReplacesTheOlderOne) {
  joiner.join(turn(), 1, bootstraps);
  joiner.join(turn(), 2, bootstraps);
  const auto ended = take_results();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].operation, 1u);
  EXPECT_EQ(ended[0].status, OperationStatus::refused);
  EXPECT_EQ(operations.count(), 1u);
}

TEST_F(JoinerTest, APongOfAnEarlierRoundIsNobodys) {
  joiner.join(turn(), 1, bootstraps);
  const auto earlier_round = take_asked();
  joiner.join(turn(), 2, bootstraps);
  take_asked();
  joiner.take(turn(), *pong(earlier_round[0], contact(0x90).id));
  EXPECT_TRUE(take_asked().empty());
}

}  // namespace
}  // namespace xord::testing
