#include "node/routing/recent_arrivals.h"

#include <gtest/gtest.h>

#include <vector>

namespace xord {
namespace {

using Handles = std::vector<ContactHandle>;

constexpr Instant start = Instant{} + hours(1);

Handles since(const RecentArrivals& recent, Instant begin) {
  const std::span<const ContactHandle> found = recent.since(begin);
  return {found.begin(), found.end()};
}

TEST(RecentArrivals, AreThoseAfterTheInstant) {
  RecentArrivals recent;
  EXPECT_TRUE(recent.since(start).empty());
  for (ContactHandle contact = 0; contact < 4; ++contact) {
    recent.add(contact, start + seconds(contact));
  }
  EXPECT_EQ(since(recent, start), (Handles{1, 2, 3})) << "not the one of that very instant";
  EXPECT_EQ(since(recent, start + milliseconds(1500)), (Handles{2, 3}));
  EXPECT_TRUE(recent.since(start + seconds(3)).empty());
}

TEST(RecentArrivals, OneThatArrivesAgainIsKeptOnceAndLast) {
  RecentArrivals recent;
  recent.add(1, start + seconds(1));
  recent.add(2, start + seconds(2));
  recent.add(1, start + seconds(3));
  EXPECT_EQ(since(recent, start), (Handles{2, 1}));
  EXPECT_EQ(since(recent, start + seconds(2)), (Handles{1}));
}

TEST(RecentArrivals, OneThatIsRemovedIsNoLongerThere) {
  RecentArrivals recent;
  for (ContactHandle contact = 1; contact < 4; ++contact) {
    recent.add(contact, start + seconds(contact));
  }
  recent.remove(2);
  recent.remove(9);
  EXPECT_EQ(since(recent, start), (Handles{1, 3}));
  EXPECT_EQ(since(recent, start + seconds(1)), (Handles{3}));
}

TEST(RecentArrivals, OfTooManyTheOldestAreForgotten) {
  RecentArrivals recent;
  constexpr ContactHandle count = RecentArrivals::kept_max + 3;
  for (ContactHandle contact = 0; contact < count; ++contact) recent.add(contact, start);
  const Handles kept = since(recent, start - seconds(1));
  ASSERT_EQ(kept.size(), RecentArrivals::kept_max);
  EXPECT_EQ(kept.front(), 3u);
  EXPECT_EQ(kept.back(), count - 1);
}

}  // namespace
}  // namespace xord
