// Rules of one lookup, named after the lines of the paper's checklist (docs/TESTING.md).
#include "node/lookup/lookup.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reactor/base/rng.h"

namespace xord {
namespace {

// The contact at distance `far` from the target, which is all zeros here: its id is `far`.
Contact at(uint32_t far) {
  Contact contact;
  store_be32(&contact.id.bytes[16], far);
  contact.endpoint = Endpoint::ipv4(0x0a000000 + far, 8468);
  return contact;
}

std::vector<Contact> range(uint32_t first, uint32_t last) {
  std::vector<Contact> contacts;
  for (uint32_t i = first; i <= last; ++i) contacts.push_back(at(i));
  return contacts;
}

// The same in a subnet of the Internet: 203.0.`subnet`.0/24.
Contact in_subnet(uint32_t subnet, uint32_t far) {
  Contact contact = at(far);
  contact.endpoint = Endpoint::ipv4(0xcb000000 + (subnet << 8) + far % 256,
                                    static_cast<uint16_t>(8468 + far / 256));
  return contact;
}

class LookupTest : public testing::Test {
 protected:
  void start(std::vector<Contact> known, LookupKind kind = LookupKind::find_node) {
    plan.kind = kind;
    plan.self = at(1'000'000).id;
    lookup.start(plan, known);
  }
  // All contacts that may be asked now, by distance.
  std::vector<uint32_t> asked_now() {
    std::vector<uint32_t> asked;
    while (const auto row = lookup.next()) {
      rows.emplace_back(*row);
      asked.push_back(far(*row));
    }
    return asked;
  }
  uint32_t far(Lookup::Row row) const { return load_be32(&lookup.contact(row).id.bytes[16]); }
  Lookup::Row row(uint32_t distance) const {
    for (const Lookup::Row asked : rows) {
      if (far(asked) == distance) return asked;
    }
    ADD_FAILURE() << distance << " was not asked";
    return Lookup::no_row;
  }
  void answer(uint32_t distance, std::vector<Contact> named = {}) {
    lookup.answered(row(distance), named);
  }
  void answer_value(uint32_t distance, std::string_view value) {
    lookup.answered_value(row(distance), bytes_of(value), pool);
  }
  std::vector<uint32_t> results() const {
    std::vector<Contact> found(Lookup::no_row);
    found.resize(lookup.results(found));
    std::vector<uint32_t> distances;
    for (const Contact& contact : found) distances.push_back(load_be32(&contact.id.bytes[16]));
    return distances;
  }
  std::string value() const { return std::string(text_of(lookup.value(pool).value_or(Bytes{}))); }

