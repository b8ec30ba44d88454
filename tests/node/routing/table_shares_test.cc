// What one prefix can take of the table, and of what an answer names, from 200 honest contacts of
// 200 other prefixes: nobody's share is more than a tenth of the table, or 4 of a key's 20.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/node/routing/table_fixture.h"

namespace xord {
namespace {

constexpr uint32_t honest_count = 200;
constexpr uint32_t share_of_a_key = 4;

enum class Order : uint8_t { honest_first, attacker_first, interleaved };
// What the attacker wants: places anywhere, the neighbourhood of one key, or ours.
enum class Aim : uint8_t { anywhere, at_a_key, at_us };

// Contacts of one prefix, as many as it has, each answering pings.
struct Attack {
  const char* prefix;
  Aim aim;
  Order order;
};

std::string name_of(const Attack& attack) {
  constexpr std::array<const char*, 3> aims = {"anywhere", "at a key", "at us"};
  constexpr std::array<const char*, 3> orders = {"honest first", "attacker first", "interleaved"};
  return std::string(attack.prefix) + " " + aims[static_cast<size_t>(attack.aim)] + ", " +
         orders[static_cast<size_t>(attack.order)];
}

class TableSharesTest : public RoutingTableTest {
 protected:
  TableSharesTest() : large_book_(150'000, rpcudp::encode_contact_tail, 1) {
    config.contacts_max = 65'536;
    config.buckets_max = id_bits * buckets_a_range;
    rng.fill(self.bytes);
    rng.fill(key_.bytes);
    restart();
  }
  ~TableSharesTest() override { table.reset(); }

  void restart() {
    table.reset();
    table.emplace(config, self, ShardIndex{0}, 1, large_book_, start);
    now = start;
  }

