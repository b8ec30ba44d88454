// Regions of keys: what a survey proves must be true. Compared with a network of ids in which every
// node knows all others, or lies.
#include "node/replication/region.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "reactor/base/rng.h"

namespace xord {
namespace {

// Every node answers with the k nearest to itself, as far as `knows` permits.
struct IdealNetwork {
  IdealNetwork(Rng& rng, size_t size) {
    for (uint32_t i = 0; i < size; ++i) {
      nodes.push_back({random_id(rng), Endpoint::ipv4(0x0a000001 + i, 8468)});
    }
  }
  std::vector<Contact> nearest(const Id& target, size_t most) const {
    std::vector<Contact> sorted = nodes;
    std::sort(sorted.begin(), sorted.end(),
              [&](const Contact& a, const Contact& b) { return nearer(target, a.id, b.id); });
    if (sorted.size() > most) sorted.resize(most);
    return sorted;
  }
  std::vector<Contact> neighbours(const Contact& of) const {
    std::vector<Contact> found = nearest(of.id, bucket_size + 1);
    found.erase(found.begin());  // A node does not name itself.
    return found;
  }
  Region survey(const Id& self, const Id& target) const {
    RegionSurvey survey(region_contacts_max);
    survey.expect(target);
    survey.start(self, nearest(target, bucket_size));
    while (const auto row = survey.next()) {
      ++asked;
      const auto named = neighbours(survey.contact(*row));
      survey.answered(*row, named, named.size());
    }
    EXPECT_TRUE(survey.is_finished());
    survey.check_invariants();
    return survey.region();
  }
  std::vector<Contact> nodes;
  mutable size_t asked = 0;
};

Id random_id_of(const Region& region, Rng& rng) {
  Id id = random_id(rng);
  for (uint32_t bit = 0; bit < region.depth; ++bit) {
    const uint8_t mask = static_cast<uint8_t>(0x80 >> (bit % 8));
    id.bytes[bit / 8] =
        static_cast<uint8_t>((id.bytes[bit / 8] & ~mask) | (region.prefix.bytes[bit / 8] & mask));
  }
  return id;
}

TEST(Region, KnowsTheNearestNodesOfEachOfItsKeys) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    const IdealNetwork network(rng, 1000);
    const Id target = random_id(rng);
    const Region region = network.survey(random_id(rng), target);
    ASSERT_TRUE(region.contains(target)) << "seed " << seed;
    for (int i = 0; i < 50; ++i) {
      const Id key = random_id_of(region, rng);
      std::array<Contact, bucket_size> found;
      ASSERT_EQ(region.nearest(key, found), bucket_size);
      const auto expected = network.nearest(key, bucket_size);
      ASSERT_TRUE(std::equal(found.begin(), found.end(), expected.begin())) << "seed " << seed;
    }
  }
}

// The aim: 1.5 n/k lookups for the whole key space (docs/DECISIONS.md).
TEST(Region, AThousandNodesAreCoveredByFewerLookupsThanOneAndAHalfForEachK) {
  Rng rng(7);
  const IdealNetwork network(rng, 1000);
  const Id self = random_id(rng);
  uint32_t lookups = 0;
  std::optional<Id> at = Id{};
  while (at) {
    const Region region = network.survey(self, *at);
    ++lookups;
    at = next_id(last_of_block(*at, region.depth));
    ASSERT_LT(lookups, 1000u);
  }
  EXPECT_LE(lookups, 3 * 1000 / bucket_size / 2);
  EXPECT_LE(network.asked, 2 * network.nodes.size());
}

TEST(Region, OfANetworkSmallerThanKIsEverything) {
  Rng rng(3);
  const IdealNetwork network(rng, 12);
  const Region region = network.survey(random_id(rng), random_id(rng));
  EXPECT_EQ(region.depth, 0);
  EXPECT_EQ(region.contacts_count, 12);
}

TEST(Region, IsTheKeyAloneWhenTooFewOfItsNodesAnswer) {
  Rng rng(4);
  const IdealNetwork network(rng, 1000);
  const Id target = random_id(rng);
  RegionSurvey survey(region_contacts_max);
  survey.expect(target);
  survey.start(random_id(rng), network.nearest(target, bucket_size));
  while (!survey.is_finished()) {
    while (const auto row = survey.next()) survey.failed(*row);
  }
  EXPECT_EQ(survey.region().depth, id_bits);
  EXPECT_TRUE(survey.region().contains(target));
  EXPECT_FALSE(survey.region().contains(random_id(rng)));
}

