// The endpoints from which a load run asks.
#include "tools/load/load_sources.h"

#include <gtest/gtest.h>

#include <set>

namespace xord {
namespace {

const Endpoint loopback = *Endpoint::parse("127.0.0.1:8468");
const Endpoint elsewhere = *Endpoint::parse("192.0.2.1:8468");
const Endpoint v6_loopback = *Endpoint::parse("[::1]:8468");

TEST(LoadSources, AreAddressesOf127For127AndPortsForAllOthers) {
  EXPECT_EQ(LoadSources::most_for(loopback), 1'000'000u);
  EXPECT_EQ(LoadSources::most_for(*Endpoint::parse("127.255.0.9:1")), 1'000'000u);
  for (const Endpoint& other : {elsewhere, v6_loopback, *Endpoint::parse("128.0.0.1:1")}) {
    EXPECT_EQ(LoadSources::most_for(other), 16u) << other.text();
  }
}

TEST(LoadSources, TakeOneSocketOfTheirFamilyOrOneForEach) {
  const auto any_v4 = Endpoint::ipv4(0, 0);
  const auto listens = [](const Endpoint& target, uint32_t count) {
    std::vector<Endpoint> endpoints;
    for (const Listen& listen : LoadSources(target, count).listens()) {
      endpoints.push_back(listen.endpoint);
    }
    return endpoints;
  };
  EXPECT_EQ(listens(loopback, 500), std::vector<Endpoint>(1, any_v4));
  EXPECT_EQ(listens(elsewhere, 3), std::vector<Endpoint>(3, any_v4));
  EXPECT_EQ(listens(v6_loopback, 2), std::vector<Endpoint>(2, Endpoint{}));
}

// docs/commands/load.md: from 127.16.0.1 on, 250 in each /24.
TEST(LoadSources, EachHasAnAddressByWhichItIsKnownAgain) {
  const LoadSources sources(loopback, 1'000'000);
  const std::pair<uint32_t, const char*> addresses[] = {
      {0, "127.16.0.1:1"},      {1, "127.16.0.2:1"},          {249, "127.16.0.250:1"},
      {250, "127.16.1.1:1"},    {251, "127.16.1.2:1"},        {63'999, "127.16.255.250:1"},
      {64'000, "127.17.0.1:1"}, {999'999, "127.31.159.250:1"}};
  for (const auto& [source, address] : addresses) {
    const Path path = sources.path(source);
    EXPECT_EQ(path.remote, loopback);
    EXPECT_EQ(path.local.socket, 0);
    EXPECT_EQ(path.local.address, Endpoint::parse(address)->address) << source;
    EXPECT_EQ(sources.source_of(path), source);
  }
}

TEST(LoadSources, AnAddressThatNoSourceHasIsNone) {
  const LoadSources sources(loopback, 300);
  const auto source_at = [&](const char* address) {
    Path path{loopback, {}};
    path.local.address = *IpAddress::parse(address);
    return sources.source_of(path);
  };
  EXPECT_EQ(source_at("127.16.1.50"), 299u);
  for (const char* address : {"127.16.1.51", "127.16.0.0", "127.16.0.251", "127.16.0.255",
                              "127.15.255.250", "127.0.0.1", "::1", "::"}) {
    EXPECT_FALSE(source_at(address)) << address;
  }
}

TEST(LoadSources, EachPortHasASocketByWhichItIsKnownAgain) {
  const LoadSources sources(elsewhere, 16);
  for (uint32_t source = 0; source < 16; ++source) {
    const Path path = sources.path(source);
    EXPECT_EQ(path.local.socket, source);
    EXPECT_EQ(path.local.address, IpAddress{});
    EXPECT_EQ(sources.source_of(path), source);
  }
  Path path = sources.path(0);
  path.local.socket = 16;
  EXPECT_FALSE(sources.source_of(path));
}

TEST(LoadSources, NoTwoEverHaveOneId) {
  LoadSources sources(loopback, 3);
  std::set<uint64_t> numbers;
  for (int change = 0; change < 4; ++change) {
    for (uint32_t source = 0; source < 3; ++source) {
      numbers.insert(sources.id_number(source));
      const uint64_t before = sources.id_number((source + 1) % 3);
      sources.change_id(source);
      EXPECT_EQ(sources.id_number((source + 1) % 3), before) << "another's stays";
    }
  }
  EXPECT_EQ(numbers.size(), 12u);
  EXPECT_EQ(LoadSources(loopback, 3).id_number(2), 2u);
}

}  // namespace
}  // namespace xord
