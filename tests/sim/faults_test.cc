// Each kind of fault happens as often as asked, does what its name says, and ends when healed.
#include "tools/sim/faults.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "tests/sim/scripted_actor.h"
#include "tests/sim/small_world.h"

namespace xord::sim {
namespace {

constexpr uint32_t nodes = 10;

class Downs : public Watcher {
 public:
  explicit Downs(World& world) { world.add_watcher(*this); }
  void turn_begins(uint32_t, const Datagram*) override {}
  void sent(uint32_t, const Endpoint&, Bytes) override {}
  void turn_ends(uint32_t) override {}
  void finished(uint32_t, const OperationResult&, Bytes) override {}
  void went_down(uint32_t, Storage storage) override {
    ++all;
    lost += storage == Storage::lost;
  }
  uint64_t all = 0;
  uint64_t lost = 0;
};

class FaultsTest : public ::testing::Test {
 protected:
  static WorldOptions options() {
    WorldOptions options = simulated_options();
    options.xord.node.operations = 4;
    options.xord.node.pending_answers = 64;
    options.xord.node.waiting_requests = 4;
    options.xord.node.waiting_bytes = 16 << 10;
    return options;
  }
  // Ten xord nodes, and one program that faults leave alone.
  FaultsTest() {
    for (uint32_t i = 0; i < nodes; ++i) {
      world_.add_host(HostKind::xord, Endpoint::ipv4(0x0a000001 + i, 8468), 1, 0);
      world_.start(i);
    }
    other_ = world_.add_host(HostKind::hostile, Endpoint::ipv4(0x0a000101, 8468), 1, 0);
    ScriptedActor::start(world_, other_);
  }
  Faults& begin(const FaultOptions& options) {
    faults_ = std::make_unique<Faults>(world_, options,
                                       [this](uint32_t host) { restarted_.push_back(host); });
    return *faults_;
  }
  uint32_t down() {
    uint32_t down = 0;
    for (uint32_t i = 0; i < nodes; ++i) down += !world_.host(i).is_up();
    return down;
  }
  // Links among the nodes on which nothing gets through.
  std::set<std::pair<uint32_t, uint32_t>> cut_links() {
    std::set<std::pair<uint32_t, uint32_t>> cut;
    for (uint32_t from = 0; from < nodes; ++from) {
      for (uint32_t to = 0; to < nodes; ++to) {
        if (from != to && world_.network().fate(world_.now(), from, to).copies == 0) {
          cut.emplace(from, to);
        }
      }
    }
    return cut;
  }

