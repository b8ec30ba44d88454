// How much may be sent to a source that has proven nothing.
#include "node/admission/amplification.h"

#include <gtest/gtest.h>

#include "reactor/base/rng.h"

namespace xord {
namespace {

TEST(ReplyBudget, AllowsAsManyBytesAsCameInByDefault) {
  ReplyBudget budget = ReplyBudget::unproven(78, 1.0);
  EXPECT_TRUE(budget.spend(50));
  EXPECT_EQ(budget.left(), 28u);
  EXPECT_FALSE(budget.spend(29));
  EXPECT_EQ(budget.left(), 28u) << "a refused datagram must cost nothing";
  EXPECT_TRUE(budget.spend(28));
  EXPECT_FALSE(budget.spend(1));
}

TEST(ReplyBudget, DoesNotSendFractionsOfAByte) {
  EXPECT_EQ(ReplyBudget::unproven(77, 0.5).left(), 38u);
  EXPECT_EQ(ReplyBudget::unproven(3, 1.5).left(), 4u);
  EXPECT_EQ(ReplyBudget::unproven(1000, 0).left(), 0u);
  EXPECT_EQ(ReplyBudget::unproven(0, 10).left(), 0u);
}

TEST(ReplyBudget, AnAbsurdFactorIsNotUndefined) {
  EXPECT_TRUE(ReplyBudget::unproven(8213, 1e300).fits(1 << 20));
}

TEST(ReplyBudget, NeverAllowsMoreInTotalThanTheFactorTimesThePayload) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const size_t received = rng.bounded(8214);
    const double factor = rng.unit() * 3;
    ReplyBudget budget = ReplyBudget::unproven(received, factor);
    size_t sent = 0;
    for (int i = 0; i < 100; ++i) {
      const size_t size = rng.bounded(600);
      if (budget.spend(size)) sent += size;
      ASSERT_LE(static_cast<double>(sent), static_cast<double>(received) * factor);
    }
  }
}

}  // namespace
}  // namespace xord
