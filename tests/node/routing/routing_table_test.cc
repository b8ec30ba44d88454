// Which contacts enter a bucket, keep a place, and are handed out: one rule a test.
#include <gtest/gtest.h>

#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/routing/table_fixture.h"

namespace xord {
namespace {

TEST_F(RoutingTableTest, AContactEntersByAPongOnly) {
  const Contact contact = far_contact(1);
  EXPECT_EQ(table->observe(contact, Evidence::queried_us, now).kind, Kind::ping_newcomer);
  EXPECT_EQ(table->count(), 0u);
  EXPECT_EQ(table->observe(far_contact(2), Evidence::answered, now).kind, Kind::ping_newcomer);
  EXPECT_EQ(table->count(), 0u);
  table->observe(contact, Evidence::ponged, now);
  EXPECT_TRUE(hands_out(contact));
}

TEST_F(RoutingTableTest, ANewcomerIsPingedOnceAMinute) {
  const Contact contact = far_contact(1);
  EXPECT_EQ(table->observe(contact, Evidence::queried_us, now).kind, Kind::ping_newcomer);
  EXPECT_EQ(table->observe(contact, Evidence::queried_us, now + seconds(59)).kind, Kind::none);
  EXPECT_EQ(table->observe(contact, Evidence::queried_us, now + seconds(61)).kind,
            Kind::ping_newcomer);
}

TEST_F(RoutingTableTest, NeitherTheOwnIdNorTheSharedClientIdIsFiled) {
  table->observe({self, Endpoint::ipv4(0x0a000001, 1)}, Evidence::ponged, now);
  table->observe({config.client_id, Endpoint::ipv4(0x0a000002, 1)}, Evidence::ponged, now);
  EXPECT_EQ(table->count(), 0u);
}

TEST_F(RoutingTableTest, ALiveContactIsNeverDisplacedByANewcomer) {
  fill_bucket();
  now = now + minutes(2);
  const TableAction action = table->observe(far_contact(99), Evidence::ponged, now);
  EXPECT_EQ(action.kind, Kind::ping_oldest);
  EXPECT_EQ(action.contact, far_contact(0)) << "the least recently seen is asked";
  EXPECT_FALSE(hands_out(far_contact(99)));
  table->observe(far_contact(0), Evidence::ponged, now);
  EXPECT_TRUE(hands_out(far_contact(0)));
  EXPECT_FALSE(hands_out(far_contact(99)));
  const TableAction next = table->observe(far_contact(98), Evidence::ponged, now);
  EXPECT_EQ(next.contact, far_contact(1)) << "the one that answered is at the tail now";
}

// What a simulation compares the rule above with.
TEST_F(RoutingTableTest, WithoutPreferenceForOldContactsANewcomerDisplacesTheLeastRecentlySeen) {
  config.prefers_old_contacts = false;
  make_table();
  fill_bucket();
  const TableAction action = table->observe(far_contact(99), Evidence::ponged, now);
  EXPECT_EQ(action.kind, Kind::none);
  EXPECT_TRUE(hands_out(far_contact(99)));
  EXPECT_FALSE(hands_out(far_contact(0)));
  EXPECT_TRUE(hands_out(far_contact(1)));
}

TEST_F(RoutingTableTest, TheOldestIsDroppedForTheNewestSpareWhenPingAndRepeatStaySilent) {
  fill_bucket();
  now = now + minutes(2);
  table->observe(far_contact(98), Evidence::ponged, now);
  table->observe(far_contact(99), Evidence::ponged, now);
  table->failed(far_contact(0), now + seconds(5));
  EXPECT_FALSE(hands_out(far_contact(99))) << "one loss displaces nobody";
  table->failed(far_contact(0), now + seconds(6));
  EXPECT_FALSE(hands_out(far_contact(0)));
  EXPECT_TRUE(hands_out(far_contact(99)));
  EXPECT_FALSE(hands_out(far_contact(98)));
}

TEST_F(RoutingTableTest, AContactIsHandedOutWhileItFailedAtMostOnceSinceItAnswered) {
  const Contact contact = far_contact(1);
  table->observe(contact, Evidence::ponged, now);
  table->failed(contact, now);
  EXPECT_TRUE(hands_out(contact));
  table->failed(contact, now);
  EXPECT_FALSE(hands_out(contact));
  EXPECT_EQ(table->count(), 1u) << "only flagged: there is nobody to take its place";
  table->observe(contact, Evidence::answered, now);
  EXPECT_TRUE(hands_out(contact));
}

TEST_F(RoutingTableTest, AStaleContactIsReplacedAsSoonAsThereIsAReplacement) {
  fill_bucket();
  for (int i = 0; i < 5; ++i) table->failed(far_contact(3), now);
  EXPECT_EQ(table->count(), bucket_size);
  pong(far_contact(99));
  EXPECT_TRUE(hands_out(far_contact(99)));
  EXPECT_EQ(table->count(), bucket_size);
  pong(far_contact(98));  // A spare.
  for (int i = 0; i < 4; ++i) table->failed(far_contact(4), now);
  EXPECT_FALSE(hands_out(far_contact(98))) << "four failures make nobody stale";
  table->failed(far_contact(4), now);
  EXPECT_TRUE(hands_out(far_contact(98)));
  EXPECT_EQ(table->count(), bucket_size);
}

TEST_F(RoutingTableTest, AQueryRefreshesThePlaceOnlyOfAContactThatAnsweredLately) {
  fill_bucket();
  now = now + minutes(2);
  table->observe(far_contact(0), Evidence::queried_us, now);
  EXPECT_EQ(table->observe(far_contact(99), Evidence::ponged, now).contact, far_contact(1));
  now = now + minutes(14);
  table->observe(far_contact(2), Evidence::queried_us, now);
  EXPECT_EQ(table->observe(far_contact(98), Evidence::ponged, now).contact, far_contact(1));
  now = now + probe_lifetime;
  EXPECT_EQ(table->observe(far_contact(97), Evidence::ponged, now).contact, far_contact(1))
      << "2 last answered 16 minutes ago: its query does not move it";
}

TEST_F(RoutingTableTest, TheHolderOfAnIdKeepsItsPlaceAgainstAnotherEndpointWhileItAnswers) {
  const Contact holder = far_contact(1);
  Contact other = holder;
  other.endpoint = Endpoint::ipv4(0x0a0000ff, 5000);
  table->observe(holder, Evidence::ponged, now);
  const TableAction action = table->observe(other, Evidence::ponged, now);
  EXPECT_EQ(action.kind, Kind::ping_oldest);
  EXPECT_EQ(action.contact, holder);
  EXPECT_TRUE(hands_out(holder));
  table->failed(holder, now + seconds(5));
  table->failed(holder, now + seconds(6));
  EXPECT_FALSE(hands_out(holder));
  EXPECT_TRUE(hands_out(other));
}

TEST_F(RoutingTableTest, AnEndpointHasOneEntryAndItsNewIdDisplacesTheOldOne) {
  const Contact before = far_contact(1);
  Contact after = far_contact(2);
  after.endpoint = before.endpoint;
  table->observe(before, Evidence::ponged, now);
  table->observe(after, Evidence::ponged, now);
  EXPECT_FALSE(hands_out(before));
  EXPECT_EQ(table->count(), 1u);
  EXPECT_TRUE(hands_out(after));
}

TEST_F(RoutingTableTest, AFullBucketIsSplitByUpToFourFurtherBits) {
  for (uint32_t i = 0; i < 32; ++i) {
    for (uint32_t j = 0; j < bucket_size; ++j) {
      Contact contact = far_contact(i * 100 + j);
      contact.id.bytes[0] = static_cast<uint8_t>(0x80 | i << 2);
      table->observe(contact, Evidence::ponged, now);
      table->check_invariants();
    }
  }
  EXPECT_EQ(table->count(), 16 * bucket_size) << "sixteen buckets of the farthest half";
}

// Twenty of each range, which no further bit tells apart.
TEST_F(RoutingTableTest, AllContactsOfTheOwnSubtreeAreKept) {
  constexpr uint32_t ranges = 40;
  for (uint32_t range = 0; range < ranges; ++range) {
    for (uint32_t i = 0; i < bucket_size; ++i) {
      Contact contact = contact_in(0, range * bucket_size + i);
      contact.id.bytes[range / 8] = static_cast<uint8_t>(0x80 >> range % 8);
      pong(contact);
    }
  }
  EXPECT_EQ(table->count(), ranges * bucket_size);
}

TEST_F(RoutingTableTest, AnOutageOfOurOwnDoesNotEmptyTheTable) {
  fill_bucket();
  for (int round = 0; round < 20; ++round) {
    for (uint32_t i = 0; i < bucket_size; ++i) table->failed(far_contact(i), now);
  }
  EXPECT_EQ(table->count(), bucket_size);
}

TEST_F(RoutingTableTest, AnEndpointThatNobodyCanSendToIsNeverFiled) {
  for (const char* endpoint : {"192.0.2.1:0", "0.0.0.0:4000", "[::]:4000", "224.0.0.1:4000",
                               "255.255.255.255:4000", "[ff02::1]:4000", "[fe80::1]:4000"}) {
    const Contact contact = far_contact_at(1, endpoint);
    EXPECT_EQ(table->observe(contact, Evidence::queried_us, now).kind, Kind::none) << endpoint;
    pong(contact);
    table->restore(contact, now, now);
    EXPECT_EQ(table->count(), 0u) << endpoint;
  }
}

TEST_F(RoutingTableTest, APingBeforeEvictionThatIsAnsweredLeavesTheNewcomerASpare) {
  fill_bucket();
  now = now + minutes(2);
  pong(far_contact(99));
  table->failed(far_contact(0), now);
  table->observe(far_contact(0), Evidence::answered, now);
  table->failed(far_contact(0), now);
  table->failed(far_contact(0), now);
  EXPECT_FALSE(hands_out(far_contact(99))) << "nobody waits for its silence any more";
  for (int i = 0; i < 3; ++i) table->failed(far_contact(0), now);
  EXPECT_TRUE(hands_out(far_contact(99))) << "but five failures in a row make it stale";
}

TEST_F(RoutingTableTest, ASpareThatIsSeenAgainComesFirstAndOneThatFailsIsForgotten) {
  fill_bucket();
  now = now + minutes(2);
  for (const uint32_t number : {97u, 98u, 99u}) pong(far_contact(number));
  table->observe(far_contact(97), Evidence::queried_us, now);
  stay_silent(far_contact(0));
  EXPECT_TRUE(hands_out(far_contact(97)));
  table->failed(far_contact(99), now);
  for (int i = 0; i < failures_max; ++i) table->failed(far_contact(1), now);
  EXPECT_TRUE(hands_out(far_contact(98)));
  EXPECT_FALSE(hands_out(far_contact(99)));
}

TEST_F(RoutingTableTest, ASpareTakesItsPlaceAsOfItsLastAnswer) {
  const Contact claimant = far_contact_at(0, "10.9.9.9:1");  // Of the id that it will follow.
  for (const Contact& spare : {far_contact(99), claimant}) {
    for (const Evidence again : {Evidence::ponged, Evidence::answered, Evidence::queried_us}) {
      make_table();
      fill_bucket();
      now = now + minutes(2);
      const Instant first = now;
      pong(spare);
      now = now + minutes(10);
      table->observe(spare, again, now);
      for (int i = 0; i < failures_max; ++i) table->failed(far_contact(0), now);
      std::optional<Instant> answered;
      table->for_each_own_contact([&](const Contact& contact, Instant last) {
        if (contact == spare) answered = last;
      });
      EXPECT_EQ(answered, again == Evidence::queried_us ? first : now);
    }
  }
}

TEST_F(RoutingTableTest, TheReplacementCacheIsBounded) {
  fill_bucket();
  const uint32_t in_book = book.count();
  for (uint32_t i = 0; i < 100; ++i) {
    EXPECT_EQ(pong(far_contact(100 + i)).kind, Kind::none) << "the oldest answered just now";
  }
  EXPECT_EQ(book.count(), in_book + Bucket::spares_max);
}

TEST_F(RoutingTableTest, TheHolderOfAnIdIsPingedOnceWhoeverClaimsItMeanwhile) {
  const Contact holder = far_contact(1);
  pong(holder);
  EXPECT_EQ(pong(far_contact_at(1, "10.9.9.9:1")).kind, Kind::ping_oldest);
  EXPECT_EQ(pong(far_contact_at(1, "10.9.9.8:1")).kind, Kind::none);
  pong(holder);
  stay_silent(holder);
  EXPECT_EQ(table->count(), 1u);
  EXPECT_FALSE(hands_out(far_contact_at(1, "10.9.9.9:1"))) << "the ping was answered";
}

TEST_F(RoutingTableTest, ANewIdTakesThePlaceOfTheOldOneOfItsEndpointInAFullBucket) {
  fill_bucket();
  pong(far_contact(50));  // A spare.
  Contact after = far_contact(99);
  after.endpoint = far_contact(7).endpoint;
  pong(after);
  EXPECT_TRUE(hands_out(after));
  EXPECT_FALSE(hands_out(far_contact(7)));
  EXPECT_FALSE(hands_out(far_contact(50)));
  EXPECT_EQ(table->count(), bucket_size);
}

TEST_F(RoutingTableTest, AnEndpointThatAnswersWithTheClientIdHasLeftItsOldId) {
  pong(far_contact(1));
  pong({config.client_id, far_contact(1).endpoint});
  EXPECT_EQ(table->count(), 0u);
}

TEST_F(RoutingTableTest, ABucketFilesTwoContactsOfASubnetAndTheTableTen) {
  pong(far_contact_at(1, "192.0.2.1:1"));
  pong(far_contact_at(2, "192.0.2.2:1"));
  const Contact third = far_contact_at(3, "192.0.2.3:1");
  EXPECT_EQ(table->observe(third, Evidence::queried_us, now).kind, Kind::none) << "not even pinged";
  pong(third);
  EXPECT_EQ(table->count(), 2u);
  pong(far_contact_at(4, "192.0.3.3:1"));
  EXPECT_EQ(table->count(), 3u) << "of another /24";
  for (uint32_t range = 1; range < 20; ++range) {
    const std::string endpoint = "192.0.2." + std::to_string(100 + range) + ":1";
    pong({random_id_in_range(self, range, rng), *Endpoint::parse(endpoint)});
  }
  EXPECT_EQ(table->count(), 11u) << "ten of the first /24, one of the second";
  EXPECT_GT(table->refusals().read(TableRefusal::subnet), 0u);
  table->displaced(far_contact_at(1, "192.0.2.1:1"), now);
  pong(third);
  EXPECT_EQ(table->count(), 11u) << "what left makes room";
}

TEST_F(RoutingTableTest, ASubnetOfIpv6IsASlash64) {
  for (uint32_t i = 0; i < 5; ++i) {
    pong(far_contact_at(i, ("[2001:db8:0:1::" + std::to_string(i) + "]:1").c_str()));
    pong(far_contact_at(100 + i, ("[2001:db8:0:" + std::to_string(i + 2) + "::1]:1").c_str()));
  }
  EXPECT_EQ(table->count(), 2u + 5u);
}

TEST_F(RoutingTableTest, AFullSubnetWaitsInNoReplacementCache) {
  fill_bucket();
  now = now + minutes(2);
  for (uint32_t i = 0; i < 10; ++i) {
    pong(far_contact_at(100 + i, ("192.0.2." + std::to_string(i) + ":1").c_str()));
  }
  for (uint32_t i = 0; i < 6; ++i) {
    for (int failure = 0; failure < failures_max; ++failure) table->failed(far_contact(i), now);
  }
  uint32_t taken = 0;
  table->for_each_own_contact(
      [&](const Contact& contact, Instant) { taken += !contact.endpoint.address.is_local(); });
  EXPECT_EQ(taken, 2u);
}

TEST_F(RoutingTableTest, AContactMayMoveWithinItsFullSubnet) {
  pong(far_contact_at(1, "192.0.2.1:1"));
  pong(far_contact_at(2, "192.0.2.2:1"));
  const Contact moved = far_contact_at(1, "192.0.2.1:2");
  EXPECT_EQ(pong(moved).kind, Kind::ping_oldest);
  stay_silent(far_contact_at(1, "192.0.2.1:1"));
  EXPECT_TRUE(hands_out(moved));
  pong(far_contact_at(3, "192.0.2.2:1"));
  EXPECT_TRUE(hands_out(far_contact_at(3, "192.0.2.2:1"))) << "a new id at a known endpoint";
  EXPECT_EQ(table->count(), 2u);
}

TEST_F(RoutingTableTest, LocalAddressesAreLimitedOnlyWhenAskedFor) {
  fill_bucket();  // All in one /24 of 10/8.
  config.subnets.local = LocalSubnets::limited;
  make_table();
  for (uint32_t i = 0; i < bucket_size; ++i) pong(far_contact(i));
  EXPECT_EQ(table->count(), 2u);
}

TEST_F(RoutingTableTest, AFullTableStillReplacesWhoIsGone) {
  config.contacts_max = 5;
  make_table();
  for (uint32_t i = 0; i < 5; ++i) pong(far_contact(i));
  now = now + minutes(2);
  EXPECT_EQ(pong(far_contact(99)).contact, far_contact(0));
  EXPECT_GT(table->refusals().read(TableRefusal::table_full), 0u);
  stay_silent(far_contact(0));
  EXPECT_TRUE(hands_out(far_contact(99)));
  EXPECT_EQ(table->count(), 5u);
}

// ::1 is exempt from the limits of a subnet and is not counted; ::2 is limited, in the same /64.
TEST_F(RoutingTableTest, AnExemptContactTakesNoPlaceOfALimitedOneInItsSubnet) {
  pong(far_contact_at(1, "[::1]:4000"));
  const Contact moved = far_contact_at(1, "[::2]:4000");
  EXPECT_EQ(pong(moved).kind, Kind::ping_oldest) << "does the holder still answer?";
  EXPECT_EQ(table->refusals().read(TableRefusal::subnet), 0u);
}

// Splitting a bucket gives its spares places: the newcomer that causes the split may be one of
// them.
TEST_F(RoutingTableTest, ASpareThatASplitGivesAPlaceIsNotFiledTwice) {
  config.contacts_max = bucket_size + 2;
  make_table();
  fill_bucket();
  const Contact near = contact_in(0x40, 50);
  const Contact nearer = contact_in(0x20, 52);
  pong(near);
  pong(nearer);
  const Contact spare = contact_in(0xc0, 51);
  pong(spare);  // The table is full.
  EXPECT_FALSE(hands_out(spare));
  table->displaced(near, now);
  table->displaced(nearer, now);
  pong(spare);
  EXPECT_TRUE(hands_out(spare));
  EXPECT_EQ(table->count(), bucket_size + 1);
  table->check_invariants();
}

TEST_F(RoutingTableTest, ASplitDoesNotFileTheFormerIdOfTheNewcomersEndpoint) {
  config.contacts_max = bucket_size + 1;
  make_table();
  fill_bucket();
  const Contact near = contact_in(0x40, 50);
  pong(near);
  const Contact former = contact_in(0xc0, 51);
  pong(former);
  table->displaced(near, now);
  Contact newcomer = former;
  newcomer.id.bytes[0] = 0xe0;
  pong(newcomer);
  EXPECT_TRUE(hands_out(newcomer));
  EXPECT_FALSE(hands_out(former));
  table->check_invariants();
}

TEST_F(RoutingTableTest, ContactsFarAwayLeaveHalfOfTheBucketsToThoseNearUs) {
  config.contacts_max = 800;
  config.buckets_max = 20;
  make_table();
  for (uint32_t i = 0; i < 2000; ++i) {
    Contact far = far_contact(i);
    rng.fill(std::span(far.id.bytes).subspan(1, 15));
    far.id.bytes[0] = static_cast<uint8_t>(0x80 | rng.next());
    pong(far);
  }
  EXPECT_EQ(table->buckets_count(), 11u);
  for (uint32_t range = 1; range < 8; ++range) {
    Contact near = far_contact(5000 + range);
    near.id.bytes[0] = static_cast<uint8_t>(0x80 >> range);
    pong(near);
    EXPECT_TRUE(hands_out(near));
  }
}

TEST_F(RoutingTableTest, ABookThatIsFullRefusesAndCounts) {
  ContactBook small(3, rpcudp::encode_contact_tail, 1);
  RoutingTable one(config, self, ShardIndex{0}, 1, small, start);
  for (uint32_t i = 0; i < 5; ++i) one.observe(far_contact(i), Evidence::ponged, now);
  EXPECT_EQ(one.count(), 3u);
  EXPECT_EQ(one.refusals().read(TableRefusal::book_full), 2u);
  one.check_invariants();
}

TEST_F(RoutingTableTest, ATableThatEndsReleasesItsContacts) {
  fill_bucket();
  for (uint32_t i = 0; i < 5; ++i) pong(far_contact(50 + i));
  EXPECT_EQ(book.count(), bucket_size + 5);
  table.reset();
  EXPECT_EQ(book.count(), 0u);
}

TEST_F(RoutingTableTest, CountsHowManyContactsAreNearerToAKey) {
  for (uint32_t i = 1; i <= 15; ++i) {
    Contact contact = far_contact_at(i, ("[fd00:0:0:" + std::to_string(i) + "::1]:1").c_str());
    pong(i % 2 == 0 ? contact : far_contact(i));
  }
  const Id key = far_contact(0).id;
  EXPECT_EQ(table->count_nearer(key, far_contact(8).id, 64), 7u);
  EXPECT_EQ(table->count_nearer(key, far_contact(8).id, 5), 5u);
  EXPECT_EQ(table->count_nearer(key, self, 64), 15u);
  EXPECT_TRUE(table->is_self_among_nearest(key));
  for (uint32_t i = 16; i <= 19; ++i) pong(far_contact(i));
  EXPECT_TRUE(table->is_self_among_nearest(key)) << "19 are nearer";
  pong(far_contact(20));
  EXPECT_FALSE(table->is_self_among_nearest(key));
  EXPECT_TRUE(table->is_self_among_nearest(self));
}

TEST_F(RoutingTableTest, AFullTableRefusesNewcomers) {
  config.contacts_max = 5;
  make_table();
  for (uint32_t i = 0; i < 10; ++i) table->observe(far_contact(i), Evidence::ponged, now);
  EXPECT_EQ(table->count(), 5u);
}

TEST_F(RoutingTableTest, EstimatesAPossibleNetworkWhateverIdsItsNeighboursChose) {
  for (uint32_t i = 1; i <= bucket_size; ++i) {
    Contact contact = far_contact(i);
    contact.id = self;
    contact.id.bytes[id_size - 1] ^= static_cast<uint8_t>(i);
    pong(contact);
  }
  ASSERT_EQ(table->count(), bucket_size);
  EXPECT_EQ(table->network_size(), (uint64_t{1} << 62) + 1);
}

// A ping to a newcomer is worth its price only where there is something to give it.
TEST_F(RoutingTableTest, ANewcomerToAFullBucketIsPingedWhileItCouldAtLeastWaitThere) {
  fill_bucket();
  const auto is_pinged = [&](const Contact& contact) {
    return table->observe(contact, Evidence::queried_us, now).kind == Kind::ping_newcomer;
  };
  for (uint32_t i = 0; i + 1 < Bucket::spares_max; ++i) pong(far_contact(100 + i));
  EXPECT_TRUE(is_pinged(far_contact(200))) << "there is one place left";
  pong(far_contact(150));
  EXPECT_FALSE(is_pinged(far_contact(201)));
  EXPECT_TRUE(is_pinged(far_contact_at(3, "10.9.9.9:1"))) << "an id that has a place";
  now = now + refresh_after - nanoseconds(1);
  EXPECT_FALSE(is_pinged(far_contact(202)));
  now = now + nanoseconds(1);
  EXPECT_TRUE(is_pinged(far_contact(203))) << "the first spare answered an hour ago";
}

// Twenty spares that all claim one id leave nobody to take the place of another.
TEST_F(RoutingTableTest, ANewcomerIsPingedForThePlaceOfAStaleContact) {
  fill_bucket();
  pong(far_contact(50));  // Splits the bucket as far as it goes, and makes way for the others.
  for (uint32_t i = 0; i < Bucket::spares_max; ++i) {
    pong(far_contact_at(0, ("10.9.9." + std::to_string(i) + ":1").c_str()));
  }
  for (int i = 0; i + 1 < failures_max; ++i) table->failed(far_contact(5), now);
  EXPECT_EQ(table->observe(far_contact(98), Evidence::queried_us, now).kind, Kind::none);
  table->failed(far_contact(5), now);
  ASSERT_TRUE(table->is_filed(far_contact(5))) << "there is no replacement";
  EXPECT_EQ(table->observe(far_contact(99), Evidence::queried_us, now).kind, Kind::ping_newcomer);
  pong(far_contact(99));
  EXPECT_TRUE(hands_out(far_contact(99)));
  EXPECT_FALSE(table->is_filed(far_contact(5)));
}

TEST_F(RoutingTableTest, EstimatesTheNetworkFromTheDistanceOfTheTwentiethNearest) {
  EXPECT_EQ(table->network_size(), 1u) << "we ourselves";
  for (uint32_t i = 1; i < bucket_size; ++i) {
    Contact near = far_contact(i);
    near.id = self;
    near.id.bytes[2] = static_cast<uint8_t>(i);
    pong(near);
  }
  EXPECT_EQ(table->network_size(), bucket_size) << "fewer than k are counted, and we";
  Contact last = far_contact(99);
  last.id = self;
  last.id.bytes[1] = 0x40;  // At 2^-10 of the id space.
  pong(last);
  EXPECT_EQ(table->network_size(), 19u * 1024 + 1);
  for (uint32_t i = 0; i < 3; ++i) {
    pong(far_contact_at(200 + i, ("[fd00:0:0:" + std::to_string(i) + "::1]:1").c_str()));
  }
  EXPECT_EQ(table->network_size(), 19u * 1024 + 1 + 3) << "of the other family";
}

TEST_F(RoutingTableTest, ARangeIsOccupiedByAnyAnswerableContactButTheOneLeftOut) {
  EXPECT_TRUE(table->occupied_ranges(Id{}).none());
  EXPECT_FALSE(table->deepest_range());
  const auto in_range = [&](uint32_t range, uint32_t number, const char* endpoint) {
    Contact contact = far_contact_at(number, endpoint);
    contact.id.bytes[0] = static_cast<uint8_t>(0x80 >> range);
    return contact;
  };
  const Contact third = in_range(3, 1, "10.0.0.1:1");
  pong(in_range(0, 2, "10.0.0.2:1"));
  pong(third);
  pong(in_range(5, 3, "[fd00::1]:1"));
  EXPECT_EQ(table->deepest_range(), 5u);
  EXPECT_EQ(table->occupied_ranges(Id{}).to_ullong(), 0b101001u);
  EXPECT_EQ(table->occupied_ranges(third.id).to_ullong(), 0b100001u);
  pong(in_range(3, 4, "10.0.0.4:1"));
  EXPECT_EQ(table->occupied_ranges(third.id).to_ullong(), 0b101001u) << "there is another";
  for (int i = 0; i < 2; ++i) table->failed(in_range(0, 2, "10.0.0.2:1"), now);
  EXPECT_EQ(table->occupied_ranges(Id{}).to_ullong(), 0b101000u) << "the first is silent";
}

TEST_F(RoutingTableTest, TheOldestIsPingedForNewcomersOnceItHasNotAnsweredForAMinute) {
  fill_bucket();
  now = now + oldest_trusted - nanoseconds(1);
  EXPECT_EQ(pong(far_contact(97)).kind, Kind::none);
  now = now + nanoseconds(1);
  EXPECT_EQ(pong(far_contact(98)).kind, Kind::ping_oldest);
  now = now + probe_lifetime - nanoseconds(1);
  EXPECT_EQ(pong(far_contact(99)).kind, Kind::none) << "that ping is in flight";
  now = now + nanoseconds(1);
  EXPECT_EQ(pong(far_contact(99)).kind, Kind::ping_oldest);
}

}  // namespace
}  // namespace xord