  // Number `i` of those of a prefix, which repeat once all its /24s or /64s are used.
  static IpAddress address_in(const Subnet& prefix, uint32_t i) {
    IpAddress address = prefix.address;
    const uint32_t host_bits = address.is_ipv4() ? 8 : 64;
    const uint32_t free_bits = 128 - prefix.prefix_bits - host_bits;
    const uint32_t subnet = free_bits >= 32 ? i : i & ((1u << free_bits) - 1);
    const uint64_t host = 1 + i / (free_bits >= 32 ? UINT32_MAX : 1u << free_bits) % 250;
    if (address.is_ipv4()) {
      store_be32(&address.bytes[12],
                 load_be32(&address.bytes[12]) | subnet << 8 | static_cast<uint32_t>(host));
    } else {
      store_be64(&address.bytes[0], load_be64(&address.bytes[0]) | subnet);
      store_be64(&address.bytes[8], host);
    }
    return address;
  }
  Contact attacker(const Attack& attack, const Subnet& prefix, uint32_t i) {
    Contact contact{attack.aim == Aim::at_us ? self : key_, {address_in(prefix, i), 0, 4000}};
    Id id;
    rng.fill(id.bytes);
    // Three bytes in common with the target: nearer than any honest contact.
    const size_t common = attack.aim == Aim::anywhere ? 0 : 1 + rng.bounded(3);
    std::copy(id.bytes.begin() + static_cast<ptrdiff_t>(common), id.bytes.end(),
              contact.id.bytes.begin() + static_cast<ptrdiff_t>(common));
    return contact;
  }
  // Each in a /16 or /32 of its own.
  Contact honest(Family family, uint32_t i) {
    Contact contact;
    rng.fill(contact.id.bytes);
    contact.endpoint = family == Family::ipv4
                           ? Endpoint::ipv4((20 + i / 100) << 24 | (i % 100) << 16 | 1, 4000)
                           : *Endpoint::parse("[2600:" + std::to_string(1000 + i) + "::1]:4000");
    return contact;
  }
  // Everyone answers every ping.
  void keep_alive(Duration for_this_long) {
    const Instant until = now + for_this_long;
    while (table->next_wakeup() && *table->next_wakeup() <= until) {
      now = std::max(now, *table->next_wakeup());
      std::vector<Contact> pinged;
      table->advance(now, rng, [&](const TableAction& action) {
        if (action.kind != Kind::refresh) pinged.push_back(action.contact);
      });
      for (const Contact& contact : pinged) meet(contact);
    }
    now = until;
  }
  void meet(const Contact& contact) {
    const TableAction action = table->observe(contact, Evidence::ponged, now);
    if (action.kind != Kind::none) table->observe(action.contact, Evidence::ponged, now);
  }
  void run(const Attack& attack) {
    restart();
    const Subnet prefix = *Subnet::parse(attack.prefix);
    const Family family = prefix.address.is_ipv4() ? Family::ipv4 : Family::ipv6;
    const uint32_t attackers_count = prefix.prefix_bits == 48 ? 65'536 : 8'192;
    uint32_t honest_met = 0;
    if (attack.order == Order::honest_first) {
      while (honest_met < honest_count) meet(honest(family, honest_met++));
    }
    for (uint32_t i = 0; i < attackers_count; ++i) {
      if (attack.order == Order::interleaved && i % (attackers_count / honest_count) == 0 &&
          honest_met < honest_count) {
        meet(honest(family, honest_met++));
      }
      meet(attacker(attack, prefix, i));
    }
    while (honest_met < honest_count) meet(honest(family, honest_met++));
    keep_alive(hours(1));
    table->check_invariants();
  }
  uint32_t count_at(const Subnet& prefix, const Id& target) const {
    std::array<ContactHandle, bucket_size> found;
    const Family family = prefix.address.is_ipv4() ? Family::ipv4 : Family::ipv6;
    const size_t count = table->nearest(target, family, found);
    return static_cast<uint32_t>(std::count_if(
        found.begin(), found.begin() + static_cast<ptrdiff_t>(count), [&](ContactHandle handle) {
          return prefix.contains(large_book_.endpoint(handle).address);
        }));
  }
  uint32_t filed_of(const Subnet& prefix) const {
    uint32_t filed = 0;
    table->for_each_own_contact([&](const Contact& contact, Instant) {
      filed += prefix.contains(contact.endpoint.address);
    });
    return filed;
  }
  // The most that the prefix has of the 20 nearest to 1,000 keys anywhere, and to 1,000 between the
  // ids of its contacts. Adds what was named for the former to `sum`.
  std::pair<uint32_t, uint32_t> most_named(const Subnet& prefix, uint32_t* sum) {
    std::vector<Id> ids;
    table->for_each_own_contact([&](const Contact& contact, Instant) {
      if (prefix.contains(contact.endpoint.address)) ids.push_back(contact.id);
    });
    uint32_t anywhere = 0;
    uint32_t between = 0;
    for (int i = 0; i < 1000; ++i) {
      Id target;
      rng.fill(target.bytes);
      const uint32_t count = count_at(prefix, target);
      anywhere = std::max(anywhere, count);
      *sum += count;
      if (ids.empty()) continue;
      const Id& near = ids[rng.bounded(ids.size())];
      const auto common = static_cast<ptrdiff_t>(rng.bounded(4));
      std::copy_n(near.bytes.begin(), common, target.bytes.begin());
      target.bytes[static_cast<size_t>(common)] =
          static_cast<uint8_t>(near.bytes[static_cast<size_t>(common)] ^ (1u << rng.bounded(8)));
      between = std::max(between, count_at(prefix, target));
    }
    return {anywhere, between};
  }
  void expect_fair_shares(const Attack& attack) {
    SCOPED_TRACE(name_of(attack));
    run(attack);
    const Subnet prefix = *Subnet::parse(attack.prefix);
    uint32_t sum = 0;
    const auto [most, between] = most_named(prefix, &sum);
    const uint32_t filed = filed_of(prefix);
    EXPECT_LE(most, share_of_a_key);
    EXPECT_LE(between, share_of_a_key) << "of those nearest to a key between its own ids";
    EXPECT_LE(count_at(prefix, key_), share_of_a_key) << "of those nearest to the key";
    EXPECT_LE(count_at(prefix, self), share_of_a_key) << "of those nearest to us";
    EXPECT_LE(filed * 10, table->count())
        << filed << " of " << table->count() << " filed, " << sum / 10 << " of 2,000 named";
    // Nobody honest is refused on their account: they have their places, but for those whose bucket
    // is full of others as honest.
    EXPECT_GE(table->count() - filed, honest_count);
  }

