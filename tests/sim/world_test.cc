// A world behaves: equal seeds give equal runs, a quiet network finds exactly, and what crashes is
// gone until it starts again, with its records.
#include "tools/sim/world.h"

#include <gtest/gtest.h>

#include "tools/sim/census.h"
#include "tools/sim/operations.h"

namespace xord::sim {
namespace {

// A network of xord nodes that joined one after the other, each through one that was there.
class SmallWorld {
 public:
  SmallWorld(uint64_t seed, uint32_t nodes, uint32_t shards = 1,
             Duration delay = NetworkOptions{}.delay_min)
      : world_(options(seed, delay)), operations_(world_), census_(world_) {
    Rng rng = world_.rng("joining");
    for (uint32_t i = 0; i < nodes; ++i) {
      world_.add_host(HostKind::xord, Endpoint::ipv4(0x0a000001 + i, 8468), shards, 0);
      const auto first = static_cast<uint32_t>(rng.bounded(std::max(i, 1u)));
      world_.plan(seconds(1) * i, [this, i, first] {
        world_.start(i);
        if (i > 0) operations_.join(i, {world_.host(first).endpoint}, [](const Outcome&) {});
      });
    }
    world_.run_for(seconds(nodes) + minutes(2));
  }

  // Of `count` lookups from random hosts those that found exactly the k nearest.
  uint32_t exact_finds(uint32_t count) {
    Rng rng = world_.rng("finds");
    uint32_t exact = 0;
    const std::vector<uint32_t> members = census_.members();
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t asker = members[rng.bounded(members.size())];
      Id target;
      rng.fill(target.bytes);
      operations_.find(asker, target, [&, asker, target](const Outcome& outcome) {
        exact += census_.is_exact(members, asker, target, outcome.contacts);
      });
      world_.run_for(seconds(10));
    }
    return exact;
  }

  World& world() { return world_; }
  Operations& operations() { return operations_; }

 private:
  static WorldOptions options(uint64_t seed, Duration delay) {
    WorldOptions options;
    options.seed = seed;
    options.network.delay_min = delay;
    options.network.delay_mean = Network::calm_delay_mean;
    options.xord.node.budget = Budget::simulated();
    options.xord.node.routing = RoutingConfig::simulated();
    options.xord.node.operations = 8;
    options.xord.node.pending_answers = 64;
    options.xord.node.waiting_requests = 16;
    options.xord.node.waiting_bytes = 64 << 10;
    options.xord.published_max = 8;
    options.xord.publish_after = hours(1);
    return options;
  }
  World world_;
  Operations operations_;
  Census census_;
};

TEST(World, LookupsFindExactlyTheNearest) {
  SmallWorld small(1, 100);
  EXPECT_EQ(small.exact_finds(50), 50u);
}

TEST(World, LookupsFindExactlyTheNearestWhateverTheShards) {
  SmallWorld small(2, 40, 3);
  EXPECT_EQ(small.exact_finds(30), 30u);
}

// Nodes that have not heard of the asker lately ping it first, and answer after two round trips:
// more than the 200 ms that a call is given at least.
TEST(World, LookupsFindExactlyTheNearestWhereARoundTripTakesLong) {
  SmallWorld far_apart(5, 60, 1, milliseconds(60));
  far_apart.world().run_for(hours(1));  // Whoever was proven is so no more.
  EXPECT_EQ(far_apart.exact_finds(30), 30u);
}

TEST(World, EqualSeedsGiveEqualDatagrams) {
  SmallWorld first(7, 30);
  SmallWorld second(7, 30);
  SmallWorld other(8, 30);
  EXPECT_EQ(first.world().digest(), second.world().digest());
  EXPECT_NE(first.world().digest(), other.world().digest());
}

TEST(World, AcknowledgedRecordsComeBackAfterACrash) {
  SmallWorld small(3, 25, 2);
  Id key;
  key.bytes[0] = 0x42;
  const std::vector<uint8_t> value = {0xa5, 'h', 'e', 'l', 'l', 'o'};
  uint32_t stored = 0;
  small.operations().set(4, key, value,
                         [&](const Outcome& outcome) { stored = outcome.result.stored; });
  small.world().run_for(seconds(10));
  EXPECT_GE(stored, bucket_size);
  for (uint32_t i = 0; i < 25; ++i) small.world().crash(i, Storage::kept);
  for (uint32_t i = 0; i < 25; ++i) small.world().start(i);
  small.world().run_for(seconds(10));
  std::vector<uint8_t> found;
  small.operations().get(9, key, [&](const Outcome& outcome) { found = outcome.value; });
  small.world().run_for(seconds(10));
  EXPECT_EQ(found, value);
}

TEST(World, WhatLosesItsStorageHoldsNothing) {
  SmallWorld small(4, 25);
  Id key;
  key.bytes[0] = 0x42;
  small.operations().set(4, key, {0xa1, 'x'}, [](const Outcome&) {});
  small.world().run_for(seconds(10));
  for (uint32_t i = 0; i < 25; ++i) small.world().crash(i, Storage::lost);
  for (uint32_t i = 0; i < 25; ++i) {
    small.world().start(i);
    EXPECT_EQ(small.world().host(i).disk->rows_count(), 0u);
  }
}

TEST(World, WhatAHostKeepsPublishedComesBackWhenAllOthersLostIt) {
  SmallWorld small(6, 25);
  Id key;
  key.bytes[0] = 0x42;
  const std::vector<uint8_t> value = {0xa4, 'k', 'e', 'e', 'p'};
  small.operations().keep(4, key, value, [](const Outcome&) {});
  small.world().run_for(seconds(10));
  for (uint32_t i = 0; i < 25; ++i) {
    small.world().crash(i, i == 4 ? Storage::kept : Storage::lost);
    small.world().start(i);
    if (i != 4) {
      const Endpoint keeper = small.world().host(4).endpoint;
      small.operations().join(i, {keeper}, [](const Outcome&) {});
    }
  }
  small.world().run_for(seconds(10));
  const auto holders = [&] {
    uint32_t count = 0;
    for (uint32_t i = 0; i < 25; ++i) {
      count += i != 4 && small.world().host(i).node->holds(small.world().local_now(i), key);
    }
    return count;
  };
  EXPECT_EQ(holders(), 0u);
  small.world().run_for(hours(1) + minutes(20));
  EXPECT_GE(holders(), bucket_size - 1);
}

}  // namespace
}  // namespace xord::sim
