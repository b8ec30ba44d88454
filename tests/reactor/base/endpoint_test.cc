// Rules of addresses, endpoints and subnets, and their text, against inet_pton and inet_ntop.
#include "reactor/base/endpoint.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

IpAddress address(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  CHECK(parsed);
  return *parsed;
}

TEST(IpAddress, Ipv4IsItsMappedIpv6Address) {
  EXPECT_EQ(address("192.0.2.1"), address("::ffff:192.0.2.1"));
  EXPECT_EQ(address("192.0.2.1"), IpAddress::ipv4(0xc0000201));
  EXPECT_EQ(address("::ffff:c000:201").text(), "192.0.2.1");
  EXPECT_TRUE(address("::ffff:192.0.2.1").is_ipv4());
  EXPECT_FALSE(address("::192.0.2.1").is_ipv4());
  EXPECT_FALSE(address("::1").is_ipv4());
}

// What inet_pton parses, as our type.
std::optional<IpAddress> by_inet_pton(const std::string& text) {
  IpAddress parsed;
  if (inet_pton(AF_INET, text.c_str(), &parsed.bytes[12]) == 1) {
    parsed.bytes[10] = parsed.bytes[11] = 0xff;
    return parsed;
  }
  if (inet_pton(AF_INET6, text.c_str(), parsed.bytes.data()) == 1) return parsed;
  return std::nullopt;
}

TEST(IpAddress, IsReadAsInetPtonReadsIt) {
  for (const char* text : {"0.0.0.0",
                           "255.255.255.255",
                           "256.1.1.1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.4.",
                           ".1.2.3.4",
                           "1..2.3",
                           "01.2.3.4",
                           "0.0.0.00",
                           "1.2.3.0004",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "1.2.3.-4",
                           "1.2.3.+4",
                           "0x1.2.3.4",
                           "1",
                           "",
                           "::",
                           "::1",
                           "1::2::3",
                           "1:2:3:4:5:6:7:8",
                           "1:2:3:4:5:6:7:8:9",
                           "::ffff:1.2.3.4",
                           "fe80::1%eth0",
                           "[::1]",
                           "12345::",
                           "localhost",
                           "2001:DB8::A",
                           "::1.2.3.456",
                           "1:2:3:4:5:6:1.2.3.4"}) {
    EXPECT_EQ(IpAddress::parse(text), by_inet_pton(text)) << text;
  }
}