  ContactBook large_book_;
  Id key_;
};

TEST_F(TableSharesTest, NoPrefixOfIpv6HasMoreThanItsShare) {
  for (const char* prefix : {"2001:db8::/32", "2001:db8:7::/48", "2001:db8:7:7700::/56"}) {
    for (const Aim aim : {Aim::anywhere, Aim::at_a_key, Aim::at_us}) {
      for (const Order order : {Order::honest_first, Order::attacker_first, Order::interleaved}) {
        expect_fair_shares({prefix, aim, order});
      }
    }
  }
}

TEST_F(TableSharesTest, NoPrefixOfIpv4HasMoreThanItsShare) {
  for (const char* prefix : {"203.0.0.0/16", "203.0.64.0/20"}) {
    for (const Aim aim : {Aim::anywhere, Aim::at_a_key, Aim::at_us}) {
      for (const Order order : {Order::honest_first, Order::attacker_first, Order::interleaved}) {
        expect_fair_shares({prefix, aim, order});
      }
    }
  }
}

TEST_F(TableSharesTest, ANetworkThatLivesInOnePrefixFillsTheTable) {
  const Attack all{"2001:db8::/32", Aim::anywhere, Order::honest_first};
  const Subnet prefix = *Subnet::parse(all.prefix);
  for (uint32_t i = 0; i < 5000; ++i) meet(attacker(all, prefix, i));
  EXPECT_GT(table->count(), 1000u);
  for (uint32_t i = 0; i < 10; ++i) meet(honest(Family::ipv6, i));
  const uint32_t filed = filed_of(prefix);
  keep_alive(hours(1));
  EXPECT_EQ(filed_of(prefix), filed) << "ten others cannot fill an answer";
  EXPECT_EQ(table->refusals().read(TableRefusal::share), 0u);
}

TEST_F(TableSharesTest, ANetworkOfAnyNumberOfPrefixesFillsTheTable) {
  for (const uint32_t prefixes : {2u, 8u, 20u, 24u, 30u, 60u}) {
    restart();
    for (uint32_t i = 0; i < 4000; ++i) {
      const std::string prefix = "[2600:" + std::to_string(1000 + i % prefixes) + ":";
      Contact contact;
      rng.fill(contact.id.bytes);
      contact.endpoint = *Endpoint::parse(prefix + std::to_string(i) + "::1]:4000");
      meet(contact);
    }
    EXPECT_GT(table->count(), 1000u) << prefixes;
  }
}

TEST_F(TableSharesTest, TheFleetIsExempt) {
  const std::array<Subnet, 1> fleet = {*Subnet::parse("2001:db8::/32")};
  config.subnets.fleet = fleet;
  restart();
  for (uint32_t i = 0; i < honest_count; ++i) meet(honest(Family::ipv6, i));
  for (uint32_t i = 0; i < 500; ++i) {
    meet(attacker({"2001:db8::/64", Aim::anywhere, Order::honest_first}, fleet[0], i));
  }
  EXPECT_EQ(table->refusals().read(TableRefusal::share), 0u);
  EXPECT_EQ(table->refusals().read(TableRefusal::subnet), 0u);
  EXPECT_GT(filed_of(fleet[0]), 300u);
  table.reset();
}

// What an earlier run filed is not refused: it may have filed it while there were no others.
TEST_F(TableSharesTest, WhatWasRestoredBeyondItsShareIsDroppedAtTheUpkeepOfItsBucket) {
  const Attack all{"2001:db8::/32", Aim::anywhere, Order::honest_first};
  const Subnet prefix = *Subnet::parse(all.prefix);
  for (uint32_t i = 0; i < honest_count; ++i) table->restore(honest(Family::ipv6, i), now, now);
  for (uint32_t i = 0; i < 100; ++i) table->restore(attacker(all, prefix, i), now, now);
  EXPECT_EQ(filed_of(prefix), 100u);
  keep_alive(hours(1));
  EXPECT_LE(filed_of(prefix) * 10, table->count());
  EXPECT_EQ(table->count() - filed_of(prefix), honest_count);
  EXPECT_EQ(table->refusals().read(TableRefusal::share), 100 - filed_of(prefix));
}

TEST_F(TableSharesTest, ATenthOfTheTableHoldsByItself) {
  config.subnets.share_of_nearest = 2 * bucket_size;
  restart();
  const Attack all{"2001:db8::/32", Aim::anywhere, Order::honest_first};
  const Subnet prefix = *Subnet::parse(all.prefix);
  for (uint32_t i = 0; i < 2 * honest_count; ++i) meet(honest(Family::ipv6, i));
  for (uint32_t i = 0; i < 2000; ++i) meet(attacker(all, prefix, i));
  EXPECT_LE(filed_of(prefix), table->count() / 10);
  EXPECT_GE(filed_of(prefix), 2 * honest_count / 10);
}

// Three filed and one that waits for a place: as many as it may have of those nearest to a key.
TEST_F(TableSharesTest, WhatWaitsForAPlaceCountsForTheShareOfABucket) {
  const Subnet prefix = *Subnet::parse("203.0.0.0/16");
  uint32_t met = 0;
  const auto with_id_of = [&](Contact contact, uint8_t distance) {
    contact.id = self;
    contact.id.bytes[0] ^= distance;
    store_be32(&contact.id.bytes[16], ++met);
    return contact;
  };
  const auto of_prefix = [&](uint8_t distance) {
    return with_id_of({{}, {address_in(prefix, met), 0, 4000}}, distance);
  };
  for (uint32_t i = 0; i < 40; ++i) meet(with_id_of(honest(Family::ipv4, i), 0x10));
  meet(of_prefix(0x7f));  // Farther from the bucket's keys than any of those.
  for (uint32_t i = 0; i < 3; ++i) meet(of_prefix(0x80));
  for (uint32_t i = 40; i < 57; ++i) meet(with_id_of(honest(Family::ipv4, i), 0x80));
  ASSERT_EQ(filed_of(prefix), 4u);
  const auto refused = [&] { return table->refusals().read(TableRefusal::share); };
  table->observe(of_prefix(0x80), Evidence::ponged, now);
  EXPECT_EQ(refused(), 0u) << "the bucket is full: it waits";
  table->observe(of_prefix(0x80), Evidence::ponged, now);
  EXPECT_EQ(refused(), 1u);
}

// A full bucket of one prefix, with too few others for its share to be limited.
TEST_F(TableSharesTest, WhoHasMoreThanAShareGivesWayAtOnceToWhoHasNot) {
  const Subnet prefix = *Subnet::parse("203.0.0.0/16");
  uint32_t met = 0;
  const auto of_prefix = [&] {
    Contact contact{self, {address_in(prefix, met), 0, 4000}};
    contact.id.bytes[0] ^= 0x80;
    store_be32(&contact.id.bytes[16], ++met);
    return contact;
  };
  const Contact oldest = of_prefix();
  meet(oldest);
  while (met < bucket_size) meet(of_prefix());
  ASSERT_EQ(filed_of(prefix), bucket_size);
  Contact other = of_prefix();
  EXPECT_EQ(table->observe(other, Evidence::ponged, now).kind, Kind::none);
  EXPECT_EQ(filed_of(prefix), bucket_size) << "another of them waits as a spare";
  other = of_prefix();
  other.endpoint = Endpoint::ipv4(0x14000001, 4000);
  EXPECT_EQ(table->observe(other, Evidence::queried_us, now).kind, Kind::ping_newcomer);
  EXPECT_EQ(table->observe(other, Evidence::ponged, now).kind, Kind::none) << "nobody is pinged";
  EXPECT_TRUE(table->is_filed(other));
  EXPECT_FALSE(table->is_filed(oldest));
  EXPECT_EQ(filed_of(prefix), bucket_size - 1);
}

}  // namespace
}  // namespace xord
