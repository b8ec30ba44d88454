// Ids, values and draws of a load run.
#include "tools/load/key_space.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"

namespace xord {
namespace {

const Id node_id = *Id::from_hex("c0ffee00112233445566778899aabbccddeeff00");

// Steele, Lea and Flood 2014, as it is usually written.
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t word = (state_ += 0x9e3779b97f4a7c15u);
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
  }

 private:
  uint64_t state_;
};

// Where the stream of a number begins: two rounds of the same function.
uint64_t stream_of(uint64_t seed, IdDomain domain, uint64_t number) {
  const uint64_t of_domain =
      SplitMix64(seed + (static_cast<uint64_t>(domain) - 1) * 0x9e3779b97f4a7c15u).next();
  return SplitMix64(of_domain + number - 0x9e3779b97f4a7c15u).next();
}

std::vector<uint8_t> value_of(const KeySpace& keys, uint64_t number) {
  std::vector<uint8_t> packed(9'000);
  packed.resize(keys.write_value(IdDomain::hits, number, packed));
  return packed;
}

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
  for (const uint32_t bits : {0u, 1u, 7u, 8u, 9u, 12u, 18u, 21u, 63u, 128u}) {
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

// `--stored` relies on it: a later run, perhaps of another version, must know what was stored.
TEST(KeySpace, IdsAndValuesAreThoseOfSplitMix64) {
  const KeySpace from_zero(0, {}, node_id, 0);
  EXPECT_EQ(from_zero.id(IdDomain::targets, 0).hex(),
            "e220a8397b1dcdaf6e789e6aa1b965f406c45d18");  // Its first words, from the seed 0.
  const KeySpace keys(77, {24, 24, Spread::uniform}, node_id, 0);
  for (const IdDomain domain : {IdDomain::targets, IdDomain::hits, IdDomain::sources}) {
    for (const uint64_t number : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32}) {
      SplitMix64 words(stream_of(77, domain, number));
      std::array<uint8_t, 24> bytes;
      for (size_t i = 0; i < 3; ++i) store_be64(&bytes[i * 8], words.next());
      EXPECT_EQ(keys.id(domain, number), Id::from(Bytes(bytes).first(id_size)));
      SplitMix64 content(~stream_of(77, domain, number));
      for (size_t i = 0; i < 3; ++i) store_be64(&bytes[i * 8], content.next());
      std::vector<uint8_t> packed(24 + 16);
      packed.resize(keys.write_value(domain, number, packed));
      std::vector<uint8_t> wanted = {0xc4, 24};
      wanted.insert(wanted.end(), bytes.begin(), bytes.end());
      EXPECT_EQ(packed, wanted);
    }
  }
}

// Of each value the size is drawn by the word before its content, for the same reason.
TEST(KeySpace, SizesAreDrawnByTheFirstWordOfTheirStream) {
  const KeySpace uniform(77, {10, 1'009, Spread::uniform}, node_id, 0);
  const KeySpace zipf(77, {10, 1'009, Spread::zipf}, node_id, 0);
  for (uint64_t number = 0; number < 50; ++number) {
    const uint64_t stream = ~stream_of(77, IdDomain::hits, number);
    const uint64_t word = SplitMix64(stream - 0x9e3779b97f4a7c15u).next();
    const double unit = std::ldexp(static_cast<double>(word >> 11), -53);
    const auto content = [&](const KeySpace& keys) {
      const std::vector<uint8_t> packed = value_of(keys, number);
      return packed.size() - (packed[0] == 0xc4 ? 2 : 3);
    };
    EXPECT_EQ(content(uniform), static_cast<size_t>(10 + unit * 1'000));
    EXPECT_EQ(content(zipf), static_cast<size_t>(11 * std::pow(1'011 / 11.0, unit) - 1));
  }
}

TEST(KeySpace, AValueHasTheHeadOfItsSize) {
  const std::pair<uint32_t, std::vector<uint8_t>> heads[] = {{0, {0xc4, 0}},
                                                             {1, {0xc4, 1}},
                                                             {255, {0xc4, 255}},
                                                             {256, {0xc5, 1, 0}},
                                                             {8'137, {0xc5, 0x1f, 0xc9}}};
  for (const auto& [size, head] : heads) {
    const KeySpace keys(4, {size, size, Spread::uniform}, node_id, 0);
    std::vector<uint8_t> packed = value_of(keys, 9);
    ASSERT_EQ(packed.size(), head.size() + size);
    EXPECT_TRUE(std::equal(head.begin(), head.end(), packed.begin()));
    EXPECT_TRUE(keys.is_value(IdDomain::hits, 9, packed));
    packed.push_back(0);
    EXPECT_FALSE(keys.is_value(IdDomain::hits, 9, packed)) << "and nothing after it";
  }
}

TEST(KeySpace, EverySizeOfARangeIsDrawnBothEndsIncluded) {
  constexpr int draws = 8'000;
  for (const Spread spread : {Spread::uniform, Spread::zipf}) {
    const KeySpace keys(6, {1, 4, spread}, node_id, 0);
    std::map<size_t, int> seen;
    for (uint64_t number = 0; number < draws; ++number) ++seen[value_of(keys, number).size() - 2];
    ASSERT_EQ(seen.size(), 4u);
    EXPECT_EQ(seen.begin()->first, 1u);
    // Uniform: a quarter each. Zipf: from 2 to 6 in equal ratios, log(3/2) of log(3) is 1, ...
    const double ends[] = {2, 3, 4, 5, 6};
    for (size_t size = 1; size <= 4; ++size) {
      const double share = spread == Spread::uniform
                               ? 0.25
                               : std::log(ends[size] / ends[size - 1]) / std::log(6.0 / 2.0);
      EXPECT_NEAR(seen[size], share * draws, draws * 0.02) << size;
    }
  }
}

TEST(NumberDraw, ASingleNumberIsAlwaysDrawn) {
  Rng rng(1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(NumberDraw::zipf(1, 0.99).draw(rng), 0u);
    EXPECT_EQ(NumberDraw::uniform(1).draw(rng), 0u);
    EXPECT_EQ(NumberDraw().draw(rng), 0u);
  }
}

}  // namespace
}  // namespace xord
