// Events come in the order of time, and of entry where times are equal.
#include "tools/sim/event_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "reactor/base/rng.h"

namespace xord::sim {
namespace {

TEST(EventQueue, IsOrderedByTimeAndThenByEntry) {
  EventQueue queue;
  EXPECT_TRUE(queue.empty());
  Rng rng(5);
  std::vector<std::pair<int64_t, uint32_t>> expected;
  for (uint32_t i = 0; i < 500; ++i) {
    const auto at = static_cast<int64_t>(rng.bounded(20));
    expected.emplace_back(at, i);
    queue.push(Instant{at}, Event::Kind::deed, i + 1'000, i);
  }
  std::sort(expected.begin(), expected.end());
  for (const auto& [at, index] : expected) {
    ASSERT_FALSE(queue.empty());
    EXPECT_EQ(queue.next().index, index);
    const Event event = queue.pop();
    EXPECT_EQ(event.at, Instant{at});
    EXPECT_EQ(event.index, index);
    EXPECT_EQ(event.host, index + 1'000);
    EXPECT_EQ(event.kind, Event::Kind::deed);
  }
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace xord::sim
