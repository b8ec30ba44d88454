// A network of xord nodes that joined one after another, each through an existing one. The
// simulator's checks see all of it; a test in which one of them fails, fails.
#pragma once

#include <gtest/gtest.h>

#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "tools/sim/census.h"
#include "tools/sim/checkers.h"
#include "tools/sim/naming.h"
#include "tools/sim/operations.h"
#include "tools/sim/world.h"

namespace xord::sim {

// Of nodes that speak rpcudp, with the budget and the table of simulated ones.
inline WorldOptions simulated_options() {
  WorldOptions options;
  options.dialect = &rpcudp::dialect();
  options.xord.node.budget = Budget::simulated();
  options.xord.node.routing = RoutingConfig::simulated();
  return options;
}

// Likewise, of nodes that may do little at a time.
inline WorldOptions small_options() {
  WorldOptions options = simulated_options();
  options.xord.node.operations = 8;
  options.xord.node.pending_answers = 64;
  options.xord.node.waiting_requests = 16;
  options.xord.node.waiting_bytes = 64 << 10;
  return options;
}

class SmallWorld {
 public:
  SmallWorld(uint64_t seed, uint32_t nodes, uint32_t shards = 1,
             Duration delay = NetworkOptions{}.delay_min,
             const Dialect& dialect = rpcudp::dialect())
      : world_(options(seed, delay, dialect)),
        operations_(world_),
        checkers_(world_, true),
        naming_(world_),
        census_(world_) {
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
  ~SmallWorld() {
    checkers_.inspect(world_.hosts_count());
    const auto& violation = checkers_.violation();
    EXPECT_FALSE(violation) << "host " << violation->host << ": " << violation->what;
    EXPECT_GT(checkers_.counts().replies, 0u);
  }

  void set(uint32_t host, const Id& key, const std::vector<uint8_t>& value, Operations::Done done) {
    checkers_.note_own_copy(host, key, value);
    operations_.set(host, key, value, std::move(done));
  }
  void keep(uint32_t host, const Id& key, const std::vector<uint8_t>& value,
            Operations::Done done) {
    checkers_.note_kept(host, key, value);
    operations_.keep(host, key, value, std::move(done));
  }
  // How many of `count` lookups from random hosts found exactly the k nearest.
  uint32_t exact_finds(uint32_t count) {
    Rng rng = world_.rng("finds");
    uint32_t exact = 0;
    const std::vector<uint32_t> members = census_.members();
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t asker = members[rng.bounded(members.size())];
      const Id target = random_id(rng);
      operations_.find(asker, target, [&, asker, target](const Outcome& outcome) {
        exact += census_.is_exact(members, asker, target, outcome.contacts);
      });
      world_.run_for(seconds(10));
    }
    return exact;
  }

  World& world() { return world_; }
  Operations& operations() { return operations_; }
  const Checkers& checkers() const { return checkers_; }
  Naming& naming() { return naming_; }
  const Census& census() const { return census_; }

 private:
  static WorldOptions options(uint64_t seed, Duration delay, const Dialect& dialect) {
    WorldOptions options = small_options();
    options.seed = seed;
    options.network.delay_min = delay;
    options.network.delay_mean = Network::calm_delay_mean;
    options.dialect = &dialect;
    options.xord.node.network = 5;  // Any; not 0, which what was forgotten would have.
    options.xord.published_max = 8;
    options.xord.publish_after = hours(1);
    return options;
  }
  World world_;
  Operations operations_;
  Checkers checkers_;
  Naming naming_;
  Census census_;
};

}  // namespace xord::sim
