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

TEST(ProvenSources, ASourceIsProvenForTenMinutesAfterItAnswered) {
  ProvenSources proven(64, 1, {});
  EXPECT_FALSE(proven.is_proven(endpoint(1), start));
  proven.prove(endpoint(1), start);
  EXPECT_TRUE(proven.is_proven(endpoint(1), start));
  EXPECT_TRUE(proven.is_proven(endpoint(1), start + minutes(10) - nanoseconds(1)));
  EXPECT_FALSE(proven.is_proven(endpoint(1), start + minutes(10)));
}

TEST(ProvenSources, EveryAnswerRestartsTheTenMinutes) {
  ProvenSources proven(64, 1, {});
  proven.prove(endpoint(1), start);
  proven.prove(endpoint(1), start + minutes(9));
  EXPECT_TRUE(proven.is_proven(endpoint(1), start + minutes(18)));
}

TEST(ProvenSources, ProofIsOfAnEndpointNotOfAHost) {
  ProvenSources proven(64, 1, {});
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

TEST(ProvenSources, TrustedSubnetsNeedNoProof) {
  const std::vector<Subnet> trusted = {*Subnet::parse("10.1.0.0/16"), *Subnet::parse("fd00::/8")};
  const ProvenSources proven(64, 1, trusted);
  EXPECT_TRUE(proven.is_proven(*Endpoint::parse("10.1.200.3:1"), start));
  EXPECT_TRUE(proven.is_proven(*Endpoint::parse("[fd12::3]:1"), start));
  EXPECT_FALSE(proven.is_proven(*Endpoint::parse("10.2.0.1:1"), start));
  EXPECT_FALSE(proven.is_trusted(*IpAddress::parse("127.0.0.1")));
}

TEST(ProvenSources, HoldsAsManyAsItWasBuiltForAndNeverTakesOneForAnother) {
  const uint32_t sources = Budget{}.proven_sources;
  ProvenSources proven(sources, 7, {});
  for (uint32_t i = 0; i < sources; ++i) proven.prove(endpoint(i), start);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < sources; ++i) kept += proven.is_proven(endpoint(i), start) ? 1 : 0;
  EXPECT_EQ(kept, sources);
  for (uint32_t i = sources; i < 2 * sources; ++i) {
    ASSERT_FALSE(proven.is_proven(endpoint(i), start));
  }
}

TEST(ProvenSources, WhenOverfullTheNewestAreKeptAndNothingIsInvented) {
  ProvenSources proven(64, 3, {});
  for (uint32_t i = 0; i < 10'000; ++i) proven.prove(endpoint(i), start + milliseconds(i));
  const Instant now = start + seconds(10);
  EXPECT_TRUE(proven.is_proven(endpoint(9'999), now));
  uint32_t kept = 0;
  for (uint32_t i = 0; i < 10'000; ++i) kept += proven.is_proven(endpoint(i), now) ? 1 : 0;
  EXPECT_LE(kept, 128u);
  EXPECT_GE(kept, 64u);
}

TEST(ProvenSources, AgreesWithAMapBelowItsCapacity) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    ProvenSources proven(512, seed, {});
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

}  // namespace
}  // namespace xord
