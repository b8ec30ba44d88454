// What the routing table requests by itself: pings, refreshes, and their pace.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "tests/node/routing/table_fixture.h"

namespace xord {
namespace {

using TableUpkeepTest = RoutingTableTest;

TEST_F(TableUpkeepTest, ASilentContactIsLeftAloneForEverLongerIntervals) {
  const Contact contact = far_contact(1);
  table->observe(contact, Evidence::ponged, now);
  std::vector<Duration> pauses;
  table->failed(contact, now);
  Instant failed_at = now;
  while (pauses.size() < 9) {
    for (const TableAction& action : advance(seconds(1))) {
      if (action.kind != Kind::ping_silent) continue;
      pauses.push_back(now - failed_at);
      table->failed(contact, now);
      failed_at = now;
    }
  }
  for (size_t i = 1; i < pauses.size(); ++i) {
    EXPECT_GE(pauses[i].nanoseconds, std::min(pauses[i - 1] * 19 / 10, hours(1)).nanoseconds);
  }
}

TEST_F(TableUpkeepTest, ABucketWithoutALookupForAnHourIsRefreshedWithAnIdOfItsRange) {
  fill_bucket();
  uint32_t refreshes = 0;
  uint32_t own_refreshes = 0;  // For ids nearer than the nearest contact.
  for (const TableAction& action : advance(hours(3))) {
    if (action.kind == Kind::ping_upkeep) {
      table->observe(action.contact, Evidence::ponged, now);
    }
    if (action.kind != Kind::refresh) continue;
    if (shared_prefix(self, action.target) == 1) {
      ++own_refreshes;
      continue;
    }
    ++refreshes;
    EXPECT_EQ(shared_prefix(self, action.target), 0u);
  }
  EXPECT_GE(refreshes, 2u);
  EXPECT_LE(refreshes, 3u);
  EXPECT_GE(own_refreshes, 2u);
  EXPECT_LE(own_refreshes, 3u);
}

TEST_F(TableUpkeepTest, ALookupInItsRangePostponesTheRefreshOfABucket) {
  table->observe(far_contact(1), Evidence::ponged, now);
  for (int i = 0; i < 6; ++i) {
    for (const TableAction& action : advance(minutes(30))) EXPECT_NE(action.kind, Kind::refresh);
    table->note_lookup(far_contact(1).id, now);
    table->note_lookup(self, now);
  }
}

TEST_F(TableUpkeepTest, ARestoredContactIsHandedOutForAQuarterOfAnHourAfterItsAnswer) {
  const Contact contact = far_contact(1);
  table->restore(contact, now - minutes(10), now);
  EXPECT_TRUE(hands_out(contact));
  EXPECT_EQ(advance(seconds(2)).at(0).kind, Kind::ping_upkeep) << "asked soon";
  advance(minutes(6));
  EXPECT_FALSE(hands_out(contact));
  table->observe(contact, Evidence::ponged, now);
  advance(hours(2));
  EXPECT_TRUE(hands_out(contact)) << "it answered in this run";
}

TEST_F(TableUpkeepTest, AContactRestoredLateIsNotHandedOutBeforeItAnswers) {
  const Contact contact = far_contact(1);
  table->restore(contact, now - hours(2), now);
  EXPECT_EQ(table->count(), 1u);
  EXPECT_FALSE(hands_out(contact));
  table->observe(contact, Evidence::ponged, now);
  EXPECT_TRUE(hands_out(contact));
}

TEST_F(TableUpkeepTest, ARestoredAnswerIsGoodForAQuarterOfAnHourToTheMillisecond) {
  const Contact contact = far_contact(1);
  table->restore(contact, now - minutes(10), now);
  advance(minutes(5) - milliseconds(1));
  EXPECT_TRUE(hands_out(contact));
  advance(milliseconds(2));
  EXPECT_FALSE(hands_out(contact));
}

TEST_F(TableUpkeepTest, RestoredContactsArePingedInTurnAndNotInABurst) {
  config.buckets_max = 2000;
  make_table();
  for (uint32_t i = 0; i < 800; ++i) {
    Contact contact = far_contact(i);
    contact.id = random_id_in_range(self, i % 50, rng);
    table->restore(contact, now - minutes(20), now);
  }
  ASSERT_EQ(table->count(), 800u);
  std::map<Id, uint32_t> pings;
  uint32_t pings_a_second_max = 0;
  for (int second = 0; second < 30; ++second) {
    const std::vector<TableAction> actions = advance(seconds(1));
    pings_a_second_max = std::max(pings_a_second_max, static_cast<uint32_t>(actions.size()));
    for (const TableAction& action : actions) {
      ++pings[action.contact.id];
      table->observe(action.contact, Evidence::ponged, now);
    }
  }
  EXPECT_EQ(pings.size(), 800u);
  EXPECT_LE(pings_a_second_max, 250u);
  EXPECT_EQ(table->answerable_count(), 800u);
}

// Each in a bucket of its own, so that the pace of a bucket does not hold them up.
TEST_F(TableUpkeepTest, EachRestoredContactIsPingedAPaceAfterTheOneBefore) {
  std::vector<Contact> contacts;
  for (uint32_t i = 0; i < 10; ++i) {
    contacts.push_back(far_contact(i));
    contacts[i].id = random_id_in_range(self, i, rng);
    table->restore(contacts[i], now, now);
    table->restore(contacts[i], now, now);  // It has a place: this one takes no turn.
  }
  for (uint32_t i = 0; i < 10; ++i) {
    const std::vector<TableAction> actions = advance(i == 0 ? milliseconds(1) : restored_pace);
    ASSERT_EQ(actions.size(), 1u) << i;
    EXPECT_EQ(actions[0].kind, Kind::ping_upkeep);
    EXPECT_EQ(actions[0].contact, contacts[i]);
  }
}

TEST_F(TableUpkeepTest, AContactThatHasNotAnsweredForHalfAnHourIsPinged) {
  pong(far_contact(1));
  now = now + youth;
  pong(far_contact(1));
  for (const TableAction& action : advance(minutes(29))) {
    EXPECT_NE(action.kind, Kind::ping_upkeep);
  }
  const std::vector<TableAction> actions = advance(minutes(2) + seconds(1));
  ASSERT_EQ(actions.size(), 2u) << "and again a minute later, as nothing came of it";
  EXPECT_EQ(actions[0].kind, Kind::ping_upkeep);
  EXPECT_EQ(actions[0].contact, far_contact(1));
}

// A node restarted at its address answers lookups just as the previous one did.
TEST_F(TableUpkeepTest, AContactThatAnswersLookupsIsPingedForItsIdAllTheSame) {
  pong(far_contact(1));
  now = now + youth;
  pong(far_contact(1));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(advance(minutes(5)).empty());
    table->observe(far_contact(1), Evidence::answered, now);
  }
  const std::vector<TableAction> actions = advance(minutes(6) - seconds(1));
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].kind, Kind::ping_upkeep);
  EXPECT_EQ(actions[0].contact, far_contact(1));
}

