#include "node/routing/recent_filter.h"

#include <gtest/gtest.h>

#include <map>

#include "reactor/base/rng.h"

namespace xord {
namespace {

Contact contact_of(uint32_t number) {
  Contact contact;
  store_be32(contact.id.bytes.data(), number);
  contact.endpoint = Endpoint::ipv4(number, 1);
  return contact;
}

TEST(RecentFilter, SaysFirstOnceAMinute) {
  RecentFilter filter(64, 1);
  const Instant now = Instant{} + hours(1);
  EXPECT_TRUE(filter.is_first(contact_of(1), now));
  EXPECT_FALSE(filter.is_first(contact_of(1), now + seconds(59)));
  EXPECT_TRUE(filter.is_first(contact_of(1), now + seconds(60)));
}

TEST(RecentFilter, TellsOneIdAtTwoEndpointsApart) {
  RecentFilter filter(1 << 16, 1);
  Contact elsewhere = contact_of(1);
  elsewhere.endpoint.port = 2;
  EXPECT_TRUE(filter.is_first(contact_of(1), Instant{}));
  EXPECT_TRUE(filter.is_first(elsewhere, Instant{}));
}

// It may forget early, never late: a contact is not withheld from its owner.
TEST(RecentFilter, NeverHidesAContactForLongerThanTheIntervalHoweverManyThereAre) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    RecentFilter filter(32, seed);
    std::map<uint32_t, Instant> reported;
    Instant now{};
    uint32_t hidden = 0;
    for (int step = 0; step < 20'000; ++step) {
      now = now + milliseconds(static_cast<int64_t>(rng.bounded(2000)));
      const auto number = static_cast<uint32_t>(rng.bounded(50));
      if (filter.is_first(contact_of(number), now)) {
        reported[number] = now;
      } else {
        ASSERT_LT((now - reported.at(number)).nanoseconds, minutes(1).nanoseconds);
        ++hidden;
      }
    }
    EXPECT_GT(hidden, 1000u) << "it does hide what was just reported";
  }
}

}  // namespace
}  // namespace xord
