// Rules of proven sources, and their agreement with a map.
#include "node/admission/proven.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "node/budget.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

constexpr Instant start = Instant{} + hours(1);

Endpoint endpoint(uint32_t number) {
  return Endpoint::ipv4(0x0a000000 + number / 5000, static_cast<uint16_t>(1024 + number % 5000));
}

class ProvenSourcesTest : public testing::Test {
 protected:
  // A flood of proofs: 160,000 endpoints of 16 /24s within ten minutes.
  static constexpr uint32_t flood = 160'000;
  static constexpr uint32_t honest = 60;
  static Endpoint flooding(uint32_t number) {
    const uint32_t net = number % 16;
    const uint32_t host = number / 16 % 250;
    return Endpoint::ipv4((185u << 24) + (net << 16) + (net * 7 << 8) + host + 1,
                          static_cast<uint16_t>(1024 + number / 4000));
  }
  static Endpoint honest_peer(uint32_t number) {
    return Endpoint::ipv4(0x50000001 + number * 0x10000, 8468);
  }
  // How many of the honest peers are still proven after it, if each proved itself just before the
  // proof of the flood with the index that `honest_at` gives.
  static uint32_t kept_after_flood(const std::vector<uint32_t>& honest_at) {
    Ledger ledger({}, Budget{}.ledger_rows, 1, 5, {});
    ProvenSources proven(Budget{}.proven_sources, 11, {}, ledger);
    Instant now = start;
    for (uint32_t i = 0; i < flood; ++i) {
      for (uint32_t peer = 0; peer < honest; ++peer) {
        if (honest_at[peer] == i) proven.prove(honest_peer(peer), now);
      }
      now = start + nanoseconds(minutes(10).nanoseconds / flood * i);
      proven.prove(flooding(i), now);
    }
    EXPECT_LT(now, start + minutes(10));
    uint32_t kept = 0;
    for (uint32_t peer = 0; peer < honest; ++peer) kept += proven.is_proven(honest_peer(peer), now);
    return kept;
  }

  Ledger ledger{{}, Budget{}.ledger_rows, 1, 5, {}};
};

TEST_F(ProvenSourcesTest, ASourceIsProvenForTenMinutesAfterItAnswered) {
  ProvenSources proven(64, 1, {}, ledger);
  EXPECT_FALSE(proven.is_proven(endpoint(1), start));
  proven.prove(endpoint(1), start);
  EXPECT_TRUE(proven.is_proven(endpoint(1), start));
  EXPECT_TRUE(proven.is_proven(endpoint(1), start + minutes(10) - nanoseconds(1)));
  EXPECT_FALSE(proven.is_proven(endpoint(1), start + minutes(10)));
}

TEST_F(ProvenSourcesTest, EveryAnswerRestartsTheTenMinutes) {
  ProvenSources proven(64, 1, {}, ledger);
  proven.prove(endpoint(1), start);
  proven.prove(endpoint(1), start + minutes(9));
  EXPECT_TRUE(proven.is_proven(endpoint(1), start + minutes(18)));
}

TEST_F(ProvenSourcesTest, ProofIsOfAnEndpointNotOfAHost) {
  ProvenSources proven(64, 1, {}, ledger);
  Endpoint source = *Endpoint::parse("[fe80::1]:8468");
  source.scope = 2;
  proven.prove(source, start);
  Endpoint other_port = source;
  other_port.port = 8469;
  Endpoint other_link = source;
  other_link.scope = 3;
  EXPECT_TRUE(proven.is_proven(source, start));
  EXPECT_FALSE(proven.is_proven(other_port, start));
  EXPECT_FALSE(proven.is_proven(other_link, start));
}

TEST_F(ProvenSourcesTest, TrustedSubnetsNeedNoProof) {
  const std::vector<Subnet> trusted = {*Subnet::parse("10.1.0.0/16"), *Subnet::parse("fd00::/8")};
  const ProvenSources proven(64, 1, trusted, ledger);
  EXPECT_TRUE(proven.is_proven(*Endpoint::parse("10.1.200.3:1"), start));
  EXPECT_TRUE(proven.is_proven(*Endpoint::parse("[fd12::3]:1"), start));
  EXPECT_FALSE(proven.is_proven(*Endpoint::parse("10.2.0.1:1"), start));
  EXPECT_FALSE(proven.is_proven(*Endpoint::parse("127.0.0.1:1"), start));
}

TEST_F(ProvenSourcesTest, HoldsAsManyAsItWasBuiltForAndNeverTakesOneForAnother) {
  const uint32_t sources = Budget{}.proven_sources;
  ProvenSources proven(sources, 7, {}, ledger);
  for (uint32_t i = 0; i < sources; ++i) proven.prove(endpoint(i), start);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < sources; ++i) kept += proven.is_proven(endpoint(i), start) ? 1 : 0;
  EXPECT_EQ(kept, sources);
  for (uint32_t i = sources; i < 2 * sources; ++i) {
    ASSERT_FALSE(proven.is_proven(endpoint(i), start));
  }
}

