// Rules of the seeded random stream.
#include "reactor/base/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace xord {
namespace {

std::vector<uint64_t> draws(Rng rng, size_t count) {
  std::vector<uint64_t> drawn(count);
  for (uint64_t& each : drawn) each = rng.next();
  return drawn;
}

// xoshiro256** as its authors publish it, on the state that SplitMix64 makes of the seed.
class Reference {
 public:
  explicit Reference(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      word = z ^ (z >> 31);
    }
  }
  uint64_t next() {
    const auto rotated = [](uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
    const uint64_t result = rotated(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotated(state_[3], 45);
    return result;
  }

 private:
  uint64_t state_[4];
};

TEST(Rng, IsThePublishedGenerator) {
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{0xffffffffffffffff}}) {
    Reference reference(seed);
    Rng rng(seed);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(rng.next(), reference.next()) << "seed " << seed;
  }
}

// SplitMix64's first outputs for seed 0 are published with it; the first draws follow from them.
TEST(Rng, GivesTheSameNumbersOnEveryMachineAndInEveryVersion) {
  EXPECT_EQ(draws(Rng(0), 3),
            (std::vector<uint64_t>{0x99ec5f36cb75f2b4, 0xbf6e1f784956452a, 0x1a5f849d4933e6e0}));
}

TEST(Rng, AStreamSplitOffDependsOnSeedAndNameAndNotOnWhatWasDrawn) {
  Rng drawn_from(1);
  drawn_from.next();
  EXPECT_EQ(draws(drawn_from.split("network"), 10), draws(Rng(1).split("network"), 10));
  EXPECT_NE(draws(Rng(1).split("network"), 10), draws(Rng(1).split("faults"), 10));
  EXPECT_NE(draws(Rng(1).split("network"), 10), draws(Rng(2).split("network"), 10));
  EXPECT_NE(draws(Rng(1).split(""), 10), draws(Rng(1), 10));
}

TEST(Rng, BoundedIsUniformBelowItsBound) {
  Rng rng(1);
  EXPECT_EQ(rng.bounded(1), 0u);
  for (const uint64_t bound : {2u, 3u, 7u, 10u}) {
    constexpr int draws_each = 10'000;
    std::vector<int> count(bound);
    for (uint64_t i = 0; i < bound * draws_each; ++i) ++count[rng.bounded(bound)];
    for (const int each : count) EXPECT_NEAR(each, draws_each, 5 * 100);  // 5 deviations.
  }
  for (int i = 0; i < 1000; ++i) EXPECT_LT(rng.bounded(UINT64_MAX), UINT64_MAX);
}

// Of 2^64 draws and three quarters as many results, each third result would have two.
TEST(Rng, BoundedIsUniformBelowABoundNearTheLargest) {
  Rng rng(5);
  std::array<int, 3> count{};
  for (int i = 0; i < 30'000; ++i) ++count[rng.bounded(uint64_t{3} << 62) % 3];
  for (const int each : count) EXPECT_NEAR(each, 10'000, 400);
}

TEST(RngDeathTest, ABoundOfZeroIsOurBug) {
  EXPECT_DEATH(Rng(1).bounded(0), "bound > 0");
}

TEST(Rng, UnitAndChanceStayWithinTheirRange) {
  Rng rng(1);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double unit = rng.unit();
    ASSERT_GE(unit, 0.0);
    ASSERT_LT(unit, 1.0);
    sum += unit;
    ASSERT_FALSE(rng.chance(0.0));
    ASSERT_TRUE(rng.chance(1.0));
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

TEST(Rng, FillsAnyLengthAndNothingBehindIt) {
  for (size_t size = 0; size < 40; ++size) {
    std::vector<uint8_t> bytes(size + 1, 0xee);
    Rng(size + 1).fill(MutableBytes(bytes).first(size));
    EXPECT_EQ(bytes[size], 0xee);
    if (size < 16) continue;
    EXPECT_GT(std::count_if(bytes.begin(), bytes.end() - 1, [](uint8_t b) { return b != 0xee; }),
              static_cast<std::ptrdiff_t>(size / 2));
  }
}

TEST(Rng, AShuffleKeepsAllAndPutsEachAnywhere) {
  constexpr size_t size = 5;
  int first_place[size] = {};
  for (uint64_t seed = 1; seed <= 5'000; ++seed) {
    std::vector<size_t> order(size);
    std::iota(order.begin(), order.end(), size_t{0});
    Rng(seed).shuffle(order);
    ++first_place[order[0]];
    std::sort(order.begin(), order.end());
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(order[i], i) << "seed " << seed;
  }
  for (const int times : first_place) EXPECT_NEAR(times, 1000, 150);
}

}  // namespace
}  // namespace xord
