// What the observer takes for the truth: members, the nearest of them, exact lookups and tables.
#include "tools/sim/census.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/sim/scripted_actor.h"
#include "tests/sim/small_world.h"

namespace xord::sim {
namespace {

using Hosts = std::vector<uint32_t>;

class CensusTest : public ::testing::Test {
 protected:
  uint32_t add(HostKind kind, bool is_behind_nat = false) {
    const uint32_t host = world_.add_host(
        kind, Endpoint::ipv4(0x0a000001 + world_.hosts_count(), 8468), 1, 0, is_behind_nat);
    return host;
  }
  // Python hosts whose ids are 1, 2, 3... in their first byte.
  Hosts add_numbered(uint32_t count) {
    Hosts hosts;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t host = add(HostKind::python);
      world_.host(host).id = {};
      world_.host(host).id.bytes[0] = static_cast<uint8_t>(i + 1);
      hosts.push_back(host);
    }
    return hosts;
  }
  std::vector<Contact> contacts_of(const Hosts& hosts) {
    std::vector<Contact> contacts;
    for (const uint32_t host : hosts) {
      contacts.push_back({world_.host(host).id, world_.host(host).endpoint});
    }
    return contacts;
  }

  World world_{simulated_options()};
  Census census_{world_};
};

TEST_F(CensusTest, MembersAreNodesThatAreUpAndCanBeReached) {
  const uint32_t python = add(HostKind::python);
  const uint32_t down = add(HostKind::python);
  const uint32_t behind_nat = add(HostKind::python, true);
  const uint32_t program = add(HostKind::program);
  const uint32_t hostile = add(HostKind::hostile);
  for (const uint32_t host : {python, behind_nat, program, hostile}) {
    ScriptedActor::start(world_, host);
  }
  EXPECT_EQ(census_.members(), Hosts{python});
  ScriptedActor::start(world_, down);
  EXPECT_EQ(census_.members(), (Hosts{python, down}));
}

TEST_F(CensusTest, TheNearestAreOrderedByDistance) {
  const Hosts hosts = add_numbered(6);  // 1 to 6.
  Id target;
  target.bytes[0] = 4;  // Distances: 5, 6, 7, 0, 1, 2.
  EXPECT_EQ(census_.nearest(hosts, target, 4), (Hosts{hosts[3], hosts[4], hosts[5], hosts[0]}));
  EXPECT_EQ(census_.nearest(hosts, target, 9).size(), 6u);
  EXPECT_TRUE(census_.nearest({}, target, 9).empty());
}

TEST_F(CensusTest, ALookupIsExactIfItNamesTheNearestButTheAsker) {
  const Hosts hosts = add_numbered(bucket_size + 5);
  const Id target{};  // The nearest are the first ones.
  Hosts nearest(hosts.begin(), hosts.begin() + bucket_size);
  const uint32_t far = hosts.back();
  EXPECT_TRUE(census_.is_exact(hosts, far, target, contacts_of(nearest)));
  const Hosts but_second = [&] {
    Hosts but(hosts.begin(), hosts.begin() + bucket_size + 1);
    but.erase(but.begin() + 1);
    return but;
  }();
  EXPECT_TRUE(census_.is_exact(hosts, hosts[1], target, contacts_of(but_second)));
  EXPECT_FALSE(census_.is_exact(hosts, far, target, contacts_of(but_second)));
  Hosts one_less(nearest.begin(), nearest.end() - 1);
  EXPECT_FALSE(census_.is_exact(hosts, far, target, contacts_of(one_less)));
  Hosts one_more = nearest;
  one_more.push_back(hosts[bucket_size]);
  EXPECT_FALSE(census_.is_exact(hosts, far, target, contacts_of(one_more)));
  std::swap(nearest[3], nearest[4]);
  EXPECT_FALSE(census_.is_exact(hosts, far, target, contacts_of(nearest)));
  std::swap(nearest[3], nearest[4]);
  std::vector<Contact> elsewhere = contacts_of(nearest);
  elsewhere[2].endpoint = world_.host(far).endpoint;
  EXPECT_FALSE(census_.is_exact(hosts, far, target, elsewhere));
  std::vector<Contact> renamed = contacts_of(nearest);
  renamed[0].id = {};
  EXPECT_FALSE(census_.is_exact(hosts, far, target, renamed));
}

TEST_F(CensusTest, ProgramsThatComeAndGoAreIgnored) {
  const Hosts hosts = add_numbered(bucket_size + 5);
  const uint32_t program = add(HostKind::program);
  Hosts found(hosts.begin(), hosts.begin() + bucket_size - 1);
  found.insert(found.begin() + 4, program);
  EXPECT_TRUE(census_.is_exact(hosts, hosts.back(), Id{}, contacts_of(found)));
  std::swap(found[0], found[1]);
  EXPECT_FALSE(census_.is_exact(hosts, hosts.back(), Id{}, contacts_of(found)));
  std::swap(found[0], found[1]);
  found.pop_back();
  EXPECT_FALSE(census_.is_exact(hosts, hosts.back(), Id{}, contacts_of(found)));
}

TEST_F(CensusTest, FewerThanKAreAllToBeFound) {
  const Hosts hosts = add_numbered(4);
  const Hosts others(hosts.begin(), hosts.end() - 1);
  EXPECT_TRUE(census_.is_exact(hosts, hosts.back(), Id{}, contacts_of(others)));
  EXPECT_FALSE(census_.is_exact(hosts, hosts.back(), Id{}, contacts_of({hosts[0], hosts[1]})));
}

TEST(CensusTables, SayHowManyContactsLiveAndHowManyNeighboursAreKnown) {
  SmallWorld small(1, 6);
  Rng rng(1);
  const auto tables = [&] { return small.census().tables(small.census().members(), 40, rng); };
  EXPECT_NEAR(tables().contacts, 5, 1e-9);
  EXPECT_NEAR(tables().alive, 1, 1e-9);
  EXPECT_NEAR(tables().nearest_known, 1, 1e-9);
  small.world().crash(5, Storage::lost);
  EXPECT_NEAR(tables().contacts, 5, 1e-9);
  EXPECT_NEAR(tables().alive, 0.8, 1e-9);
  EXPECT_NEAR(tables().nearest_known, 1, 1e-9) << "of those that are up";
  small.world().host(5).id.bytes[0] ^= 1;
  small.world().start(5);
  const std::vector<uint32_t> old = {0, 1, 2, 3, 4};
  EXPECT_NEAR(small.census().tables(old, 40, rng).alive, 0.8, 1e-9) << "another node lives there";
  const Census::Tables newcomer = small.census().tables(std::vector<uint32_t>{5}, 3, rng);
  EXPECT_EQ(newcomer.contacts, 0);
  EXPECT_EQ(newcomer.alive, 0);
  const std::vector<uint32_t> two = {0, 5};
  EXPECT_EQ(small.census().tables(two, 20, rng).nearest_known, 0)
      << "neither knows the new id of the other";
  EXPECT_EQ(small.census().tables({}, 5, rng).contacts, 0);
}

}  // namespace
}  // namespace xord::sim