  World world_{options()};
  Downs downs_{world_};
  uint32_t other_ = 0;
  uint8_t key_ = 0;
  std::vector<uint32_t> restarted_;
  std::unique_ptr<Faults> faults_;
};

TEST_F(FaultsTest, ByDefaultThereAreNone) {
  begin({});
  world_.run_for(hours(100));
  const FaultCounts& counts = faults_->counts();
  EXPECT_EQ(counts.crashes + counts.stalls + counts.leaps + counts.partitions + counts.disks, 0u);
  EXPECT_EQ(downs_.all, 0u);
}

TEST_F(FaultsTest, NeverMoreThanTheirShareAreDownAtATime) {
  FaultOptions options;
  options.crash_every = seconds(10);
  options.down_mean = minutes(2);
  options.down_max = 0.3;
  options.lose_storage = 0.25;
  begin(options);
  uint32_t most = 0;
  for (int i = 0; i < 3'000; ++i) {
    world_.run_for(seconds(10));
    most = std::max(most, down());
    EXPECT_TRUE(world_.host(other_).is_up());
  }
  EXPECT_EQ(most, 3u);
  const uint64_t crashes = faults_->counts().crashes;
  EXPECT_GT(crashes, 200u);
  EXPECT_EQ(downs_.all, crashes);
  EXPECT_EQ(restarted_.size(), crashes - down());
  EXPECT_NEAR(static_cast<double>(downs_.lost) / static_cast<double>(crashes), 0.25, 0.1);
  EXPECT_GT(std::set(restarted_.begin(), restarted_.end()).size(), nodes - 2) << "any of them";
  restarted_.clear();
  const uint32_t to_be_restarted = down();
  faults_->heal();
  EXPECT_EQ(down(), 0u);
  EXPECT_EQ(restarted_.size(), to_be_restarted);
  world_.run_for(hours(1));
  EXPECT_EQ(faults_->counts().crashes, crashes);
}

TEST_F(FaultsTest, CrashesComeAtTheirMean) {
  FaultOptions options;
  options.crash_every = minutes(10);
  options.down_mean = seconds(30);
  begin(options);
  world_.run_for(hours(50));
  EXPECT_NEAR(static_cast<double>(faults_->counts().crashes), 300, 60);
}

TEST_F(FaultsTest, AStallStopsAHostForAWhile) {
  FaultOptions options;
  options.stall_every = minutes(10);
  options.stall_mean = seconds(20);
  begin(options);
  double stalled = 0;
  for (int i = 0; i < 20'000; ++i) {
    world_.run_for(seconds(5));
    for (uint32_t host = 0; host < nodes; ++host) {
      stalled += world_.host(host).stalled_until > world_.now();
    }
  }
  const double stalls = static_cast<double>(faults_->counts().stalls);
  EXPECT_NEAR(stalls, 100'000 / 600.0, 50);
  EXPECT_NEAR(stalled * 5 / stalls, 20, 6);
  EXPECT_EQ(downs_.all, 0u);
}

TEST_F(FaultsTest, ALeapMovesAClockForward) {
  FaultOptions options;
  options.leap_every = minutes(10);
  options.leap_mean = minutes(3);
  begin(options);
  const Instant began = world_.now();
  const Instant local = world_.local_now(0);
  world_.run_for(hours(30));
  Duration sum{};
  for (uint32_t host = 0; host < nodes; ++host) {
    const Duration leapt = (world_.local_now(host) - local) - (world_.now() - began);
    EXPECT_GE(leapt, Duration{});
    sum = sum + leapt;
  }
  const double leaps = static_cast<double>(faults_->counts().leaps);
  EXPECT_NEAR(leaps, 180, 50);
  EXPECT_NEAR(sum.seconds() / leaps, 180, 60);
  EXPECT_EQ(world_.local_now(other_) - local, world_.now() - began);
}

TEST_F(FaultsTest, AWallClockIsSetForwardOrBackAndRightAgainWhenHealed) {
  FaultOptions options;
  options.wall_every = minutes(1);
  options.wall_mean = hours(2);
  begin(options);
  world_.run_for(hours(10));
  uint32_t ahead = 0;
  uint32_t behind = 0;
  for (uint32_t host = 0; host < nodes; ++host) {
    ahead += world_.host(host).wall_error > Duration{};
    behind += world_.host(host).wall_error < Duration{};
  }
  EXPECT_GT(faults_->counts().leaps, 400u);
  EXPECT_GT(ahead, 0u);
  EXPECT_GT(behind, 0u);
  EXPECT_EQ(ahead + behind, nodes);
  faults_->heal();
  for (uint32_t host = 0; host < nodes; ++host) EXPECT_EQ(world_.host(host).wall_error, Duration{});
}

TEST_F(FaultsTest, APartitionCutsAGroupOffBothWaysOrOneWay) {
  for (const double one_way : {0.0, 1.0}) {
    World world(options());
    for (uint32_t i = 0; i < nodes; ++i) {
      world.add_host(HostKind::xord, Endpoint::ipv4(0x0a000001 + i, 8468), 1, 0);
    }
    FaultOptions options;
    options.partition_every = minutes(30);
    options.partition_mean = minutes(10);
    options.one_way = one_way;
    Faults faults(world, options, [](uint32_t) {});
    uint32_t cut = 0;
    uint32_t both = 0;
    uint32_t times_cut = 0;
    for (int i = 0; i < 600; ++i) {
      world.run_for(minutes(1));
      const uint32_t before = cut;
      for (uint32_t from = 0; from < nodes; ++from) {
        for (uint32_t to = 0; to < from; ++to) {
          const bool there = world.network().fate(world.now(), from, to).copies == 0;
          const bool back = world.network().fate(world.now(), to, from).copies == 0;
          cut += there || back;
          both += there && back;
        }
      }
      times_cut += cut > before;
    }
    EXPECT_NEAR(static_cast<double>(faults.counts().partitions), 20, 12);
    EXPECT_GT(times_cut, 50u);
    EXPECT_LT(times_cut, 400u) << "they end";
    // Two groups may be cut one way each.
    EXPECT_TRUE(one_way == 0 ? both == cut : both < cut / 2) << both << " of " << cut;
  }
}

TEST_F(FaultsTest, TheFirstPartitionCutsItsGroupOffFromTheRest) {
  FaultOptions options;
  options.partition_every = hours(1);
  options.partition_mean = hours(1'000);
  options.one_way = 0;
  begin(options);
  while (faults_->counts().partitions == 0) world_.run_for(minutes(1));
  std::set<uint32_t> cut_off;
  for (const auto& [from, to] : cut_links()) cut_off.insert(from);
  EXPECT_EQ(cut_off.size(), nodes) << "each is cut off from someone";
}

TEST_F(FaultsTest, HealingEndsAPartition) {
  FaultOptions options;
  options.partition_every = seconds(10);
  options.partition_mean = hours(10);
  begin(options);
  world_.run_for(minutes(5));
  EXPECT_FALSE(cut_links().empty());
  const uint64_t partitions = faults_->counts().partitions;
  EXPECT_GT(partitions, 10u);
  faults_->heal();
  EXPECT_TRUE(cut_links().empty());
  world_.run_for(hours(1));
  EXPECT_EQ(faults_->counts().partitions, partitions);
  EXPECT_TRUE(cut_links().empty());
}

// A node alone stores what is set at itself, unless its disk fails.
TEST_F(FaultsTest, ADiskFailsForAWhile) {
  FaultOptions options;
  options.disk_every = seconds(1);
  options.disk_mean = hours(1'000);
  begin(options);
  const auto stored = [&] {
    uint32_t held = 0;
    for (uint32_t host = 0; host < nodes; ++host) {
      Id key;
      key.bytes[0] = ++key_;
      const std::array<uint8_t, 2> value = {0xa1, 'x'};
      world_.act(host, [&](Actor& actor, Instant now) { actor.set(now, key_, key, value); });
      world_.run_for(seconds(20));
      held += world_.host(host).actor->holds(world_.local_now(host), key);
    }
    return held;
  };
  world_.run_for(minutes(5));
  EXPECT_GT(faults_->counts().disks, 200u);
  EXPECT_EQ(stored(), 0u) << "all have failed";
  faults_->heal();
  EXPECT_EQ(stored(), nodes);
}

}  // namespace
}  // namespace xord::sim
