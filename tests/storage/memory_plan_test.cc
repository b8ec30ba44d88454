#include "storage/memory_plan.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

constexpr uint64_t mib = uint64_t{1} << 20;

TEST(MemoryPlan, TheIndexComesFirstAndValuesGetTheRest) {
  const MemoryPlan plan = plan_memory(1024 * mib, 1'000'000);
  EXPECT_EQ(plan.records_max, 1'000'000u);
  EXPECT_EQ(plan.value_bytes_max, 1024 * mib - 80'000'000);
}

TEST(MemoryPlan, MemoryBoundsTheRecordsAndLeavesAnEighthForValues) {
  const MemoryPlan plan = plan_memory(256 * mib, 10'000'000);
  EXPECT_EQ(plan.records_max, 224 * mib / 80);
  EXPECT_GE(plan.value_bytes_max, 32 * mib);
  EXPECT_LT(plan.value_bytes_max, 33 * mib);
}

TEST(MemoryPlan, BothTogetherNeverExceedTheBudget) {
  for (uint64_t memory = mib; memory < uint64_t{1} << 40; memory = memory * 3 + 7) {
    for (uint64_t records = 1; records < uint64_t{1} << 33; records = records * 5 + 1) {
      const MemoryPlan plan = plan_memory(memory, records);
      ASSERT_LE(plan.records_max, records);
      ASSERT_EQ(plan.records_max * index_bytes_a_record + plan.value_bytes_max, memory);
    }
  }
}

}  // namespace
}  // namespace xord
