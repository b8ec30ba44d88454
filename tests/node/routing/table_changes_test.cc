// What a table tells of its changes: arrivals for the replicator, a version for whoever saves it,
// and counts of what it refused.
#include <utility>

#include "tests/node/routing/table_fixture.h"

namespace xord {
namespace {

class TableChangesTest : public RoutingTableTest {
 protected:
  // Of two shards, this one owns the ranges of even numbers.
  void make_half() {
    table.reset();
    table.emplace(config, self, ShardIndex{0}, 2, book, start);
  }
  uint64_t refused(TableRefusal why) const { return table->refusals().read(why); }
};

TEST_F(TableChangesTest, ArrivalsAreKeptUntilTheyAreTakenWithTheTimeOfTheOldest) {
  EXPECT_EQ(table->arrived_at(), std::nullopt);
  EXPECT_EQ(table->take_arrival(), std::nullopt);
  pong(far_contact(1));
  now = now + seconds(5);
  pong(far_contact(2));
  pong(far_contact(2));  // It has been there.
  EXPECT_EQ(table->arrived_at(), start);
  EXPECT_EQ(table->take_arrival(), far_contact(2));
  EXPECT_EQ(table->arrived_at(), start);
  EXPECT_EQ(table->take_arrival(), far_contact(1));
  EXPECT_EQ(table->arrived_at(), std::nullopt);
  pong(far_contact(3));
  EXPECT_EQ(table->arrived_at(), now);
}

TEST_F(TableChangesTest, OfTooManyArrivalsTheFirstSixtyFourAreKept) {
  for (uint32_t i = 0; i < 300; ++i) {
    Contact contact = far_contact(i);
    rng.fill(contact.id.bytes);
    pong(contact);
  }
  ASSERT_GT(table->count(), 64u);
  uint32_t taken = 0;
  while (table->take_arrival()) ++taken;
  EXPECT_EQ(taken, 64u);
}

TEST_F(TableChangesTest, AContactOfAnEarlierRunIsNoArrival) {
  table->restore(far_contact(1), now - minutes(1), now);
  pong(far_contact(1));
  EXPECT_TRUE(table->is_filed(far_contact(1)));
  EXPECT_EQ(table->take_arrival(), std::nullopt);
}

TEST_F(TableChangesTest, ArrivalsOfAnotherShardCountToo) {
  make_half();
  table->apply({ContactChange::Kind::arrived, Standing::awaited, contact_in(0x40, 1)}, now);
  table->apply({ContactChange::Kind::filed, Standing::awaited, contact_in(0x40, 2)}, now);
  EXPECT_EQ(table->arrived_at(), now);
  EXPECT_EQ(table->take_arrival(), contact_in(0x40, 1));
  EXPECT_EQ(table->take_arrival(), std::nullopt) << "from an earlier run";
}

TEST_F(TableChangesTest, TheVersionChangesWithWhoIsInABucketAndWithNothingElse) {
  uint64_t version = table->version();
  const auto has_changed = [&] {
    return table->version() != std::exchange(version, table->version());
  };
  pong(far_contact(1));
  EXPECT_TRUE(has_changed());
  now = now + minutes(2);
  pong(far_contact(1));
  table->failed(far_contact(1), now);
  EXPECT_FALSE(has_changed());
  table->displaced(far_contact(1), now);
  EXPECT_TRUE(has_changed());
  table->restore(far_contact(2), now - minutes(1), now);
  EXPECT_TRUE(has_changed());
  table->restore(far_contact(2), now - minutes(1), now);
  EXPECT_FALSE(has_changed());
}

TEST_F(TableChangesTest, ARestoredContactTakesNobodysPlace) {
  pong(far_contact(1));
  Contact same_id = far_contact(1);
  same_id.endpoint.port = 5000;
  table->restore(same_id, now - minutes(1), now);
  Contact same_endpoint = far_contact(2);
  same_endpoint.endpoint = far_contact(1).endpoint;
  table->restore(same_endpoint, now - minutes(1), now);
  table->restore({config.client_id, far_contact(3).endpoint}, now - minutes(1), now);
  EXPECT_EQ(table->count(), 1u);
  EXPECT_TRUE(table->is_filed(far_contact(1)));
  table->check_invariants();
}

TEST_F(TableChangesTest, ARangeForWhichNoBucketIsLeftIsRefusedAndCounted) {
  config.buckets_max = 2;
  make_table();
  pong(contact_in(0x80, 1));
  pong(contact_in(0x40, 2));
  ASSERT_EQ(table->count(), 2u);
  EXPECT_EQ(refused(TableRefusal::buckets_full), 0u);
  pong(contact_in(0x20, 3));
  EXPECT_EQ(table->count(), 2u);
  EXPECT_EQ(refused(TableRefusal::buckets_full), 1u);
}

TEST_F(TableChangesTest, WhatAnotherShardFiledBeyondTheRoomHereIsCounted) {
  config.contacts_max = 10;
  make_half();
  constexpr uint32_t slack = 1024;  // For changes on their way.
  const auto file = [&](uint32_t number) {
    table->apply({ContactChange::Kind::filed, Standing::trusted, contact_in(0x40, number)}, now);
  };
  for (uint32_t i = 0; i < config.contacts_max + slack; ++i) file(i);
  EXPECT_EQ(table->count(), config.contacts_max + slack);
  EXPECT_EQ(refused(TableRefusal::replica_full), 0u);
  file(5000);
  EXPECT_EQ(table->count(), config.contacts_max + slack);
  EXPECT_EQ(refused(TableRefusal::replica_full), 1u);
}

TEST_F(TableChangesTest, NobodyIsFiledWhileTooManyChangesWaitToBeSent) {
  make_half();
  constexpr size_t reserved = 2 * bucket_size;  // What one call may make.
  while (table->changes().size() + reserved <= 1024) {
    pong(far_contact(1));
    for (int failures = 0; failures < 2; ++failures) table->failed(far_contact(1), now);
  }
  EXPECT_EQ(refused(TableRefusal::changes_full), 0u);
  pong(far_contact(2));
  EXPECT_FALSE(table->is_filed(far_contact(2)));
  EXPECT_EQ(refused(TableRefusal::changes_full), 1u);
  table->displaced(far_contact(1), now);
  EXPECT_TRUE(table->is_filed(far_contact(1)));
  EXPECT_EQ(refused(TableRefusal::changes_full), 2u);
  table->changes_sent(table->changes().size());
  pong(far_contact(2));
  EXPECT_TRUE(table->is_filed(far_contact(2)));
  ASSERT_EQ(table->changes().size(), 1u);
  EXPECT_EQ(table->changes()[0].kind, ContactChange::Kind::arrived);
  EXPECT_EQ(table->changes()[0].contact, far_contact(2));
}

}  // namespace
}  // namespace xord