// Here no node's k nearest include the one node that begins with 11: the other nodes of its half
// crowd elsewhere, and those of the other half are all nearer to that crowd.
TEST(Region, IsNotProvenWhereNoAnswerReaches) {
  Rng rng(5);
  IdealNetwork network(rng, 46);
  for (size_t i = 0; i < 46; ++i) {
    uint8_t& first = network.nodes[i].id.bytes[0];
    first = static_cast<uint8_t>(first >> 2 | (i < 19 ? 0x00 : i < 45 ? 0x80 : 0xc0));
  }
  const Id target;
  const Region region = network.survey(random_id(rng), target);
  EXPECT_EQ(region.depth, id_bits);
  // Without that node the answers are the same, and so is the verdict: it cannot be known.
  network.nodes.pop_back();
  EXPECT_EQ(network.survey(random_id(rng), target).depth, id_bits);
}

TEST(Region, AsksAtMostAlphaAtOnceAndGoesOnPastASlowOne) {
  Rng rng(6);
  const IdealNetwork network(rng, 100);
  const Id target = random_id(rng);
  RegionSurvey survey(region_contacts_max);
  survey.expect(target);
  survey.start(random_id(rng), network.nearest(target, bucket_size));
  const auto first = survey.next();
  ASSERT_TRUE(survey.next() && survey.next());
  EXPECT_FALSE(survey.next());
  survey.slow(*first);
  EXPECT_TRUE(survey.next());
}

TEST(Region, IsNotFoundBeforeTheSlowHaveAnsweredOrFailed) {
  Rng rng(9);
  const IdealNetwork network(rng, 100);
  const Id target = random_id(rng);
  for (const bool answers : {true, false}) {
    RegionSurvey survey(region_contacts_max);
    survey.expect(target);
    survey.start(random_id(rng), network.nearest(target, bucket_size));
    const auto slow = survey.next();
    const Contact contact = survey.contact(*slow);
    survey.slow(*slow);
    while (const auto row = survey.next()) {
      const auto named = network.neighbours(survey.contact(*row));
      survey.answered(*row, named, named.size());
    }
    EXPECT_FALSE(survey.is_finished());
    const auto named = network.neighbours(contact);
    answers ? survey.answered(*slow, named, named.size()) : survey.failed(*slow);
    EXPECT_TRUE(survey.is_finished());
    const Region region = survey.region();
    const auto end = region.contacts.begin() + region.contacts_count;
    EXPECT_EQ(std::find(region.contacts.begin(), end, contact) != end, answers);
  }
}

// The 20 nearest to 0 share 11 bits, which 12 more nodes share as well; 8 others do not.
IdealNetwork crowded_network(Rng& rng) {
  IdealNetwork network(rng, 40);
  for (size_t i = 0; i < network.nodes.size(); ++i) {
    network.nodes[i].id.bytes[0] = 0;
    network.nodes[i].id.bytes[1] = static_cast<uint8_t>(i);
  }
  return network;
}

TEST(Region, IsTheKeyAloneWhereItHasMoreNodesThanRows) {
  Rng rng(8);
  const IdealNetwork network = crowded_network(rng);
  const Id target;
  const auto nearest = network.nearest(target, bucket_size);
  for (const uint32_t rows : {31u, 32u}) {
    RegionSurvey survey(rows);
    survey.expect(target);
    survey.start(random_id(rng), nearest);
    while (const auto row = survey.next()) {
      const auto named = network.neighbours(survey.contact(*row));
      survey.answered(*row, named, named.size());
      survey.check_invariants();
    }
    ASSERT_TRUE(survey.is_finished());
    const Region region = survey.region();
    EXPECT_EQ(region.depth, rows == 32 ? 11 : id_bits);
    EXPECT_EQ(region.contacts_count, rows == 32 ? 32 : bucket_size);
    std::array<Contact, bucket_size> found;
    ASSERT_EQ(region.nearest(target, found), bucket_size);
    EXPECT_TRUE(std::equal(found.begin(), found.end(), nearest.begin()));
  }
}

TEST(Region, NoOneElseIsAskedOnceANodeFindsNoRow) {
  Rng rng(10);
  const IdealNetwork network = crowded_network(rng);
  RegionSurvey survey(bucket_size);
  survey.expect(Id{});
  survey.start(random_id(rng), network.nearest(Id{}, bucket_size));
  const auto first = survey.next();
  const auto second = survey.next();
  ASSERT_TRUE(first && second);
  const auto named = network.neighbours(survey.contact(*first));
  survey.answered(*first, named, named.size());
  EXPECT_FALSE(survey.next());
  EXPECT_FALSE(survey.is_finished()) << "the second may still answer";
  survey.failed(*second);
  EXPECT_TRUE(survey.is_finished());
  // The next survey has all rows again.
  survey.start(random_id(rng), network.nearest(Id{}, bucket_size));
  EXPECT_TRUE(survey.next());
  EXPECT_FALSE(survey.is_finished());
}

}  // namespace
}  // namespace xord