  using Distances = std::vector<uint32_t>;
  LookupPlan plan;
  ValuePool pool{8};
  Lookup lookup;
  std::vector<Lookup::Row> rows;
};

TEST_F(LookupTest, Checklist15StartsWithTheAlphaNearestKnown) {
  start({at(50), at(10), at(40), at(20), at(30)});
  EXPECT_EQ(asked_now(), (Distances{10, 20, 30}));
}

TEST_F(LookupTest, Checklist16ASlotIsRefilledAsItFreesWithTheNearestUnasked) {
  start({at(10), at(20), at(30), at(40)});
  asked_now();
  answer(20, {at(5), at(15)});
  EXPECT_EQ(asked_now(), Distances{5});
  answer(30, {at(12)});
  EXPECT_EQ(asked_now(), Distances{12});
}

TEST_F(LookupTest, Checklist17ASlowNodeOpensOneMoreSlotAndIsOutOfTheRunningUntilItAnswers) {
  start(range(1, 10));
  EXPECT_EQ(asked_now(), (Distances{1, 2, 3}));
  lookup.slow(row(2));
  EXPECT_EQ(asked_now(), Distances{4});
  EXPECT_EQ(asked_now(), Distances{});
  answer(1);
  answer(3);
  EXPECT_EQ(results(), (Distances{1, 3}));
  answer(2);  // Late, but it counts.
  EXPECT_EQ(results(), (Distances{1, 2, 3}));
}

TEST_F(LookupTest, Checklist18AlphaAnswersThatNameNothingNearerAskAllOfTheKNearestAtOnce) {
  start(range(1, 30));
  asked_now();
  answer(1, range(31, 40));
  EXPECT_EQ(asked_now(), Distances{4});
  answer(2);
  EXPECT_EQ(asked_now(), Distances{5});
  answer(3);
  Distances rest;
  for (uint32_t i = 6; i <= bucket_size; ++i) rest.push_back(i);
  EXPECT_EQ(asked_now(), rest);
}

TEST_F(LookupTest, Checklist18ANearerContactMakesTheLookupNarrowAgain) {
  start(range(10, 40));
  asked_now();
  answer(10);
  answer(11);
  answer(12);
  EXPECT_EQ(asked_now().size(), bucket_size - 3);
  answer(13, {at(5), at(6), at(7), at(8)});
  EXPECT_EQ(asked_now(), Distances{}) << "sixteen calls are in flight";
  for (uint32_t i = 14; i < 10 + bucket_size; ++i) answer(i, {at(30 - i)});
  EXPECT_LE(asked_now().size(), lookup_parallelism);
}

TEST_F(LookupTest, Checklist19EndsWhenTheKNearestHaveAnswered) {
  start(range(1, 40));
  Distances k_nearest;
  while (!lookup.is_finished()) {
    const Distances asked = asked_now();
    ASSERT_FALSE(asked.empty());
    for (const uint32_t distance : asked) {
      EXPECT_FALSE(lookup.is_finished());
      answer(distance);
      k_nearest.push_back(distance);
    }
  }
  EXPECT_EQ(k_nearest.size(), bucket_size);
  EXPECT_EQ(results(), k_nearest);
  EXPECT_EQ(lookup.asked_count(), bucket_size);
}

TEST_F(LookupTest, EndsWithoutTheSlowOnesWhenTheOthersOfTheKNearestHaveAnswered) {
  start(range(1, 4));
  asked_now();
  lookup.slow(row(1));
  EXPECT_EQ(asked_now(), Distances{4});
  answer(2);
  answer(3);
  EXPECT_FALSE(lookup.is_finished());
  answer(4);
  EXPECT_TRUE(lookup.is_finished());
  EXPECT_EQ(results(), (Distances{2, 3, 4}));
}

TEST_F(LookupTest, WaitsForSlowOnesAsLongAsNobodyHasAnswered) {
  start(range(1, 2));
  asked_now();
  lookup.slow(row(1));
  lookup.slow(row(2));
  EXPECT_FALSE(lookup.is_finished());
  lookup.failed(row(1));
  EXPECT_FALSE(lookup.is_finished());
  answer(2);
  EXPECT_TRUE(lookup.is_finished());
}

TEST_F(LookupTest, EndsWithNothingWhenAllFail) {
  start(range(1, 2));
  asked_now();
  lookup.failed(row(1));
  lookup.slow(row(2));
  lookup.failed(row(2));
  EXPECT_TRUE(lookup.is_finished());
  EXPECT_EQ(results(), Distances{});
}

TEST_F(LookupTest, WithNobodyToAskItIsFinishedAtOnce) {
  start({});
  EXPECT_EQ(asked_now(), Distances{});
  EXPECT_TRUE(lookup.is_finished());
}

TEST_F(LookupTest, AFailedContactIsNotAskedAgainWhoeverNamesIt) {
  start(range(1, 3));
  asked_now();
  lookup.failed(row(1));
  answer(2, {at(1), at(4)});
  EXPECT_EQ(asked_now(), Distances{4});
  answer(3, {at(1)});
  answer(4, {at(1)});
  EXPECT_TRUE(lookup.is_finished());
  EXPECT_EQ(results(), (Distances{2, 3, 4}));
}

TEST_F(LookupTest, NeverAsksItself) {
  start({at(1), at(1'000'000)});
  EXPECT_EQ(asked_now(), Distances{1});
  Contact self = at(1'000'000);
  self.endpoint.port = 1;
  answer(1, {self});
  EXPECT_EQ(asked_now(), Distances{});
  EXPECT_TRUE(lookup.is_finished());
}

TEST_F(LookupTest, AsksAnEndpointOnceUnderWhateverIdsItIsNamed) {
  start({at(7)});
  asked_now();
  Contact same_endpoint = at(1);
  same_endpoint.endpoint = at(7).endpoint;
  Contact same_id = at(7);
  same_id.endpoint.port = 9;
  answer(7, {same_endpoint, same_id});
  EXPECT_EQ(asked_now(), Distances{});
}

TEST_F(LookupTest, TheTargetItselfIsAskedAndFound) {
  start({at(3)});
  asked_now();
  answer(3, {at(0)});
  EXPECT_EQ(asked_now(), Distances{0});
  answer(0);
  EXPECT_EQ(results(), (Distances{0, 3}));
}

TEST_F(LookupTest, WhenItsRowsAreFullTheFarthestUnaskedMakeRoom) {
  lookup = Lookup(30);
  start(range(101, 130));
  asked_now();  // 101, 102, 103.
  answer(101, range(1, 10));
  answer(102, {at(500)});  // Farther than all others: no room for it.
  Distances asked;
  while (!lookup.is_finished()) {
    for (const uint32_t distance : asked_now()) {
      asked.push_back(distance);
      answer(distance);
    }
    if (!lookup.is_finished()) answer(103, {at(11)});
  }
  Distances expected = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  for (uint32_t i = 101; i <= 109; ++i) expected.push_back(i);
  EXPECT_EQ(results(), expected);
}

TEST_F(LookupTest, RowsThatWereAskedStayWhenTheOthersMakeRoom) {
  plan.width = 2;
  lookup = Lookup(4);
  start(range(101, 104));
  asked_now();
  EXPECT_EQ(rows.size(), 2u);  // Width 2: only two are in the running.
  answer(101, range(1, 8));    // Two of these push out 103 and 104.
  EXPECT_EQ(asked_now(), (Distances{1, 2}));
  answer(1, {at(101), at(102), at(103)});
  answer(2);
  EXPECT_TRUE(lookup.is_finished());
}

TEST_F(LookupTest, ACallThatCouldNotBeMadeIsMadeLater) {
  start(range(1, 5));
  asked_now();
  lookup.postponed(row(2));
  EXPECT_FALSE(lookup.is_finished());
  EXPECT_EQ(lookup.asked_count(), 2u);
  EXPECT_EQ(asked_now(), Distances{2});
}

TEST_F(LookupTest, RemembersWhoNamedWhomAndHowDeepTheNearestWasFound) {
  start({at(90)});
  asked_now();
  EXPECT_EQ(lookup.named_by(row(90)), std::nullopt);
  answer(90, {at(50)});
  asked_now();
  EXPECT_EQ(lookup.named_by(row(50)), row(90));
  answer(50, {at(20), at(90)});
  asked_now();
  EXPECT_EQ(lookup.named_by(row(20)), row(50));
  answer(20);
  EXPECT_EQ(lookup.hops(), 2u);
}

TEST_F(LookupTest, AWiderLookupFindsMoreThanK) {
  plan.width = 50;
  start(range(1, 100));
  while (!lookup.is_finished()) {
    for (const uint32_t distance : asked_now()) answer(distance);
  }
  EXPECT_EQ(results().size(), 50u);
}

TEST_F(LookupTest, OneSubnetCannotFillTheKNearest) {
  std::vector<Contact> honest;
  for (uint32_t i = 0; i < 30; ++i) honest.push_back(in_subnet(100 + i, 1000 + i));
  start(honest);
  std::vector<Contact> named;
  for (uint32_t i = 1; i <= 100; ++i) named.push_back(in_subnet(1, i));
  Distances asked;
  while (!lookup.is_finished()) {
    for (const uint32_t distance : asked_now()) {
      asked.push_back(distance);
      answer(distance, distance == 1002 || distance < 1000 ? named : std::vector<Contact>{});
    }
  }
  Distances expected = {1, 2, 3, 4, 5};
  for (uint32_t i = 0; i < bucket_size - lookup_subnet_max; ++i) expected.push_back(1000 + i);
  EXPECT_EQ(results(), expected);
  EXPECT_LE(asked.size(), bucket_size + lookup_parallelism);
}

TEST_F(LookupTest, OfOneSubnetTheNearestAreFollowedAndFailuresGiveItNoNewShare) {
  start({in_subnet(200, 1000)});
  asked_now();
  answer(1000, {in_subnet(1, 30), in_subnet(1, 31), in_subnet(1, 32), in_subnet(1, 33),
                in_subnet(1, 34), in_subnet(1, 35), in_subnet(1, 10), in_subnet(2, 40)});
  EXPECT_EQ(asked_now(), (Distances{10, 30, 31}));  // 10 took the place of 34.
  lookup.failed(row(10));
  lookup.failed(row(30));
  answer(31, {in_subnet(1, 1), in_subnet(1, 2), in_subnet(1, 3)});
  EXPECT_EQ(asked_now(), (Distances{1, 2, 40})) << "1 and 2 took the places of 33 and 32";
}

// 203.`prefix`.0.0/16, each contact in a /24 of its own.
Contact in_wide(uint32_t prefix, uint32_t far) {
  Contact contact = at(far);
  contact.endpoint = Endpoint::ipv4(0xcb000000 + (prefix << 16) + (far % 256 << 8) + 1, 8468);
  return contact;
}

TEST_F(LookupTest, AWidePrefixHasNoMoreThanFourOfTheKNearestWhileThereAreOthers) {
  std::vector<Contact> honest;
  for (uint32_t i = 0; i < 30; ++i) honest.push_back(in_wide(100 + i, 1000 + i));
  start(honest);
  std::vector<Contact> named;
  for (uint32_t i = 1; i <= 100; ++i) named.push_back(in_wide(1, i));
  Distances asked;
  while (!lookup.is_finished()) {
    for (const uint32_t distance : asked_now()) {
      asked.push_back(distance);
      answer(distance, distance == 1002 || distance < 1000 ? named : std::vector<Contact>{});
      lookup.check_invariants();
    }
  }
  Distances expected = {1, 2, 3, 4};
  for (uint32_t i = 0; i < bucket_size - prefix_share_of_nearest; ++i) expected.push_back(1000 + i);
  EXPECT_EQ(results(), expected);
  EXPECT_LE(asked.size(), bucket_size + lookup_parallelism);
}

// The liar answers first: its contacts fill the rows before anyone else is known.
TEST_F(LookupTest, AWidePrefixThatCameFirstGivesWayToOthers) {
  start({in_wide(1, 2000), in_wide(200, 2001)});
  Distances asked = asked_now();
  uint32_t named_count = 0;
  for (int round = 0; round < 4; ++round) {
    Distances next;
    for (const uint32_t distance : asked) {
      if (distance == 2001) continue;  // It is late.
      std::vector<Contact> named;
      for (int i = 0; i < 40 && named_count < 200; ++i) named.push_back(in_wide(1, ++named_count));
      answer(distance, named);
      for (const uint32_t more : asked_now()) next.push_back(more);
    }
    asked = next;
  }
  std::vector<Contact> honest;
  for (uint32_t i = 0; i < 30; ++i) honest.push_back(in_wide(100 + i, 1000 + i));
  answer(2001, honest);
  for (const uint32_t distance : asked) answer(distance);
  while (!lookup.is_finished()) {
    for (const uint32_t distance : asked_now()) answer(distance);
    lookup.check_invariants();
  }
  const Distances found = results();
  EXPECT_EQ(found.size(), bucket_size);
  EXPECT_LE(std::count_if(found.begin(), found.end(), [](uint32_t far) { return far < 1000; }), 4);
}

TEST_F(LookupTest, ANetworkThatLivesInOneWidePrefixIsLookedUpAsEver) {
  start({in_wide(1, 1000)});
  asked_now();
  std::vector<Contact> named;
  for (uint32_t i = 1; i <= 30; ++i) named.push_back(in_wide(1, i));
  answer(1000, named);
  while (!lookup.is_finished()) {
    for (const uint32_t distance : asked_now()) answer(distance);
  }
  Distances expected;
  for (uint32_t i = 1; i <= bucket_size; ++i) expected.push_back(i);
  EXPECT_EQ(results(), expected);
}

TEST_F(LookupTest, FailuresGiveAWidePrefixNoNewShare) {
  std::vector<Contact> honest;
  for (uint32_t i = 0; i < 30; ++i) honest.push_back(in_wide(100 + i, 1000 + i));
  start(honest);
  std::vector<Contact> named;
  for (uint32_t i = 1; i <= 20; ++i) named.push_back(in_wide(1, i));
  uint32_t asked_of_prefix = 0;
  while (!lookup.is_finished()) {
    for (const uint32_t distance : asked_now()) {
      asked_of_prefix += distance < 1000;
      if (distance < 1000) {
        lookup.failed(row(distance));
      } else {
        answer(distance, named);
      }
    }
  }
  EXPECT_EQ(asked_of_prefix, prefix_share_of_nearest);
  EXPECT_EQ(results().size(), bucket_size);
}

TEST_F(LookupTest, AnIpv6SubnetHasTheSameShare) {
  std::vector<Contact> named;
  for (uint32_t i = 1; i <= 20; ++i) {
    named.push_back(at(i));
    named.back().endpoint.address = *IpAddress::parse("2001:db8:0:1::" + std::to_string(i));
  }
  start({at(1000)});
  asked_now();
  answer(1000, named);
  Distances asked;
  while (!lookup.is_finished()) {
    for (const uint32_t distance : asked_now()) {
      asked.push_back(distance);
      answer(distance);
    }
  }
  EXPECT_EQ(asked, (Distances{1, 2, 3, 4, 5}));
}

TEST_F(LookupTest, SubnetsOfOneMachineOrSiteAreLimitedOnlyIfConfigured) {
  start({in_subnet(1, 1000)});
  asked_now();
  answer(1000, range(1, 20));
  while (!lookup.is_finished()) {
    for (const uint32_t distance : asked_now()) answer(distance);
  }
  EXPECT_EQ(results().size(), bucket_size);
  plan.subnets.local = LocalSubnets::limited;
  start({in_subnet(1, 1000)});
  asked_now();
  answer(1000, range(1, 20));
  while (!lookup.is_finished()) {
    for (const uint32_t distance : asked_now()) answer(distance);
  }
  EXPECT_EQ(results(), (Distances{1, 2, 3, 4, 5, 1000}));
}

TEST_F(LookupTest, WhatTheTableKnewIsFollowedWhateverItsSubnet) {
  std::vector<Contact> known;
  for (uint32_t i = 1; i <= 10; ++i) known.push_back(in_subnet(1, i));
  start(known);
  while (!lookup.is_finished()) {
    for (const uint32_t distance : asked_now()) answer(distance, {in_subnet(1, 200 + distance)});
  }
  EXPECT_EQ(results(), (Distances{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST_F(LookupTest, Checklist20StopsAskingAtTheFirstValueAndAwaitsWhatIsInFlight) {
  start(range(1, 10), LookupKind::find_value);
  asked_now();
  answer_value(2, "v");
  EXPECT_EQ(asked_now(), Distances{});
  EXPECT_FALSE(lookup.is_finished());
  answer(1, {at(0)});
  EXPECT_EQ(asked_now(), Distances{});
  EXPECT_FALSE(lookup.is_finished());
  lookup.slow(row(3));  // Within its adaptive timeout of the first value at the latest.
  EXPECT_TRUE(lookup.is_finished());
  EXPECT_EQ(value(), "v");
  lookup.release(pool);
  EXPECT_EQ(pool.kept_count(), 0u);
}

TEST_F(LookupTest, TheMostCommonValueWinsAndOfEqualsTheFirst) {
  start(range(1, 3), LookupKind::find_value);
  asked_now();
  answer_value(3, "rare");
  answer_value(1, "common");
  EXPECT_EQ(value(), "rare");
  answer_value(2, "common");
  EXPECT_TRUE(lookup.is_finished());
  EXPECT_EQ(value(), "common");
  EXPECT_EQ(pool.kept_count(), 2u) << "equal values are kept once";
  lookup.release(pool);
}

TEST_F(LookupTest, ValuesOfAnotherTypeAreOtherValues) {
  start(range(1, 3), LookupKind::find_value);
  asked_now();
  answer_value(1, std::string_view("\x01", 1));  // 1
  answer_value(2, std::string_view("\xc3", 1));  // true
  answer_value(3, std::string_view("\xc3", 1));
  EXPECT_EQ(value(), "\xc3");
  lookup.release(pool);
}

TEST_F(LookupTest, AnEmptyValueIsAValue) {
  start({at(1)}, LookupKind::find_value);
  asked_now();
  answer_value(1, "");
  EXPECT_TRUE(lookup.value(pool).has_value());
  EXPECT_TRUE(lookup.is_finished());
  lookup.release(pool);
}

TEST_F(LookupTest, Checklist23KnowsTheNearestNodeThatHadNoValue) {
  start(range(1, 9), LookupKind::find_value);
  asked_now();
  EXPECT_EQ(lookup.nearest_without_value(), std::nullopt);
  lookup.failed(row(1));
  answer(3);
  answer_value(2, "v");
  EXPECT_EQ(lookup.nearest_without_value(), at(3));
  lookup.release(pool);
}

TEST_F(LookupTest, AValueThatCannotBeKeptIsNotTakenForNone) {
  pool = ValuePool(0);
  start(range(1, 5), LookupKind::find_value);
  asked_now();
  answer_value(1, "v");
  EXPECT_TRUE(lookup.lost_a_value());
  EXPECT_EQ(asked_now(), Distances{});
  answer(2);
  answer(3);
  EXPECT_TRUE(lookup.is_finished());
  EXPECT_FALSE(lookup.value(pool).has_value());
}

TEST_F(LookupTest, HostileValuesCannotTakeMoreThanAFewPlacesOfThePool) {
  plan.parallelism = 7;
  start(range(1, 7), LookupKind::find_value);
  asked_now();
  for (uint32_t i = 1; i <= 7; ++i) answer_value(i, std::to_string(i));
  EXPECT_EQ(pool.kept_count(), value_candidates_max);
  lookup.release(pool);
}

TEST_F(LookupTest, MayBeStartedAgainAfterItsValuesWereReleased) {
  start(range(1, 5), LookupKind::find_value);
  asked_now();
  answer_value(1, "v");
  lookup.release(pool);
  rows.clear();
  start(range(3, 4));
  EXPECT_EQ(asked_now(), (Distances{3, 4}));
  EXPECT_FALSE(lookup.value(pool).has_value());
}

// Two paths: of the contacts 1 to 6, known at the start, the first path has the odd ones.
class TwoPathsTest : public LookupTest {
 protected:
  TwoPathsTest() {
    lookup = Lookup(30, 2);
    plan.paths = 2;
  }
};

TEST_F(TwoPathsTest, DealTheKnownByNearnessAndAskAlphaEach) {
  start({at(5), at(1), at(8), at(6), at(3), at(2), at(4), at(7)});
  EXPECT_EQ(asked_now(), (Distances{1, 3, 5, 2, 4, 6}));
}

TEST_F(TwoPathsTest, UseWhatANodeNamesInThePathThatAskedIt) {
  plan.parallelism = 1;
  start(range(101, 104));
  EXPECT_EQ(asked_now(), (Distances{101, 102}));
  answer(101, {at(1), at(2)});  // What it names is nearest, and only this path follows it.
  EXPECT_EQ(asked_now(), Distances{1});
  answer(102);
  EXPECT_EQ(asked_now(), Distances{104});
  EXPECT_EQ(lookup.named_by(row(1)), row(101));
}

TEST_F(TwoPathsTest, AskANodeOnceThoughBothHeardOfIt) {
  start(range(1, 2));
  asked_now();
  answer(1, {at(3), at(4)});
  EXPECT_EQ(asked_now(), (Distances{3, 4}));
  answer(2, {at(3), at(4), at(5)});
  EXPECT_EQ(asked_now(), Distances{5});
  answer(3);
  answer(4);
  EXPECT_FALSE(lookup.is_finished());
  answer(5);
  EXPECT_TRUE(lookup.is_finished());
  EXPECT_EQ(results(), (Distances{1, 2, 3, 4, 5}));
}

TEST_F(TwoPathsTest, GoOnFartherWhenTheOtherLostANodeThatBothHeardOf) {
  plan.width = 2;
  start(range(101, 102));
  asked_now();
  answer(101, {at(1)});
  EXPECT_EQ(asked_now(), Distances{1});
  answer(102, {at(1), at(3), at(4)});
  EXPECT_EQ(asked_now(), Distances{3});  // 1, asked by the other path, and 3 are the two nearest.
  answer(3);
  EXPECT_EQ(asked_now(), Distances{});
  lookup.slow(row(1));
  EXPECT_EQ(asked_now(), Distances{4});
}

TEST_F(TwoPathsTest, GoOnAfterTheOtherCameToAValueAndWeighPathsBeforeNodes) {
  start(range(1, 9), LookupKind::find_value);
  EXPECT_EQ(asked_now(), (Distances{1, 3, 5, 2, 4, 6}));
  for (const uint32_t distance : {1, 3, 5}) answer_value(distance, "of one path");
  EXPECT_FALSE(lookup.is_finished());
  answer(2, {at(10)});
  answer_value(4, "of both");
  answer(6);
  EXPECT_TRUE(lookup.is_finished());
  EXPECT_EQ(value(), "of one path");
  lookup.release(pool);
  rows.clear();

  plan.parallelism = 4;
  start(range(1, 9), LookupKind::find_value);
  EXPECT_EQ(asked_now(), (Distances{1, 3, 5, 7, 2, 4, 6, 8}));
  answer_value(1, "of both");
  for (const uint32_t distance : {3, 5, 7}) answer_value(distance, "of one path");
  answer_value(2, "of both");
  for (const uint32_t distance : {4, 6, 8}) answer(distance);
  EXPECT_TRUE(lookup.is_finished());
  EXPECT_EQ(value(), "of both");
  lookup.release(pool);
}

TEST_F(TwoPathsTest, ReturnAnIdAndASubnetOnceForBoth) {
  start(range(101, 102));
  asked_now();
  std::vector<Contact> of_the_second;
  for (uint32_t i = 1; i <= 10; ++i) {
    of_the_second.push_back(in_subnet(1, i));
    of_the_second.back().endpoint.port = 1;
  }
  answer(101, {in_subnet(1, 1), in_subnet(1, 3), in_subnet(1, 5), in_subnet(1, 7)});
  answer(102, of_the_second);
  while (!lookup.is_finished()) {
    ASSERT_FALSE(asked_now().empty());
    for (const Lookup::Row asked : std::vector(rows.begin() + 2, rows.end())) {
      lookup.answered(asked, {});
    }
    rows.resize(2);
  }
  EXPECT_EQ(results(), (Distances{1, 2, 3, 4, 5, 101, 102}));
}

}  // namespace
}  // namespace xord
