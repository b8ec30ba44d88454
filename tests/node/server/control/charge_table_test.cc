// What several shards charge to prefixes as one table, and which limited prefix is news.
#include "node/server/control/charge_table.h"

#include <gtest/gtest.h>

#include "node/server/admin/limited_prefixes.h"

namespace xord {
namespace {

Subnet subnet(const char* text) {
  return *Subnet::parse(text);
}

ChargedPrefix report(const char* prefix, uint32_t excess, uint32_t reads = 0) {
  ChargedPrefix report;
  report.address = subnet(prefix).address;
  report.prefix_bits = subnet(prefix).prefix_bits;
  report.charged[0] = excess;
  report.charged[1] = reads;
  report.most = {1000, 10};
  return report;
}

TEST(ChargeTable, SumsWhatShardsReportOfAPrefix) {
  ChargeTable table(3);
  ChargedPrefix first = report("192.0.2.1/32", 400, 1);
  first.refused = {5, 0};
  first.until = {1500, 0};
  first.since = 10;
  first.last = 4;
  ChargedPrefix second = report("192.0.2.1/32", 600, 2);
  second.refused = {0, 7};
  second.until = {200, 3000};
  second.since = 8;
  second.last = 2;
  table.add(0, first);
  table.add(0, second);
  table.add(0, report("192.0.2.1/32", 1));
  ASSERT_EQ(table.all().size(), 1u);
  const NodeCharges& all = table.all()[0];
  EXPECT_EQ(all.charged[0], 1001u);
  EXPECT_EQ(all.charged[1], 3u);
  EXPECT_EQ(all.most[0], 3000u);
  EXPECT_EQ(all.refused[0], 5u);
  EXPECT_EQ(all.refused[1], 7u);
  EXPECT_EQ(all.since, 10u);
  EXPECT_EQ(all.last, 2u) << "and not 0, of the shard that refused nothing";
  EXPECT_EQ(all.until[0], 1500u);
  EXPECT_EQ(all.until[1], 3000u);
}

TEST(ChargeTable, KeepsNetworksApart) {
  ChargeTable table(1);
  table.add(0, report("192.0.2.1/32", 1));
  table.add(1, report("192.0.2.1/32", 2));
  EXPECT_EQ(table.all().size(), 2u);
}

TEST(ChargeTable, PutsThoseFirstThatHaveTakenMostOfALimit) {
  ChargeTable table(1);
  table.add(0, report("192.0.2.1/32", 500));
  table.add(0, report("192.0.2.2/32", 100, 9));
  table.add(0, report("192.0.2.3/32", 700));
  const auto top = table.top(2);
  ASSERT_EQ(top.size(), 2u);
  EXPECT_EQ(top[0].prefix.text(), "192.0.2.2/32") << "90 % of its reads";
  EXPECT_EQ(top[1].prefix.text(), "192.0.2.3/32");
}

TEST(ChargeTable, PutsThoseFirstThatHaveTakenMostOfWhatIsAskedForAndLeavesOutTheOthers) {
  ChargeTable table(1);
  const auto add = [&table](const char* prefix, uint32_t work) {
    ChargedPrefix charged = report(prefix, 500);
    charged.charged[static_cast<size_t>(Charge::work)] = work;
    table.add(0, charged);
  };
  add("192.0.2.1/32", 0);
  add("192.0.2.2/32", 100);
  add("192.0.2.0/24", 360);   // 90 for an address.
  add("192.0.0.0/20", 960);   // 120
  add("192.0.0.0/16", 1120);  // 70
  add("2001:db8::/64", 110);
  std::vector<std::string> prefixes;
  for (const NodeCharges& each : table.top(5, Charge::work)) {
    prefixes.push_back(each.prefix.text());
  }
  const std::vector<std::string> expected = {"192.0.0.0/20", "2001:db8::/64", "192.0.2.2/32",
                                             "192.0.2.0/24", "192.0.0.0/16"};
  EXPECT_EQ(prefixes, expected);
  EXPECT_TRUE(table.top(5, Charge::held).empty());
}

TEST(LimitedPrefixes, AreNewsOnceAndEndWithTheLastShard) {
  LimitedPrefixes limited;
  EXPECT_TRUE(limited.began(0, subnet("192.0.2.1/32")));
  EXPECT_FALSE(limited.began(1, subnet("192.0.2.1/32")));
  EXPECT_FALSE(limited.ended(0, subnet("192.0.2.1/32"), 5, seconds(3)));
  const auto ended = limited.ended(1, subnet("192.0.2.1/32"), 7, seconds(2));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->refused, 12u);
  EXPECT_EQ(ended->lasted, seconds(3));
  EXPECT_EQ(limited.count(), 0u);
  EXPECT_FALSE(limited.ended(1, subnet("192.0.2.1/32"), 7, seconds(2))) << "it did not begin";
}

TEST(LimitedPrefixes, GiveWayToAWiderOne) {
  LimitedPrefixes limited;
  EXPECT_TRUE(limited.began(0, subnet("192.0.2.1/32")));
  EXPECT_TRUE(limited.began(1, subnet("192.0.2.1/32")) == false);
  EXPECT_TRUE(limited.began(0, subnet("192.0.2.0/24")));
  EXPECT_FALSE(limited.began(1, subnet("192.0.2.7/32"))) << "another shard named its /24";
  EXPECT_FALSE(limited.began(1, subnet("192.0.2.0/24")));
  EXPECT_EQ(limited.count(), 1u);
  EXPECT_FALSE(limited.ended(0, subnet("192.0.2.0/24"), 1, seconds(1)));
  EXPECT_TRUE(limited.ended(1, subnet("192.0.2.0/24"), 1, seconds(1)));
  EXPECT_EQ(limited.count(), 0u);
}

TEST(LimitedPrefixes, OneWhoseEndWasLostIsNewsAgain) {
  LimitedPrefixes limited;
  EXPECT_TRUE(limited.began(2, subnet("2001:db8::/48")));
  EXPECT_TRUE(limited.began(2, subnet("2001:db8::/48")));
  EXPECT_EQ(limited.count(), 1u);
}

TEST(LimitedPrefixes, AreBounded) {
  LimitedPrefixes limited;
  for (uint32_t i = 0; i < limited_prefixes_max + 10; ++i) {
    EXPECT_TRUE(limited.began(0, {IpAddress::ipv4(i << 8), 128}));
  }
  EXPECT_EQ(limited.count(), limited_prefixes_max);
}

}  // namespace
}  // namespace xord