TEST_F(ProvenSourcesTest, WhenOverfullTheNewestAreKeptAndNothingIsInvented) {
  ProvenSources proven(64, 3, {}, ledger);
  for (uint32_t i = 0; i < 10'000; ++i) proven.prove(endpoint(i), start + milliseconds(i));
  const Instant now = start + seconds(10);
  EXPECT_TRUE(proven.is_proven(endpoint(9'999), now));
  uint32_t kept = 0;
  for (uint32_t i = 0; i < 10'000; ++i) kept += proven.is_proven(endpoint(i), now) ? 1 : 0;
  EXPECT_LE(kept, 128u);
  EXPECT_GE(kept, 64u);
}

TEST_F(ProvenSourcesTest, AFloodFromFewPrefixesPushesOutNoneThatProvedThemselvesBefore) {
  EXPECT_EQ(kept_after_flood(std::vector<uint32_t>(honest, 0)), honest);
}

TEST_F(ProvenSourcesTest, AFloodFromFewPrefixesPushesOutNoneThatProveThemselvesMeanwhile) {
  std::vector<uint32_t> honest_at;
  for (uint32_t peer = 0; peer < honest; ++peer) honest_at.push_back(peer * (flood / honest));
  EXPECT_EQ(kept_after_flood(honest_at), honest);
  EXPECT_EQ(kept_after_flood(std::vector<uint32_t>(honest, flood - 1)), honest)
      << "when it is full";
}

TEST_F(ProvenSourcesTest, OfEqualPrefixesTheRowThatLapsesFirstMakesRoom) {
  ProvenSources proven(2, 3, {}, ledger);  // One set of four.
  const auto peer = [](uint32_t number) { return honest_peer(number); };
  for (uint32_t i = 0; i < 4; ++i) proven.prove(peer(i), start + minutes(i));
  proven.prove(peer(4), start + minutes(5));
  EXPECT_FALSE(proven.is_proven(peer(0), start + minutes(5)));
  for (uint32_t i = 1; i <= 4; ++i) EXPECT_TRUE(proven.is_proven(peer(i), start + minutes(5)));
}

TEST_F(ProvenSourcesTest, AProofIsChargedOnceInHalfOfItsLife) {
  ProvenSources proven(64, 1, {}, ledger);
  const IpAddress address = endpoint(1).address;
  for (int i = 0; i < 10; ++i) proven.prove(endpoint(1), start);
  EXPECT_EQ(ledger.load(start, address, Charge::proofs), 256u);
  const Instant later = start + minutes(5) - nanoseconds(1);
  proven.prove(endpoint(1), later);
  EXPECT_EQ(ledger.load(later, address, Charge::proofs), 0u) << "forgotten, and not charged again";
  proven.prove(endpoint(1), later + minutes(5));
  EXPECT_EQ(ledger.load(later + minutes(5), address, Charge::proofs), 256u);
}

TEST_F(ProvenSourcesTest, AgreesWithAMapBelowItsCapacity) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    ProvenSources proven(512, seed, {}, ledger);
    std::map<Endpoint, Instant> model;
    Instant now = start;
    for (int step = 0; step < 5000; ++step) {
      now = now + milliseconds(static_cast<int64_t>(rng.bounded(2000)));
      const Endpoint source = endpoint(static_cast<uint32_t>(rng.bounded(512)));
      if (rng.chance(0.4)) {
        proven.prove(source, now);
        model[source] = now;
      }
      const Endpoint asked = endpoint(static_cast<uint32_t>(rng.bounded(600)));
      const auto found = model.find(asked);
      const bool expected = found != model.end() && now < found->second + minutes(10);
      ASSERT_EQ(proven.is_proven(asked, now), expected);
    }
  }
}

TEST(ProvenSourcesList, NamesTheProvenEndpointsOfAnAddressUntilTheyLapse) {
  Ledger ledger({}, 256, 1, 5, {});
  ProvenSources proven(64, 11, {}, ledger);
  const IpAddress address = IpAddress::ipv4(0x0a000001);
  for (const uint16_t port : {uint16_t{4000}, uint16_t{4001}})
    proven.prove({address, 0, port}, start);
  proven.prove(Endpoint::ipv4(0x0a000002, 4000), start);
  std::map<Endpoint, Instant> listed;
  const auto list = [&](Instant now) {
    listed.clear();
    proven.for_each_at(address, now, [&](const Endpoint& each, Instant until) {
      EXPECT_TRUE(listed.emplace(each, until).second);
    });
    return listed.size();
  };
  EXPECT_EQ(list(start + seconds(1)), 2u);
  EXPECT_EQ((listed.at({address, 0, 4001})), start + proven_lifetime);
  EXPECT_EQ(list(start + proven_lifetime), 0u);
}

}  // namespace
}  // namespace xord
