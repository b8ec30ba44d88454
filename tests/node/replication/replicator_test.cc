// The replicator's own rules; its behaviour in networks of nodes is in replication_test.cc.
#include "node/replication/replicator.h"

#include "node/replication/region_messages.h"
#include "tests/node/part_fixture.h"

namespace xord::testing {
namespace {

class ReplicatorTest : public PartTest {
 protected:
  Id key_of_bucket(ShardIndex shard) const {
    for (const uint8_t first : std::array<uint8_t, 3>{0x80, 0x40, 0x20}) {
      if (contacts.table().owner_of(contact(first).id) == shard) return contact(first, 7).id;
    }
    CHECK(false);
    return {};
  }
  Region region_around(const Id& key) const {
    Region region;
    region.prefix = first_of_block(key, 1);
    region.depth = 1;
    return region;
  }

  Replicator replicator{node, requester, contacts, lookups, rounds, store, nullptr, waits, now};
};

TEST_F(ReplicatorTest, WithoutContactsNoRegionIsLookedFor) {
  replicator.begin_region(turn(), LookupPurpose::republish, key_of_bucket(0));
  EXPECT_EQ(count(NodeCounter::region_lookups), 0u);
  EXPECT_EQ(replicator.surveys_count(), 0u);
}

TEST_F(ReplicatorTest, OneLookupIsForAllThatIsDueInARegion) {
  file(contact(0x80));
  file(contact(0x20));
  take_asked();
  replicator.begin_region(turn(), LookupPurpose::republish, key_of_bucket(0));
  replicator.begin_region(turn(), LookupPurpose::republish, key_of_bucket(0));
  EXPECT_EQ(count(NodeCounter::region_lookups), 1u);
  EXPECT_EQ(replicator.surveys_count(), 1u);
  replicator.check_invariants();
}

TEST_F(ReplicatorTest, AFoundRegionIsServedAndThenGivenBack) {
  replicator.accept_region(now, region_around(contact(0x80).id));
  EXPECT_EQ(replicator.regions_count(), 1u);
  ASSERT_TRUE(replicator.next_wakeup());
  EXPECT_LE(*replicator.next_wakeup(), now);
  replicator.advance(turn());
  EXPECT_EQ(replicator.regions_count(), 0u) << "the store is empty";
}

TEST_F(ReplicatorTest, MoreRegionsThanThereIsRoomForAreRefusedAndCounted) {
  const uint32_t most = node_config.budget.regions;
  for (uint32_t i = 0; i <= most; ++i) {
    replicator.accept_region(now, region_around(contact(0x80).id));
  }
  EXPECT_EQ(replicator.regions_count(), most);
  replicator.check_invariants();
  EXPECT_EQ(count(NodeCounter::regions_refused), 1u);
}

TEST_F(ReplicatorTest, ALookupThatFoundNobodyEndsTheSurvey) {
  file(contact(0x80));
  file(contact(0x20));
  take_asked();
  replicator.begin_region(turn(), LookupPurpose::publish, key_of_bucket(0));
  for (int i = 0; i < 3; ++i) {
    now = now + transaction_lifetime * 2;
    for (const Outcome& outcome : overdue()) lookups.take(turn(), outcome);
  }
  const auto event = events.pop();
  ASSERT_TRUE(event);
  EXPECT_EQ(lookups.purpose(event->handle), LookupPurpose::publish);
  replicator.looked_up(turn(), lookups.owner_handle(event->handle), lookups[event->handle]);
  lookups.release(event->handle);
  EXPECT_EQ(replicator.surveys_count(), 0u);
}

TEST(Newcomers, APrefixHasAQuarterOfAQueueOfNewcomersThatIsMoreThanHalfFull) {
  const Budget budget = Budget::simulated();
  const uint32_t most = budget.newcomers;
  const SubnetLimits limits;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    Replication replication(budget, Instant{});
    uint32_t number = 0;
    // Each in another /24 or /64 of the /16 or /32 that begins with these bits.
    const auto add = [&](uint32_t widest) {
      Contact newcomer;
      store_be32(&newcomer.id.bytes[0], ++number);
      newcomer.endpoint = Endpoint::ipv4(widest + (number % 256 << 8) + 1, 4000);
      if (family == Family::ipv6) {
        newcomer.endpoint.address = {};
        store_be32(&newcomer.endpoint.address.bytes[0], widest);
        store_be32(&newcomer.endpoint.address.bytes[4], number << 24 | number << 8 | number);
      }
      return replication.add_newcomer(newcomer, limits);
    };
    for (uint32_t i = 0; i <= most / 2; ++i) EXPECT_TRUE(add(0x2cb00000)) << i;
    EXPECT_FALSE(add(0x2cb00000)) << "more than half, of which it has more than a quarter";
    for (uint32_t i = 0; i < most / 4; ++i) EXPECT_TRUE(add(0x2c630000)) << i;
    EXPECT_FALSE(add(0x2c630000)) << "a quarter";
    const uint32_t own_site = family == Family::ipv4 ? 0x0a000000 : 0xfd000000;
    while (replication.hand_overs.taken_count() < most) {
      ASSERT_TRUE(add(own_site)) << "a site's own are exempt";
    }
    EXPECT_FALSE(add(0x2c640000)) << "full";
  }
}

}  // namespace
}  // namespace xord::testing
