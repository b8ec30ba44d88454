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

}  // namespace
}  // namespace xord
