// Which contacts an answer may name, and which the table pings for it.
#include <gtest/gtest.h>

#include "tests/node/routing/table_fixture.h"

namespace xord {
namespace {

class TableNamingTest : public RoutingTableTest {
 protected:
  Standing standing(const Contact& contact) {
    table->check_invariants();
    std::vector<ContactHandle> found(64);
    found.resize(table->nearest(contact.id, family_of(contact.endpoint), found));
    for (const ContactHandle handle : found) {
      if (book.contact(handle) == contact) return table->standing(handle);
    }
    return Standing::silent;
  }
  bool pings_for_an_answer(const Contact& contact) {
    return table->want(contact, now).kind == Kind::ping_named;
  }
  // Makes it answer from `uptime` ago until now.
  void be_up_for(const Contact& contact, Duration uptime) {
    pong(contact);
    now = now + uptime;
    advance({});
    pong(contact);
  }
  // When an answer needs it, it answers after `round_trip`.
  void answer_after(const Contact& contact, Duration round_trip) {
    ASSERT_TRUE(pings_for_an_answer(contact));
    advance(round_trip);
    pong(contact);
  }

  const Contact one = far_contact(1);
};

TEST_F(TableNamingTest, TheFirstPongIsNoReasonToNameAContact) {
  pong(one);
  EXPECT_EQ(standing(one), Standing::awaited);
  table->observe(one, Evidence::answered, now + milliseconds(10));
  EXPECT_EQ(standing(one), Standing::awaited) << "nor an answer that nobody asked for";
}

TEST_F(TableNamingTest, AYoungContactIsNamedForATenthOfItsUptimeOnceItAnsweredForAnAnswer) {
  pong(one);
  answer_after(one, milliseconds(100));
  EXPECT_EQ(standing(one), Standing::trusted);
  advance(named_trust_min - milliseconds(1));
  EXPECT_EQ(standing(one), Standing::trusted);
  advance(milliseconds(2));
  EXPECT_EQ(standing(one), Standing::awaited);
  advance(start + seconds(30) - now - milliseconds(100));
  answer_after(one, milliseconds(100));
  advance(seconds(3) - milliseconds(1));
  EXPECT_EQ(standing(one), Standing::trusted);
  advance(milliseconds(2));
  EXPECT_EQ(standing(one), Standing::awaited);
}

TEST_F(TableNamingTest, WhoStaysSilentForHalfASecondIsNotNamedUntilItAnswers) {
  pong(one);
  ASSERT_TRUE(pings_for_an_answer(one));
  advance(naming_wait - milliseconds(1));
  EXPECT_EQ(standing(one), Standing::awaited);
  advance(milliseconds(2));
  EXPECT_EQ(standing(one), Standing::silent);
  EXPECT_FALSE(pings_for_an_answer(one));
  table->observe(one, Evidence::answered, now);
  EXPECT_EQ(standing(one), Standing::trusted);
}

TEST_F(TableNamingTest, WhoStaysSilentIsNotPingedForUpkeepWhileThatPingIsOpen) {
  pong(one);
  advance(youth - naming_wait - milliseconds(100));  // Its upkeep is due soon after the wait.
  ASSERT_TRUE(pings_for_an_answer(one));
  for (const TableAction& action : advance(transaction_lifetime)) {
    EXPECT_EQ(action.kind, Kind::refresh);
  }
}

TEST_F(TableNamingTest, AnOldContactThatStaysSilentIsNotNamedEither) {
  be_up_for(one, hours(1));
  advance(trust_after_an_hour + milliseconds(1));
  ASSERT_EQ(standing(one), Standing::doubted);
  ASSERT_TRUE(pings_for_an_answer(one));
  EXPECT_EQ(standing(one), Standing::doubted) << "named meanwhile";
  advance(naming_wait + milliseconds(1));
  EXPECT_EQ(standing(one), Standing::silent);
}

TEST_F(TableNamingTest, TheSilentAreAskedAgainAfterAMinuteAndThenTwiceAsLate) {
  pong(one);
  ASSERT_TRUE(pings_for_an_answer(one));
  advance(naming_wait);
  table->failed(one, now);  // Its transaction ended.
  std::vector<int64_t> pauses;
  for (int second = 0, last = 0; pauses.size() < 4 && second < 2000; ++second) {
    for (const TableAction& action : advance(seconds(1))) {
      if (action.kind == Kind::refresh) continue;
      ASSERT_EQ(action.kind, Kind::ping_silent);
      pauses.push_back(second - last);
      last = second;
      table->failed(one, now);
    }
  }
  ASSERT_EQ(pauses.size(), 4u);
  EXPECT_NEAR(static_cast<double>(pauses[0]), 60, 2);
  for (size_t i = 1; i < pauses.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(pauses[i]), 2.0 * static_cast<double>(pauses[i - 1]), 3);
  }
}

TEST_F(TableNamingTest, OneContactIsPingedOnceHoweverManyAsk) {
  pong(one);
  uint32_t pings = 0;
  for (int i = 0; i < 1000; ++i) pings += pings_for_an_answer(one);
  EXPECT_EQ(pings, 1u);
  pong(one);
  for (int i = 0; i < 1000; ++i) pings += pings_for_an_answer(one);
  EXPECT_EQ(pings, 1u) << "it has just answered";
}

TEST_F(TableNamingTest, ANewcomerIsPingedOnceMoreAfterAMinuteAndIsYoungNoMore) {
  pong(one);
  const std::vector<TableAction> actions = advance(youth + milliseconds(10));
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].kind, Kind::ping_upkeep);
  pong(one);
  EXPECT_EQ(standing(one), Standing::trusted);
  advance(seconds(36));
  EXPECT_EQ(standing(one), Standing::trusted);
  advance(seconds(3));
  EXPECT_EQ(standing(one), Standing::doubted);
}

