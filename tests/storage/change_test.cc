// Limits of a store that change while it works.
#include "tests/storage/store_fixture.h"

namespace xord::testing {
namespace {

struct ChangeTest : StoreTest {
  ChangeTest() : StoreTest({.ttl = 7 * day, .records_max = 8, .writes_max = 16}) {}
  void change(NodeSeconds ttl, uint32_t records_max, uint64_t bytes_max,
              Shares shares = Shares::unlimited) {
    store.change({ttl, records_max, bytes_max, shares});
    store.check_invariants();
  }
};

TEST_F(ChangeTest, FewerRecordsRefuseNewOnesAndKeepWhatIsHeld) {
  for (uint32_t i = 0; i < 4; ++i) put(i, "v");
  change(7 * day, 2, config.bytes_max);
  EXPECT_EQ(begin(9, "v").refusal, StoreRefusal::records_full);
  for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(served(i), "v");
  put(0, "w");  // It takes the place of one that is held.
  change(7 * day, 5, config.bytes_max);
  put(9, "v");
  EXPECT_EQ(begin(10, "v").refusal, StoreRefusal::records_full);
}

TEST_F(ChangeTest, FewerBytesRefuseNewOnesAndMoreTakeThem) {
  put(1, "12345678");
  change(7 * day, 8, 10);
  EXPECT_EQ(begin(2, "12345678").refusal, StoreRefusal::bytes_full);
  EXPECT_EQ(served(1), "12345678");
  change(7 * day, 8, 100);
  put(2, "12345678");
}

TEST_F(ChangeTest, AnotherTtlIsThatOfNewStores) {
  put(1, "old");
  change(3600, 8, config.bytes_max);
  put(2, "new");
  EXPECT_EQ(begin(3, "late", 3600).refusal, StoreRefusal::too_old);
  pass(3600);
  EXPECT_EQ(served(1), "old");
  EXPECT_EQ(served(2), "-");
}

// What reclaims rows on disk was told the ttl of the start: a record whose later expiry is known in
// memory alone must not lag further behind than that allows.
TEST_F(ChangeTest, ALongerTtlDoesNotLetTimesOnDiskLagLonger) {
  change(70 * day, 8, config.bytes_max);
  put(1, "v");
  pass(7 * day / 24);
  EXPECT_EQ(begin(1, "v").kind, StoreOutcome::Kind::unchanged);
  pass(1);
  EXPECT_EQ(begin(1, "v").kind, StoreOutcome::Kind::pending);
}

TEST_F(ChangeTest, SharesHoldFromTheChangeOnForWhatIsHeldAlready) {
  for (uint32_t i = 0; i < 4; ++i) put(i, "v");  // All of one source prefix.
  put(4, "v");
  change(7 * day, 8, config.bytes_max, Shares::enforced);
  EXPECT_EQ(begin(5, "v").refusal, StoreRefusal::prefix_full);
  change(7 * day, 8, config.bytes_max, Shares::counted);
  put(5, "v");
  EXPECT_EQ(store.counters().read(StoreCount::refused_prefix_full), 2u);
  change(7 * day, 4, config.bytes_max, Shares::enforced);
  for (uint32_t i = 0; i < 6; ++i) EXPECT_EQ(served(i), "v");
}

}  // namespace
}  // namespace xord::testing
