#include "node/subnet_limits.h"

#include <gtest/gtest.h>

#include <map>

#include "reactor/base/rng.h"

namespace xord {
namespace {

IpAddress address(const char* text) {
  return *IpAddress::parse(text);
}

TEST(SubnetLimits, TellSubnetsApartByTheFirst24BitsOfIpv4And64OfIpv6) {
  EXPECT_TRUE(same_subnet(address("192.0.2.1"), address("192.0.2.254")));
  EXPECT_FALSE(same_subnet(address("192.0.2.1"), address("192.0.3.1")));
  EXPECT_TRUE(same_subnet(address("2001:db8::1"), address("2001:db8::ffff:1")));
  EXPECT_FALSE(same_subnet(address("2001:db8::1"), address("2001:db8:0:1::1")));
  EXPECT_FALSE(same_subnet(address("::1:2:3"), address("192.0.2.1")))
      << "the first 64 bits of a mapped address are zeros too";
}

TEST(SubnetLimits, ApplyToLocalAddressesOnlyWhenAskedFor) {
  SubnetLimits limits;
  EXPECT_TRUE(limits.apply_to(address("192.0.2.1")));
  for (const char* local :
       {"127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "::1", "fd00::1"}) {
    limits.local = LocalSubnets::exempt;
    EXPECT_FALSE(limits.apply_to(address(local))) << local;
    limits.local = LocalSubnets::limited;
    EXPECT_TRUE(limits.apply_to(address(local))) << local;
  }
}

TEST(SubnetLimits, TellWidePrefixesApartByLevel) {
  EXPECT_EQ(subnet_levels(address("192.0.2.1")), 3u);
  EXPECT_EQ(subnet_levels(address("2001:db8::1")), 4u);
  struct Case {
    const char* other;
    size_t levels;  // From this level on they share a prefix.
  };
  for (const Case& one :
       {Case{"192.0.2.9", 0}, Case{"192.0.15.1", 1}, Case{"192.0.16.1", 2}, Case{"192.1.2.1", 3}}) {
    for (size_t level = 0; level < 3; ++level) {
      EXPECT_EQ(same_prefix(address("192.0.2.1"), address(one.other), level), level >= one.levels)
          << one.other << " " << level;
    }
  }
  for (const Case& one :
       {Case{"2001:db8:7:7700::2", 0}, Case{"2001:db8:7:77ff::1", 1}, Case{"2001:db8:7::1", 2},
        Case{"2001:db8::1", 3}, Case{"2001:db9::1", 4}}) {
    for (size_t level = 0; level < 4; ++level) {
      EXPECT_EQ(same_prefix(address("2001:db8:7:7700::1"), address(one.other), level),
                level >= one.levels)
          << one.other << " " << level;
    }
  }
  EXPECT_FALSE(same_prefix(address("192.0.2.1"), address("::1"), 0));
}

TEST(SubnetLimits, DoNotApplyToTheFleet) {
  const std::array<Subnet, 2> fleet = {*Subnet::parse("203.0.113.0/25"),
                                       *Subnet::parse("2001:db8::/32")};
  SubnetLimits limits;
  limits.fleet = fleet;
  limits.local = LocalSubnets::limited;
  EXPECT_FALSE(limits.apply_to(address("203.0.113.127")));
  EXPECT_FALSE(limits.apply_to(address("2001:db8:7::1")));
  EXPECT_TRUE(limits.apply_to(address("203.0.113.128")));
  EXPECT_TRUE(limits.apply_to(address("10.0.0.1")));
}

TEST(SubnetLimits, ATenthOfTheTableIsAtLeastTheFloor) {
  const SubnetLimits limits;
  EXPECT_EQ(limits.share_of_table(0), limits.share_of_table_min);
  EXPECT_EQ(limits.share_of_table(209), limits.share_of_table_min);
  EXPECT_EQ(limits.share_of_table(1000), 100u);
}

TEST(SubnetCounts, CountEachLevelByItself) {
  SubnetCounts counts(4096, 1);
  for (const char* one : {"192.0.2.1", "192.0.3.1", "192.0.16.1", "2001:db8:7:7700::1",
                          "2001:db8:7:7701::1", "2001:db8:8::1"}) {
    counts.add(address(one));
  }
  const auto of = [&](const char* one, size_t level) { return counts.count(address(one), level); };
  EXPECT_EQ(of("192.0.2.1", 0), 1u);
  EXPECT_EQ(of("192.0.2.1", 1), 2u);
  EXPECT_EQ(of("192.0.2.1", 2), 3u);
  EXPECT_EQ(of("2001:db8:7:7700::1", 0), 1u);
  EXPECT_EQ(of("2001:db8:7:7700::1", 1), 2u);
  EXPECT_EQ(of("2001:db8:7:7700::1", 2), 2u);
  EXPECT_EQ(of("2001:db8:7:7700::1", 3), 3u);
  counts.remove(address("192.0.3.1"));
  EXPECT_EQ(of("192.0.2.1", 1), 1u);
  EXPECT_EQ(of("192.0.2.1", 2), 2u);
  for (uint32_t i = 0; i < 1000; ++i) counts.add(IpAddress::ipv4(0xcb000000 + i));
  EXPECT_EQ(of("203.0.0.1", 2), 1000u) << "more than a byte holds";
}

TEST(PrefixSpread, CountsNoMoreThanAShareOfEachPrefix) {
  PrefixSpread spread(1);
  for (uint32_t i = 0; i < 100; ++i) spread.add(IpAddress::ipv4(0xcb000000 + (i << 8)));
  EXPECT_EQ(spread.fill(), prefix_share_of_nearest);
  EXPECT_EQ(spread.prefixes(), 1u);
  for (uint32_t i = 0; i < 100; ++i) spread.add(IpAddress::ipv4(0x14000000 + (i << 16)));
  EXPECT_GT(spread.fill(), 4 * bucket_size);
  EXPECT_LE(spread.fill(), 100 + prefix_share_of_nearest);
  EXPECT_GT(spread.prefixes(), 2 * bucket_size);
  for (uint32_t i = 0; i < 100; ++i) spread.remove(IpAddress::ipv4(0x14000000 + (i << 16)));
  for (uint32_t i = 0; i < 99; ++i) spread.remove(IpAddress::ipv4(0xcb000000 + (i << 8)));
  EXPECT_EQ(spread.fill(), 1u);
  EXPECT_EQ(spread.prefixes(), 1u);
}

TEST(SubnetCounts, AreNeverBelowTheTruthAndAtAQuarterOfTheirLoadNeverMuchAbove) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    SubnetCounts counts(4096, seed);
    std::map<uint32_t, uint32_t> truth;
    for (int step = 0; step < 20'000; ++step) {
      const auto subnet = static_cast<uint32_t>(rng.bounded(1024));
      const IpAddress one = IpAddress::ipv4(subnet << 8 | static_cast<uint32_t>(rng.bounded(256)));
      if (truth[subnet] > 0 && rng.chance(0.5)) {
        --truth[subnet];
        counts.remove(one);
      } else if (truth[subnet] < 4) {
        ++truth[subnet];
        counts.add(one);
      }
      ASSERT_GE(counts.count(one), truth[subnet]);
    }
    uint32_t wrong = 0;
    for (const auto& [subnet, count] : truth) {
      wrong += counts.count(IpAddress::ipv4(subnet << 8)) > count;
    }
    EXPECT_LT(wrong, truth.size() / 10);
  }
}

}  // namespace
}  // namespace xord