TEST_F(TableNamingTest, TrustGrowsWithTheRootOfTheUptimeUpToAQuarterOfAnHour) {
  const std::pair<Duration, Duration> expected[] = {{minutes(15), seconds(144)},
                                                    {hours(1), seconds(288)},
                                                    {hours(4), seconds(576)},
                                                    {hours(9), seconds(864)},
                                                    {hours(100), minutes(15)}};
  uint32_t number = 10;
  for (const auto& [uptime, trusted] : expected) {
    const Contact contact = far_contact(number++);
    be_up_for(contact, uptime);
    now = now + trusted - milliseconds(2);
    advance({});
    EXPECT_EQ(standing(contact), Standing::trusted) << uptime.seconds();
    advance(milliseconds(4));
    EXPECT_EQ(standing(contact), Standing::doubted) << uptime.seconds();
  }
}

TEST_F(TableNamingTest, WhoAnsweredLateIsNotAwaitedTheNextTime) {
  pong(one);
  answer_after(one, naming_slow + milliseconds(10));
  advance(named_trust_min + milliseconds(1));
  EXPECT_EQ(standing(one), Standing::doubted);
  answer_after(one, milliseconds(10));
  advance(named_trust_min + milliseconds(1));
  EXPECT_EQ(standing(one), Standing::awaited) << "it has become quick";
}

TEST_F(TableNamingTest, WhoAnsweredAfterTheWaitIsNotAwaitedTheNextTime) {
  pong(one);
  answer_after(one, naming_wait + milliseconds(100));
  EXPECT_EQ(standing(one), Standing::trusted);
  advance(named_trust_min + milliseconds(1));
  EXPECT_EQ(standing(one), Standing::doubted);
}

TEST_F(TableNamingTest, AfterOneFailureAContactMustAnswerFirst) {
  be_up_for(one, hours(1));
  table->failed(one, now);
  EXPECT_EQ(standing(one), Standing::awaited);
  answer_after(one, milliseconds(10));
  EXPECT_EQ(standing(one), Standing::trusted);
}

TEST_F(TableNamingTest, ARestoredContactMustAnswerFirstAndIsAsOldAsItWas) {
  table->restore(one, now - minutes(10), now);
  EXPECT_EQ(standing(one), Standing::awaited);
  answer_after(one, milliseconds(10));
  advance(minutes(1));
  EXPECT_EQ(standing(one), Standing::trusted) << "up for ten minutes: trusted for 85 s";
}

TEST_F(TableNamingTest, APingThatCouldNotBeSentIsNotHeldAgainstTheContact) {
  pong(one);
  ASSERT_TRUE(pings_for_an_answer(one));
  table->not_asked(one, now);
  advance(seconds(1));
  EXPECT_EQ(standing(one), Standing::awaited);
  EXPECT_TRUE(pings_for_an_answer(one));
}

TEST_F(TableNamingTest, PingsForAnswersArePacedAndTheAwaitedComeFirst) {
  config.named_pings_a_second = 20;
  make_table();
  std::vector<Contact> contacts;
  for (uint32_t i = 0; i < 60; ++i) {
    contacts.push_back(far_contact(i));
    contacts.back().id = random_id_in_range(self, i % 6, rng);
  }
  for (uint32_t i = 0; i < 30; ++i) pong(contacts[i]);
  now = now + hours(1);
  for (uint32_t i = 0; i < 30; ++i) pong(contacts[i]);  // Old, and soon in need of a ping.
  now = now + minutes(20);
  advance({});
  for (uint32_t i = 30; i < 60; ++i) pong(contacts[i]);
  uint32_t doubted = 0;
  for (uint32_t i = 0; i < 30; ++i) doubted += pings_for_an_answer(contacts[i]);
  EXPECT_EQ(doubted, 10u) << "half a second's worth";
  uint32_t awaited = 0;
  for (uint32_t i = 30; i < 60; ++i) awaited += pings_for_an_answer(contacts[i]);
  EXPECT_EQ(awaited, 10u) << "the other half";
}

TEST_F(TableNamingTest, AContactThatIsNotFiledIsNotPinged) {
  EXPECT_FALSE(pings_for_an_answer(one));
  pong(one);
  Contact elsewhere = one;
  elsewhere.endpoint.port = 4001;
  EXPECT_FALSE(pings_for_an_answer(elsewhere));
}

TEST_F(TableNamingTest, AnAnswerLeavesOutTheAskersEndpointAndTheAskersId) {
  for (uint32_t i = 0; i < 5; ++i) pong(far_contact(i));
  const Contact asker{far_contact(1).id, far_contact(2).endpoint};
  std::vector<ContactHandle> found(bucket_size);
  found.resize(table->nearest(one.id, asker, Awaited::included, {}, found).count);
  EXPECT_EQ(found.size(), 3u);
  for (const ContactHandle handle : found) {
    EXPECT_NE(book.id(handle), asker.id);
    EXPECT_NE(book.endpoint(handle), asker.endpoint);
  }
}

}  // namespace
}  // namespace xord
