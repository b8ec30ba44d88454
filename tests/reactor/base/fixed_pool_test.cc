// Rules of the fixed pool.
#include "reactor/base/fixed_pool.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reactor/base/rng.h"

namespace xord {
namespace {

TEST(FixedPool, RefusesWhenAllAreTakenAndServesAgainAfterAReturn) {
  FixedPool<int> pool(2);
  const auto first = pool.take();
  const auto second = pool.take();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->index, second->index);
  EXPECT_TRUE(pool.is_full());
  EXPECT_FALSE(pool.take().has_value());

  pool.give_back(*first);
  EXPECT_EQ(pool.taken_count(), 1u);
  EXPECT_TRUE(pool.take().has_value());
}

TEST(FixedPool, AHandleIsStaleOnceItsObjectWasGivenBackEvenIfTheSlotIsTakenAgain) {
  FixedPool<std::string> pool(1, "fresh");
  const PoolHandle old = *pool.take();
  EXPECT_EQ(pool[old], "fresh");
  pool.give_back(old);
  EXPECT_EQ(pool.find(old), nullptr);

  const PoolHandle current = *pool.take();
  EXPECT_EQ(current.index, old.index);
  EXPECT_EQ(pool.find(old), nullptr);
  EXPECT_NE(pool.find(current), nullptr);
}

TEST(FixedPool, AnInventedHandleFindsNothing) {
  FixedPool<int> pool(2);
  EXPECT_EQ(pool.find({}), nullptr);
  EXPECT_EQ(pool.find({7, 1}), nullptr);
  EXPECT_EQ(pool.find({0, 0}), nullptr);  // Never taken.
  EXPECT_EQ(pool.taken_at(0), std::nullopt);
}

TEST(FixedPool, AHandleSurvivesAsOneWord) {
  const PoolHandle handle{0x12345678, 0x9abcdef1};
  EXPECT_EQ(PoolHandle::of(handle.word()), handle);
}

TEST(FixedPoolDeathTest, GivingBackTwiceIsOurBug) {
  FixedPool<int> pool(1);
  const PoolHandle handle = *pool.take();
  pool.give_back(handle);
  EXPECT_DEATH(pool.give_back(handle), "is_current");
}

TEST(FixedPool, AgreesWithAListOfWhatIsTaken) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    FixedPool<uint64_t> pool(16);
    std::vector<std::pair<PoolHandle, uint64_t>> taken;
    std::vector<PoolHandle> stale;
    for (int step = 0; step < 1000; ++step) {
      if (rng.chance(0.5)) {
        const auto handle = pool.take();
        ASSERT_EQ(handle.has_value(), taken.size() < 16);
        if (handle) {
          pool[*handle] = rng.next();
          taken.emplace_back(*handle, pool[*handle]);
        }
      } else if (!taken.empty()) {
        const auto at = static_cast<std::ptrdiff_t>(rng.bounded(taken.size()));
        pool.give_back(taken[static_cast<size_t>(at)].first);
        stale.push_back(taken[static_cast<size_t>(at)].first);
        taken.erase(taken.begin() + at);
      }
      ASSERT_EQ(pool.taken_count(), taken.size());
      for (const auto& [handle, value] : taken) ASSERT_EQ(pool[handle], value);
      for (const PoolHandle& handle : stale) ASSERT_EQ(pool.find(handle), nullptr);
    }
  }
}

}  // namespace
}  // namespace xord
