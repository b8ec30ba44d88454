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
