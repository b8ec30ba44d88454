// What loading could not read is kept to be read again: all of it, in bounded room.
#include "storage/rocks/lost_ranges.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "reactor/base/rng.h"

namespace xord {
namespace {

TEST(LostRanges, NeighboursAreOneRangeAndListsAreKeptApart) {
  constexpr StoreId published(0, StoreList::published);
  LostRanges lost;
  lost.add(published, {2, 3});
  lost.add(0, {3, 4});
  lost.add(0, {4, 9});
  lost.add(0, {20, 21});
  lost.add(1, {21, 22});
  EXPECT_EQ(lost.all().size(), 4u);
  EXPECT_EQ(lost.prefixes_of(0), 7u);
  EXPECT_EQ(lost.prefixes_of(1), 1u);
  EXPECT_EQ(lost.prefixes_of(published), 1u);
  EXPECT_EQ(lost.take().size(), 4u);
  EXPECT_TRUE(lost.is_empty());
}

// As much as a disk can take away: every second range of every list.
TEST(LostRanges, HoweverManyAreLostTheirNumberIsBounded) {
  constexpr uint32_t lists = 8;
  LostRanges lost;
  for (NetworkIndex list = 0; list < lists; ++list) {
    for (uint32_t prefix = 0; prefix < 65'536; prefix += 2) lost.add(list, {prefix, prefix + 1});
    lost.check_invariants();
    EXPECT_LT(lost.all().size(), LostRanges::ranges_max + lists);
  }
}

TEST(LostRanges, AllThatIsAddedIsReadAgainWhateverComes) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    LostRanges lost;
    std::set<std::pair<StoreId, uint32_t>> added;
    for (NetworkIndex list = 0; list < 4; ++list) {
      for (uint32_t first = 0; first < 65'530;) {
        const auto end = static_cast<uint32_t>(first + 1 + rng.bounded(4));
        const bool is_lost = rng.chance(0.7);
        if (is_lost) lost.add(list, {first, end});
        for (; first < end; ++first) {
          if (is_lost) added.emplace(list, first);
        }
        first += static_cast<uint32_t>(rng.bounded(rng.chance(0.1) ? 900 : 9));
      }
      lost.check_invariants();
    }
    for (const auto& [list, range] : lost.take()) {
      for (uint32_t prefix = range.first; prefix < range.end; ++prefix) added.erase({list, prefix});
    }
    EXPECT_TRUE(added.empty());
  }
}

TEST(LostRangesDeathTest, ARangeThatIsEmptyOrOutOfOrderIsOurBug) {
  LostRanges lost;
  lost.add(0, {5, 7});
  EXPECT_DEATH(lost.add(0, {6, 8}), "last.end <= range.first");
  EXPECT_DEATH(lost.add(1, {6, 6}), "range.first < range.end");
}

}  // namespace
}  // namespace xord
