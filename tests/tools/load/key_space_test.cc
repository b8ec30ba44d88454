// Ids, values and draws of a load run.
#include "tools/load/key_space.h"

#include <gtest/gtest.h>

#include <set>

#include "node/wire/rpcudp/rpcudp.h"

namespace xord {
namespace {

const Id node_id = *Id::from_hex("c0ffee00112233445566778899aabbccddeeff00");

TEST(KeySpace, GivesEqualIdsForEqualSeedsAndOthersForOthers) {
  const KeySpace one(1, {}, node_id, 0);
  const KeySpace same(1, {}, node_id, 0);
  const KeySpace other(2, {}, node_id, 0);
  std::set<Id> ids;
  for (uint64_t number = 0; number < 1000; ++number) {
    EXPECT_EQ(one.id(IdDomain::hits, number), same.id(IdDomain::hits, number));
    ids.insert(one.id(IdDomain::hits, number));
    ids.insert(one.id(IdDomain::misses, number));
    ids.insert(other.id(IdDomain::hits, number));
  }
  EXPECT_EQ(ids.size(), 3000u);
}

TEST(KeySpace, NearKeysShareExactlySoManyBitsAtLeastAndSpreadBeyond) {
  for (const uint32_t bits : {0u, 1u, 7u, 8u, 12u, 21u}) {
    const KeySpace keys(3, {}, node_id, bits);
    std::set<uint32_t> shared;
    for (uint64_t number = 0; number < 200; ++number) {
      shared.insert(shared_prefix(keys.id(IdDomain::targets, number), node_id));
    }
    EXPECT_EQ(*shared.begin(), bits) << "about half of them share no further bit";
    EXPECT_GT(shared.size(), 3u);
  }
  const KeySpace keys(3, {}, node_id, 12);
  EXPECT_LT(shared_prefix(keys.id(IdDomain::sources, 1), node_id), 12u) << "who asks is anywhere";
}

TEST(KeySpace, ValuesAreStorableOfTheSizesAskedForAndRecognised) {
  for (const Spread spread : {Spread::uniform, Spread::zipf}) {
    const KeySpace keys(4, {100, 8000, spread}, node_id, 0);
    uint64_t sum = 0;
    uint32_t least = 9000;
    uint32_t most = 0;
    for (uint64_t number = 0; number < 2000; ++number) {
      std::vector<uint8_t> packed(8000 + 16);
      packed.resize(keys.write_value(IdDomain::hits, number, packed));
      ASSERT_TRUE(rpcudp::is_storable(packed));
      EXPECT_TRUE(keys.is_value(IdDomain::hits, number, packed));
      EXPECT_FALSE(keys.is_value(IdDomain::hits, number + 1, packed));
      packed.back() ^= 1;
      EXPECT_FALSE(keys.is_value(IdDomain::hits, number, packed));
      const auto size = static_cast<uint32_t>(packed.size()) - (packed[0] == 0xc4 ? 2 : 3);
      sum += size;
      least = std::min(least, size);
      most = std::max(most, size);
    }
    EXPECT_GE(least, 100u);
    EXPECT_LE(most, 8000u);
    EXPECT_GT(most, 7000u);
    const double mean = static_cast<double>(sum) / 2000;
    EXPECT_NEAR(mean, spread == Spread::uniform ? 4050 : 1803, 200);
  }
}

TEST(NumberDraw, DrawsByZipfsLaw) {
  constexpr uint32_t bound = 1000;
  constexpr uint32_t draws = 400'000;
  const NumberDraw zipf = NumberDraw::zipf(bound, 1.0);
  Rng rng(5);
  std::vector<uint32_t> seen(bound);
  for (uint32_t i = 0; i < draws; ++i) ++seen[zipf.draw(rng)];
  const double first = draws / 7.4855;  // The sum of 1/n for n to 1000.
  EXPECT_NEAR(seen[0], first, first * 0.03);
  EXPECT_NEAR(seen[1], first / 2, first * 0.03);
  EXPECT_NEAR(seen[9], first / 10, first * 0.01);
  uint32_t upper_half = 0;
  for (uint32_t i = bound / 2; i < bound; ++i) upper_half += seen[i];
  EXPECT_NEAR(upper_half, first * 0.6921, first * 0.03);  // The sum of 1/n, n from 501.
}

TEST(NumberDraw, DrawsAllAlikeWhenUniform) {
  const NumberDraw uniform = NumberDraw::uniform(10);
  Rng rng(6);
  std::vector<uint32_t> seen(10);
  for (uint32_t i = 0; i < 100'000; ++i) ++seen[uniform.draw(rng)];
  for (const uint32_t count : seen) EXPECT_NEAR(count, 10'000, 500);
}

}  // namespace
}  // namespace xord
