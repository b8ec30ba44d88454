// Rules of the large array.
#include "reactor/base/large_array.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace xord {
namespace {

struct Row {
  uint32_t number = 7;
  uint32_t other = 0;
};

TEST(LargeArray, EveryValueBeginsAsItsDefault) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{1000}, size_t{1} << 20}) {
    const LargeArray<Row> rows(count);
    ASSERT_EQ(rows.size(), count);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(rows[i].number, 7u);
  }
}

TEST(LargeArray, StartsAtACacheLineAndALargeOneAtAHugePage) {
  const LargeArray<Row> small(3);
  const LargeArray<Row> large(size_t{1} << 20);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(&small[0]) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(&large[0]) % (2 << 20), 0u);
}

}  // namespace
}  // namespace xord
