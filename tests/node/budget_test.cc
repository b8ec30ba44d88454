// The capacities of a node: what little memory makes of them, and those of the simulator's nodes.
#include "node/budget.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

struct Capacity {
  const char* name;
  uint32_t Budget::*member;
};
#define XORD_CAPACITY(name) \
  { #name, &Budget::name }
constexpr Capacity capacities[] = {
    XORD_CAPACITY(lookups),         XORD_CAPACITY(lookup_rows),     XORD_CAPACITY(lookup_values),
    XORD_CAPACITY(other_requests),  XORD_CAPACITY(round_trips),     XORD_CAPACITY(proven_sources),
    XORD_CAPACITY(called_bits),     XORD_CAPACITY(ledger_rows),     XORD_CAPACITY(heard_contacts),
    XORD_CAPACITY(waiting_answers), XORD_CAPACITY(wanted_contacts), XORD_CAPACITY(held_small),
    XORD_CAPACITY(held_medium),     XORD_CAPACITY(held_large),      XORD_CAPACITY(region_lookups),
    XORD_CAPACITY(regions),         XORD_CAPACITY(replications),    XORD_CAPACITY(newcomers),
    XORD_CAPACITY(handed_contacts)};
static_assert(std::size(capacities) * sizeof(uint32_t) == sizeof(Budget), "every one is here");

TEST(Budget, ASimulatedNodeTakesLessOfEverything) {
  const Budget production;
  const Budget simulated = Budget::simulated();
  for (const Capacity& each : capacities) {
    EXPECT_LT(simulated.*each.member, production.*each.member) << each.name;
    EXPECT_GT(simulated.*each.member, 0u) << each.name;
  }
}

TEST(Budget, EachLookupHasItsParallelCallsTwice) {
  Budget budget;
  budget.lookups = 10;
  budget.other_requests = 7;
  EXPECT_EQ(budget.requests_in_flight(), 10 * 3 * 2 + 7u);
}

// 17 MiB hold all of them; a node with less memory holds as many eighths as fit, one at least.
TEST(Budget, RequestsAreHeldInTheEighthsThatFit) {
  constexpr uint64_t all = 17 << 20;
  struct Case {
    uint64_t bytes;
    uint32_t eighths;
  };
  for (const Case& each : {Case{0, 1}, Case{all / 4 - 1, 1}, Case{all / 4, 2}, Case{all / 2, 4},
                           Case{all - 1, 7}, Case{all, 8}, Case{100 * all, 8}}) {
    Budget budget;
    budget.size_held(each.bytes);
    EXPECT_EQ(budget.held_small, 2048 * each.eighths) << each.bytes;
    EXPECT_EQ(budget.held_medium, 384 * each.eighths) << each.bytes;
    EXPECT_EQ(budget.held_large, 24 * each.eighths) << each.bytes;
    EXPECT_EQ(budget.held_max(), (2048 + 384 + 24) * each.eighths) << each.bytes;
  }
}

}  // namespace
}  // namespace xord
