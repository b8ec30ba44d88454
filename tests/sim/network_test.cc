// The fate of datagrams: what is lost, late, doubled, cut off or stopped at a NAT.
#include "tools/sim/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>

namespace xord::sim {
namespace {

constexpr Instant start{1'000'000'000};
constexpr uint32_t draws = 20'000;

class NetworkTest : public ::testing::Test {
 protected:
  Network& network(const NetworkOptions& options, uint32_t hosts = 8, uint32_t behind_nat = 99) {
    network_.emplace(options, Rng(3));
    for (uint32_t i = 0; i < hosts; ++i) network_->add_host(i == behind_nat);
    return *network_;
  }
  uint32_t copies(uint32_t from, uint32_t to) { return network_->fate(start, from, to).copies; }

  std::optional<Network> network_;
};

TEST_F(NetworkTest, ShareThatIsLostOrDoubledIsTheOneAsked) {
  NetworkOptions options;
  options.loss = 0.25;
  options.duplicate = 0.5;
  network(options);
  std::array<uint32_t, 3> counts{};
  for (uint32_t i = 0; i < draws; ++i) ++counts[copies(0, 1)];
  EXPECT_NEAR(counts[0], draws * 0.25, draws * 0.02);
  EXPECT_NEAR(counts[1], draws * 0.375, draws * 0.02);
  EXPECT_NEAR(counts[2], draws * 0.375, draws * 0.02);
}

TEST_F(NetworkTest, EveryDatagramArrivesOnceUnlessAskedOtherwise) {
  network({});
  for (uint32_t i = 0; i < 1'000; ++i) EXPECT_EQ(copies(i % 8, (i + 1) % 8), 1u);
}

// delay_min + an exponential part, whose mean is 0.5 to 2 times delay_mean, the same both ways.
TEST_F(NetworkTest, EachLinkHasADelayOfItsOwn) {
  NetworkOptions options;
  options.delay_min = milliseconds(100);
  options.delay_mean = milliseconds(10);
  network(options, 40);
  double least = 1;
  double most = 0;
  for (uint32_t to = 1; to < 40; ++to) {
    std::array<double, 2> mean{};
    for (uint32_t i = 0; i < 4'000; ++i) {
      const double there = network_->fate(start, 0, to).after[0].seconds();
      const double back = network_->fate(start, to, 0).after[0].seconds();
      EXPECT_GE(std::min(there, back), 0.1);
      mean[0] += (there - 0.1) / 4'000;
      mean[1] += (back - 0.1) / 4'000;
    }
    EXPECT_NEAR(mean[0], mean[1], 0.002);
    least = std::min(least, mean[0]);
    most = std::max(most, mean[0]);
  }
  EXPECT_GE(least, 0.0045);
  EXPECT_LE(most, 0.0215);
  EXPECT_LE(least, 0.008) << "some are near";
  EXPECT_GE(most, 0.015) << "and some far";
}

TEST_F(NetworkTest, TheExponentialPartIsBounded) {
  NetworkOptions options;
  options.delay_min = {};
  options.delay_mean = milliseconds(10);
  options.delay_most = 0.5;
  network(options);
  Duration most{};
  for (uint32_t i = 0; i < draws; ++i) most = std::max(most, network_->fate(start, 0, 1).after[0]);
  EXPECT_LE(most, milliseconds(10));  // 0.5 * the link's mean, which is at most 2 * 10 ms.
  EXPECT_GE(most, microseconds(2'500));
  EXPECT_EQ(network_->fate(start, 0, 1).after[1], Duration{});
}

TEST_F(NetworkTest, StragglersComeLaterByTheirOwnMean) {
  NetworkOptions options;
  options.delay_min = options.delay_mean = microseconds(1);
  options.straggling = 0.25;
  options.straggling_mean = seconds(2);
  network(options);
  uint32_t late = 0;
  double sum = 0;
  for (uint32_t i = 0; i < draws; ++i) {
    const double after = network_->fate(start, 0, 1).after[0].seconds();
    late += after > 0.001;
    sum += after;
  }
  EXPECT_NEAR(late, draws * 0.25, draws * 0.02);
  EXPECT_NEAR(sum / draws, 0.5, 0.03);
}

TEST_F(NetworkTest, APartitionCutsOneWayUntilItIsHealed) {
  network({});
  network_->put_in_group(3, 1);
  network_->put_in_group(4, 1);
  network_->put_in_group(5, 2);
  network_->cut(1, 0);
  EXPECT_EQ(copies(3, 0), 0u);
  EXPECT_EQ(copies(4, 7), 0u);
  EXPECT_EQ(copies(0, 3), 1u) << "the other way";
  EXPECT_EQ(copies(3, 4), 1u) << "within a group";
  EXPECT_EQ(copies(3, 5), 1u) << "a third group";
  EXPECT_EQ(copies(5, 0), 1u);
  network_->heal_partitions();
  EXPECT_EQ(copies(3, 0), 1u);
}

TEST_F(NetworkTest, ANatLetsInOnlyWhoWasSentToInTheLastThreeMinutes) {
  network({}, 4, 2);
  EXPECT_TRUE(network_->is_behind_nat(2));
  EXPECT_FALSE(network_->is_behind_nat(1));
  EXPECT_TRUE(network_->lets_in(start, 2, 1)) << "not behind a NAT";
  EXPECT_FALSE(network_->lets_in(start, 1, 2));
  network_->fate(start, 1, 2);
  EXPECT_FALSE(network_->lets_in(start, 1, 2)) << "who sends from outside makes no hole";
  network_->fate(start, 2, 1);
  EXPECT_TRUE(network_->lets_in(start, 1, 2));
  EXPECT_FALSE(network_->lets_in(start, 3, 2)) << "sent to another host";
  EXPECT_TRUE(network_->lets_in(start + minutes(3) - nanoseconds(1), 1, 2));
  EXPECT_FALSE(network_->lets_in(start + minutes(3), 1, 2));
}

TEST_F(NetworkTest, HealingEndsFaultsAndBoundsDelaysButKeepsNats) {
  NetworkOptions options;
  options.loss = options.duplicate = options.straggling = 1;
  options.delay_min = milliseconds(50);
  options.delay_mean = milliseconds(80);
  options.queue_max = 32;
  network(options, 4, 2);
  network_->put_in_group(1, 1);
  network_->cut(0, 1);
  network_->heal();
  Duration most{};
  for (uint32_t i = 0; i < draws; ++i) {
    const Network::Fate fate = network_->fate(start, 0, 1);
    ASSERT_EQ(fate.copies, 1u);
    most = std::max(most, fate.after[0]);
  }
  // A link's mean is at most 2 * 5 ms by then, and the bound is twice that.
  EXPECT_LE(most, milliseconds(50 + 2 * 2 * 5));
  EXPECT_GT(most, milliseconds(50) + microseconds(2 * 5'000 / 2 - 200));
  EXPECT_EQ(network_->options().delay_min, milliseconds(50));
  EXPECT_EQ(network_->options().delay_mean, milliseconds(5));
  EXPECT_EQ(network_->options().queue_max, 1'024u);
  EXPECT_FALSE(network_->lets_in(start, 1, 2));
}

TEST_F(NetworkTest, HealingMakesNothingWorse) {
  NetworkOptions options;
  options.delay_mean = milliseconds(1);
  options.queue_max = 5'000;
  network(options).heal();
  EXPECT_EQ(network_->options().delay_mean, milliseconds(1));
  EXPECT_EQ(network_->options().queue_max, 5'000u);
}

}  // namespace
}  // namespace xord::sim