TEST(IpAddress, RandomTextIsReadAsInetPtonReadsIt) {
  constexpr std::string_view letters = "0123456789..::afF %";
  int accepted = 0;
  for (uint64_t seed = 1; seed <= 100'000; ++seed) {
    Rng rng(seed);
    std::string text;
    if (rng.chance(0.3)) {  // Random letters; otherwise four numbers and a typo.
      for (uint64_t i = rng.bounded(20); i > 0; --i) text += letters[rng.bounded(letters.size())];
    } else {
      for (int i = 0; i < 4; ++i) text += (i ? "." : "") + std::to_string(rng.bounded(280));
      if (rng.chance(0.5)) text[rng.bounded(text.size())] = letters[rng.bounded(letters.size())];
    }
    const auto parsed = IpAddress::parse(text);
    ASSERT_EQ(parsed, by_inet_pton(text)) << "seed " << seed << ": " << text;
    accepted += parsed.has_value();
  }
  EXPECT_GT(accepted, 10'000);
}

TEST(IpAddress, TextWithANulOrLongerThanAnyAddressIsNone) {
  using namespace std::literals;
  EXPECT_EQ(IpAddress::parse("1.2.3.4\0"sv), std::nullopt);
  EXPECT_EQ(IpAddress::parse("::1\0"sv), std::nullopt);
  EXPECT_EQ(IpAddress::parse("::1\0junk"sv), std::nullopt);
  EXPECT_EQ(IpAddress::parse(std::string(1'000, '1')), std::nullopt);
  EXPECT_EQ(IpAddress::parse(std::string(46, ':')), std::nullopt);
  EXPECT_TRUE(IpAddress::parse("1111:2222:3333:4444:5555:6666:255.255.255.255"));  // 45.
}

TEST(IpAddress, AnyAddressSurvivesAsText) {
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    Rng rng(seed);
    IpAddress any = IpAddress::ipv4(static_cast<uint32_t>(rng.next()));
    if (rng.chance(0.7)) {
      rng.fill(any.bytes);
      std::fill_n(any.bytes.begin() + static_cast<std::ptrdiff_t>(rng.bounded(8)), rng.bounded(9),
                  uint8_t{0});  // Runs of zeros, which the text shortens.
    }
    const std::string text = any.text();
    ASSERT_LE(text.size(), address_text_max);
    ASSERT_EQ(IpAddress::parse(text), any) << "seed " << seed << ": " << text;
    if (any.is_ipv4()) continue;
    char expected[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, any.bytes.data(), expected, sizeof expected);
    ASSERT_EQ(text, expected) << "seed " << seed;
  }
}

TEST(IpAddress, KnowsWhatCannotBeSentToAndWhatIsOfOneSite) {
  for (const char* text : {"0.0.0.0", "::", "::ffff:0.0.0.0"}) {
    EXPECT_TRUE(address(text).is_unspecified()) << text;
  }
  for (const char* text : {"224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"}) {
    EXPECT_TRUE(address(text).is_multicast()) << text;
  }
  for (const char* text : {"223.255.255.255", "240.0.0.1", "fe00::1"}) {
    EXPECT_FALSE(address(text).is_multicast()) << text;
  }
  for (const char* text : {"fe80::1", "febf:ffff::"}) {
    EXPECT_TRUE(address(text).is_link_local()) << text;
  }
  for (const char* text : {"fec0::1", "fe7f::1", "169.254.1.1"}) {
    EXPECT_FALSE(address(text).is_link_local()) << text;
  }
  for (const char* text :
       {"127.0.0.1", "127.255.255.255", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1",
        "169.254.0.1", "::1", "fc00::1", "fdff::1", "fe80::1"}) {
    EXPECT_TRUE(address(text).is_local()) << text;
  }
  for (const char* text : {"128.0.0.1", "11.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1",
                           "169.253.0.1", "::2", "fe00::1", "2001:db8::1", "8.8.8.8"}) {
    EXPECT_FALSE(address(text).is_local()) << text;
  }
}

TEST(Endpoint, IsReadWithBracketsAroundIpv6AndWithoutAroundIpv4) {
  EXPECT_EQ(Endpoint::parse("192.0.2.1:8468"), Endpoint::ipv4(0xc0000201, 8468));
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]:65535")->text(), "[2001:db8::1]:65535");
  EXPECT_EQ(Endpoint::parse("0.0.0.0:0"), Endpoint::ipv4(0, 0));
  for (const char* text :
       {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4: 1",
        "1.2.3.4:1x", "[1.2.3.4]:5", "::1:5", "[::1]", "[::1]5", "[::1:5", "::1]:5", "[]:5",
        "host:5", "[fe80::1%eth0]:5", "1.2.3.4:99999999999999999999"}) {
    EXPECT_EQ(Endpoint::parse(text), std::nullopt) << text;
  }
}

TEST(Endpoint, AMappedAddressIsWrittenAsIpv4) {
  EXPECT_EQ(Endpoint::parse("[::ffff:192.0.2.1]:80")->text(), "192.0.2.1:80");
}

TEST(Subnet, HoldsWhatSharesItsPrefix) {
  const Subnet ten = *Subnet::parse("10.0.0.0/8");
  EXPECT_TRUE(ten.contains(address("10.255.255.255")));
  EXPECT_TRUE(ten.contains(address("::ffff:10.1.2.3")));
  EXPECT_FALSE(ten.contains(address("11.0.0.0")));
  EXPECT_FALSE(ten.contains(address("::a00:1")));
  const Subnet odd = *Subnet::parse("192.0.2.128/25");
  EXPECT_TRUE(odd.contains(address("192.0.2.128")));
  EXPECT_FALSE(odd.contains(address("192.0.2.127")));
  const Subnet one = *Subnet::parse("2001:db8::1/128");
  EXPECT_TRUE(one.contains(address("2001:db8::1")));
  EXPECT_FALSE(one.contains(address("2001:db8::")));
}

TEST(Subnet, OfOneFamilyHoldsNothingOfTheOther) {
  EXPECT_TRUE(Subnet::parse("::/0")->contains(address("2001:db8::1")));
  EXPECT_FALSE(Subnet::parse("::/0")->contains(address("192.0.2.1")));
  EXPECT_FALSE(Subnet::parse("::/64")->contains(address("192.0.2.1")));
  EXPECT_TRUE(Subnet::parse("0.0.0.0/0")->contains(address("192.0.2.1")));
  EXPECT_FALSE(Subnet::parse("0.0.0.0/0")->contains(address("2001:db8::1")));
  EXPECT_TRUE(Subnet::parse("::ffff:0:0/96")->contains(address("192.0.2.1")));
}

TEST(Subnet, AnAddressIsInAnyOfSeveralThatHoldsIt) {
  EXPECT_FALSE(is_in_any({}, address("10.0.0.1")));
  const std::vector<Subnet> nets = {*Subnet::parse("10.0.0.0/8"), *Subnet::parse("fd00::/8")};
  EXPECT_TRUE(is_in_any(nets, address("10.0.0.1")));
  EXPECT_TRUE(is_in_any(nets, address("fd12::1")));
  EXPECT_FALSE(is_in_any(nets, address("11.0.0.1")));
  EXPECT_FALSE(is_in_any(nets, address("::a00:1")));
}

TEST(Subnet, IsReadInCidrFormAndRefusedWithBitsBehindThePrefix) {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "::/0", "fd00::/8",
                           "2001:db8::/33", "2001:db8::1/128"}) {
    ASSERT_TRUE(Subnet::parse(text)) << text;
    EXPECT_EQ(Subnet::parse(text)->text(), text);
  }
  for (const char* text :
       {"", "/", "10.0.0.0", "10.0.0.0/", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
        "10.0.0.1/8", "::/129", "fd00::1/8", "10.0.0.0/8/8", "10.0.0.128/24", "host/8"}) {
    EXPECT_EQ(Subnet::parse(text), std::nullopt) << text;
  }
}