TEST_F(TableUpkeepTest, ASpareWhosePongIsOldIsPingedAsSoonAsItTakesAPlace) {
  fill_bucket();
  now = now + minutes(2);
  for (uint32_t i = 0; i < bucket_size; ++i) pong(far_contact(i));
  pong(far_contact(99));
  for (uint32_t i = 0; i < bucket_size; ++i) {
    table->observe(far_contact(i), Evidence::answered, now + minutes(20));
  }
  now = now + minutes(20);
  for (int i = 0; i < failures_max; ++i) table->failed(far_contact(0), now);
  ASSERT_TRUE(hands_out(far_contact(99)));
  const std::vector<TableAction> actions = advance(seconds(1));
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].contact, far_contact(99));
}

TEST_F(TableUpkeepTest, RangesWithoutAContactAreRefreshedAsFarAsTheNearestOneAndTheNext) {
  Contact near = far_contact(1);
  near.id = random_id_in_range(self, 5, rng);
  pong(near);
  std::map<uint32_t, uint32_t> refreshes;
  for (const TableAction& action : advance(hours(4) + minutes(30))) {
    if (action.kind == Kind::refresh) ++refreshes[shared_prefix(self, action.target)];
  }
  ASSERT_EQ(refreshes.size(), 7u) << "ranges 0 to 6";
  for (const auto& [range, count] : refreshes) {
    EXPECT_LE(range, 6u);
    EXPECT_GE(count, 3u);
    EXPECT_LE(count, 5u);
  }
}

