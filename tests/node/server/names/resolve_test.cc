#include "node/server/names/resolve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "node/server/names/resolver.h"
#include "tests/own_namespace.h"
#include "tests/temporary_directory.h"

namespace xord {
namespace {

TEST(Resolve, ANameAnAddressAndABracketedAddressHaveAPort) {
  EXPECT_EQ(parse_host_port("node.example:8468"), (HostPort{"node.example", 8468}));
  EXPECT_EQ(parse_host_port("192.0.2.1:1"), (HostPort{"192.0.2.1", 1}));
  EXPECT_EQ(parse_host_port("[2001:db8::1]:65535"), (HostPort{"2001:db8::1", 65535}));
  EXPECT_EQ(parse_host_port("[fe80::1%eth0]:7"), (HostPort{"fe80::1%eth0", 7}));
}

TEST(Resolve, WhatIsNoHostWithAPortIsRefused) {
  for (const char* text :
       {"", ":", ":1", "host", "host:", "host:0", "host:65536", "host:-1", "host:1x", "host: 1",
        "::1:8468", "[::1]", "[::1:8468", "::1]:8468", "[]:1", "[host]:1", "a b:1", "http://a:1"}) {
    EXPECT_FALSE(parse_host_port(text)) << text;
  }
}

TEST(Resolve, AnAddressResolvesToItself) {
  const Resolved v4 = resolve({"127.0.0.1", 7});
  ASSERT_EQ(v4.endpoints.size(), 1u);
  EXPECT_EQ(v4.endpoints[0], Endpoint::ipv4(0x7f000001, 7));
  const Resolved v6 = resolve({"2001:db8::1", 8});
  ASSERT_EQ(v6.endpoints.size(), 1u);
  EXPECT_EQ(v6.endpoints[0].text(), "[2001:db8::1]:8");
}

TEST(Resolve, LocalhostHasAnAddressOfThisMachineAndNoneTwice) {
  const Resolved resolved = resolve({"localhost", 9});
  ASSERT_FALSE(resolved.endpoints.empty()) << resolved.error;
  for (size_t i = 0; i < resolved.endpoints.size(); ++i) {
    EXPECT_TRUE(resolved.endpoints[i].address.is_local());
    EXPECT_EQ(resolved.endpoints[i].port, 9);
    for (size_t j = 0; j < i; ++j) EXPECT_NE(resolved.endpoints[i], resolved.endpoints[j]);
  }
}

TEST(Resolve, ANameHasAllItsAddressesAndNoneTwice) {
  TemporaryDirectory directory;
  const std::string hosts = directory.at("hosts");
  std::ofstream(hosts) << "127.1.2.5 many.test\n127.1.2.3 many.test\n127.1.2.5 many.test\n"
                       << "::1 many.test\n127.1.2.4 many.test other.test\n";
  const auto expect_all = [] {
    const Resolved resolved = resolve({"many.test", 9});
    std::vector<std::string> found;
    for (const Endpoint& endpoint : resolved.endpoints) found.push_back(endpoint.text());
    std::sort(found.begin(), found.end());  // Theirs is by RFC 6724, and by the host's settings.
    EXPECT_EQ(found,
              (std::vector<std::string>{"127.1.2.3:9", "127.1.2.4:9", "127.1.2.5:9", "[::1]:9"}));
    const ResolvedNames all = resolve_all({"other.test:9", "many.test:9"});
    EXPECT_EQ(all.endpoints.size(), 4u);
    EXPECT_EQ(all.endpoints.front().text(), "127.1.2.4:9");
  };
  if (!with_file_in_place(hosts, "/etc/hosts", expect_all)) GTEST_SKIP() << no_namespace;
}

TEST(Resolve, ANameThatIsNotThereSaysWhy) {
  const Resolved resolved = resolve({"nosuchhost.invalid", 9});
  EXPECT_TRUE(resolved.endpoints.empty());
  EXPECT_FALSE(resolved.error.empty());
}

}  // namespace
}  // namespace xord