TEST(IpAddress, ReachesItsHostItsLinkItsSiteOrTheWorld) {
  struct Case {
    const char* address;
    Reach reach;
  };
  for (const Case& one : {
           Case{"127.0.0.1", Reach::host},
           Case{"127.255.255.255", Reach::host},
           Case{"128.0.0.1", Reach::world},
           Case{"::1", Reach::host},
           Case{"::2", Reach::world},
           Case{"::ffff:127.0.0.1", Reach::host},
           Case{"169.254.0.1", Reach::link},
           Case{"169.255.0.1", Reach::world},
           Case{"fe80::1", Reach::link},
           Case{"febf::1", Reach::link},
           Case{"fec0::1", Reach::site},
           Case{"feff::1", Reach::site},
           Case{"ff00::1", Reach::world},
           Case{"fe7f::1", Reach::world},
           Case{"10.255.255.255", Reach::site},
           Case{"11.0.0.0", Reach::world},
           Case{"172.15.255.255", Reach::world},
           Case{"172.16.0.0", Reach::site},
           Case{"172.31.255.255", Reach::site},
           Case{"172.32.0.0", Reach::world},
           Case{"192.168.0.1", Reach::site},
           Case{"192.169.0.1", Reach::world},
           Case{"100.63.255.255", Reach::world},
           Case{"100.64.0.0", Reach::site},
           Case{"100.127.255.255", Reach::site},
           Case{"100.128.0.0", Reach::world},
           Case{"fc00::1", Reach::site},
           Case{"fdff::1", Reach::site},
           Case{"fbff::1", Reach::world},
           Case{"2001:db8::1", Reach::world},
           Case{"64:ff9b::10.0.0.1", Reach::site},
           Case{"64:ff9b::192.0.2.1", Reach::world},
           Case{"64:ff9b::127.0.0.1", Reach::host},
           Case{"64:ff9b:1::1", Reach::site},
           Case{"64:ff9b:2::1", Reach::world},
           Case{"64:ff9b::1:a00:1", Reach::world},
           Case{"2002:a00:1::1", Reach::site},
           Case{"2002:c000:201::1", Reach::world},
       }) {
    EXPECT_EQ(IpAddress::parse(one.address)->reach(), one.reach) << one.address;
  }
}

TEST(Endpoint, IsInReachOfANamerThatReachesNoFarther) {
  const Endpoint world = *Endpoint::parse("192.0.2.1:1");
  const Endpoint site = *Endpoint::parse("10.0.0.1:1");
  const Endpoint host = *Endpoint::parse("[::1]:1");
  EXPECT_TRUE(is_in_reach(world, world) && is_in_reach(world, site) && is_in_reach(world, host));
  EXPECT_TRUE(is_in_reach(site, site) && is_in_reach(site, host) && is_in_reach(host, host));
  EXPECT_FALSE(is_in_reach(site, world) || is_in_reach(host, world) || is_in_reach(host, site));
}

}  // namespace
}  // namespace xord