TEST_F(TableUpkeepTest, AnEmptyTableAsksForNothing) {
  EXPECT_TRUE(advance(hours(24)).empty());
}

TEST_F(TableUpkeepTest, EachPartOfASplitRangeIsRefreshed) {
  for (uint32_t i = 0; i < 16; ++i) {
    for (uint32_t j = 0; j < bucket_size; ++j) {
      Contact contact = far_contact(i * 100 + j);
      contact.id.bytes[0] = static_cast<uint8_t>(0x80 | i << 3);
      pong(contact);
    }
  }
  std::map<int, uint32_t> refreshes;
  for (const TableAction& action : advance(minutes(67))) {
    if (action.kind == Kind::refresh && shared_prefix(self, action.target) == 0) {
      ++refreshes[action.target.bytes[0] >> 3];
    }
  }
  EXPECT_EQ(refreshes.size(), 16u);
}

TEST_F(TableUpkeepTest, ASilentContactIsPingedAfterAMinuteThenTwiceAsLateAndHourlyInTheEnd) {
  const Contact contact = far_contact(1);
  pong(contact);
  table->failed(contact, now);
  for (const int64_t pause : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    const Instant failed_at = now;
    std::optional<Instant> pinged_at;
    while (!pinged_at) {
      for (const TableAction& action : advance(milliseconds(100))) {
        if (action.kind == Kind::ping_silent) pinged_at = now;
      }
    }
    EXPECT_GE(*pinged_at - failed_at, minutes(pause));
    EXPECT_LE(*pinged_at - failed_at, minutes(pause) + milliseconds(200));
    table->failed(contact, now);
  }
}

TEST_F(TableUpkeepTest, ABucketPingsTwoOfItsContactsASecond) {
  fill_bucket();
  now = now + youth;
  for (uint32_t i = 0; i < bucket_size; ++i) pong(far_contact(i));
  EXPECT_TRUE(advance(upkeep_after - milliseconds(1)).empty());
  std::vector<size_t> pings;
  for (int second = 0; second < 11; ++second) {
    pings.push_back(0);
    for (const TableAction& action : advance(seconds(1))) {
      ASSERT_EQ(action.kind, Kind::ping_upkeep);
      ++pings.back();
      table->observe(action.contact, Evidence::ponged, now);
    }
  }
  EXPECT_EQ(pings, (std::vector<size_t>{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0}));
}

TEST_F(TableUpkeepTest, RefreshesComeAnHourApartGiveOrTakeATenthAndNotTogether) {
  constexpr uint32_t ranges = 30;
  for (uint32_t range = 0; range < ranges; ++range) {
    Contact contact = far_contact(range);
    contact.id = random_id_in_range(self, range, rng);
    pong(contact);
  }
  const Instant began = now;
  std::map<uint32_t, Duration> first;
  while (now - began < minutes(67)) {
    for (const TableAction& action : advance(seconds(1))) {
      if (action.kind != Kind::refresh) continue;
      first.try_emplace(shared_prefix(self, action.target), now - began);
    }
  }
  Duration least = hours(2);
  Duration most{};
  for (uint32_t range = 0; range < ranges; ++range) {
    ASSERT_TRUE(first.contains(range)) << range;
    least = std::min(least, first[range]);
    most = std::max(most, first[range]);
  }
  EXPECT_GE(least, minutes(54));
  EXPECT_LE(least, minutes(57));
  EXPECT_GE(most, minutes(63));
  EXPECT_LE(most, minutes(66) + seconds(2));
}

}  // namespace
}  // namespace xord
