#include "node/disk_waits.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

DiskWait answer_of(uint64_t operation) {
  DiskWait answer;
  answer.owner = operation;
  return answer;
}

TEST(DiskWaits, KnowsTheTwoStoresApartThoughTheirTicketsAreEqual) {
  DiskWaits pending(8);
  // Reads are numbered in the high half; the low half is the same in all.
  for (const uint64_t number : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 31}) {
    const Ticket ticket = number << 32 | UINT32_MAX;
    pending.insert({ticket, false}, answer_of(2 * number));
    pending.insert({ticket, true}, answer_of(2 * number + 1));
  }
  EXPECT_EQ(pending.count(), 6u);
  for (const uint64_t number : {uint64_t{1} << 31, uint64_t{0}, uint64_t{1}}) {
    const Ticket ticket = number << 32 | UINT32_MAX;
    EXPECT_EQ(pending.take({ticket, true})->owner, 2 * number + 1);
    EXPECT_FALSE(pending.take({ticket, true}));
    EXPECT_EQ(pending.take({ticket, false})->owner, 2 * number);
  }
  EXPECT_EQ(pending.count(), 0u);
}

TEST(DiskWaits, TheDiskIsBehindWhileManyRequestsOfPeersWait) {
  constexpr uint32_t least = DiskWaits::backlog_least;
  const Instant start = instant_of(1000);
  DiskWaits pending(least + 10);
  DiskWait own;
  own.kind = DiskWait::Kind::replicated;
  for (uint32_t i = 0; i < 9; ++i) pending.insert({i, true}, own);
  DiskWait store;
  store.kind = DiskWait::Kind::store_reply;
  for (uint32_t i = 0; i < least - 1; ++i) pending.insert({i, false}, store);
  EXPECT_EQ(pending.backlogged_since(start), std::nullopt) << "our own do not count";
  DiskWait get;
  get.kind = DiskWait::Kind::value_reply;
  pending.insert({least, false}, get);
  EXPECT_EQ(pending.backlogged_since(start + seconds(1)), start + seconds(1));
  EXPECT_EQ(pending.backlogged_since(start + seconds(2)), start + seconds(1));
  ASSERT_TRUE(pending.take({7, false}));
  EXPECT_EQ(pending.backlogged_since(start + seconds(3)), std::nullopt);
  pending.insert({7, false}, store);
  EXPECT_EQ(pending.backlogged_since(start + seconds(4)), start + seconds(4));
}

}  // namespace
}  // namespace xord
