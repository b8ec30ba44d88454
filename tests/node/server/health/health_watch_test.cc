// The health of running servers of which a test breaks what each check watches: a shard or commit
// thread that is held up, a network that does not answer, a queue that overflows, a clock that
// jumps, an end. Refusing disks are in tests/e2e/faults_test.py, thresholds in health_test.cc.
#include "node/server/health/health_watch.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "reactor/sockets.h"
#include "storage/files/clock_file.h"
#include "storage/files/data_directory.h"
#include "tests/node/server/held_thread.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

class HealthWatchTest : public testing::Test {
 protected:
  // Without a canary, which a test must ask for.
  ServerConfig config(const std::string& name, uint32_t shards = 1) const {
    ServerConfig config = loopback_config(directory_.at(name), shards);
    config.canary = CanaryMode::off;
    return config;
  }
  static HealthLevel level(const Server& server, HealthCheck check) {
    return server.health()[check].level;
  }
  static bool comes_to(const Server& server, HealthCheck check, HealthLevel wanted) {
    return eventually([&] { return level(server, check) == wanted; });
  }
  static std::string show(const Server& server, HealthCheck check) {
    const HealthReport report = server.health();
    return std::string(name_of(report.state)) + ": " + report[check].sentence;
  }
  // Lookups of the canary that found nodes.
  static uint64_t canaries(const Server& server) {
    const ServerStats stats = server.stats();
    return stats.total.lookups.at(static_cast<size_t>(LookupPurpose::canary)).counts.at(0).value;
  }
  static bool is_healthy(const Server& server) { return server.health().is(HealthQuestion::ready); }

  TemporaryDirectory directory_;
};

TEST_F(HealthWatchTest, AFirstNodeIsReadyOnceItsRecordsAreLoaded) {
  Server server;
  EXPECT_EQ(server.health().state, HealthState::starting);
  ASSERT_FALSE(server.start(config("data", 2)));
  ASSERT_TRUE(eventually([&] { return is_healthy(server); }));
  EXPECT_TRUE(server.health().is(HealthQuestion::live));
  EXPECT_TRUE(server.health().is(HealthQuestion::started));
  server.stop();
  EXPECT_EQ(server.health().state, HealthState::draining);
  EXPECT_FALSE(is_healthy(server));
}

TEST_F(HealthWatchTest, AShardThatIsHeldUpFailsAndRecovers) {
  Server server;
  ASSERT_FALSE(server.start(config("data", 2)));
  ASSERT_TRUE(eventually([&] { return is_healthy(server); }));
  {
    const HeldThread held("xord-shard-1");
    EXPECT_TRUE(comes_to(server, HealthCheck::shards, HealthLevel::warn));
    EXPECT_TRUE(comes_to(server, HealthCheck::shards, HealthLevel::fail));
    EXPECT_NE(show(server, HealthCheck::shards).find("failed: shard 1 has not answered for 1"),
              std::string::npos)
        << show(server, HealthCheck::shards);
    EXPECT_FALSE(server.health().is(HealthQuestion::live));
  }
  EXPECT_TRUE(comes_to(server, HealthCheck::shards, HealthLevel::ok));
}

TEST_F(HealthWatchTest, AWriteThatWaitsForItsCommitThreadIsNoticed) {
  Server server;
  ASSERT_FALSE(server.start(config("data")));
  ASSERT_TRUE(eventually([&] { return is_healthy(server); }));
  {
    const HeldThread held("commit-0");
    const auto kept = server.keep("key", int64_t{1});  // A set would find no node to store at.
    EXPECT_TRUE(comes_to(server, HealthCheck::commit, HealthLevel::warn));
    EXPECT_NE(show(server, HealthCheck::commit).find("writes of shard 0 have waited"),
              std::string::npos);
    EXPECT_TRUE(is_healthy(server)) << "it still answers";
  }
  EXPECT_TRUE(comes_to(server, HealthCheck::commit, HealthLevel::ok));
}

TEST_F(HealthWatchTest, ANetworkThatDoesNotAnswerLeavesTheNodeAlone) {
  std::vector<ShardSockets> silent;
  std::vector<Listen> listens(listen_max);
  for (Listen& listen : listens) listen.endpoint = own_loopback();
  ServerConfig lonely = config("data");
  std::vector<std::vector<ShardSockets>> all(4);
  for (auto& sockets : all) {
    ASSERT_FALSE(open_sockets(listens, {}, &sockets));
    for (const BoundSocket& socket : sockets[0]) lonely.bootstrap.push_back(socket.bound.text());
  }
  Server server;
  ASSERT_FALSE(server.start(lonely));
  EXPECT_TRUE(comes_to(server, HealthCheck::outbound, HealthLevel::fail));
  EXPECT_EQ(level(server, HealthCheck::contacts), HealthLevel::fail);
  EXPECT_EQ(level(server, HealthCheck::joined), HealthLevel::fail);
  EXPECT_FALSE(is_healthy(server));
  EXPECT_EQ(server.health().state, HealthState::joining) << "for a minute";
  EXPECT_TRUE(server.health().is(HealthQuestion::live)) << "a restart would not help";
}

TEST_F(HealthWatchTest, ANodeThatJoinedFailsWhenItsOnlyNeighbourIsGone) {
  Server first;
  ASSERT_FALSE(first.start(config("first")));
  ServerConfig joining = config("second");
  joining.bootstrap = {address_of(first)};
  joining.canary = CanaryMode::lookup;
  joining.canary_interval = canary_bounds.least;
  Server second;
  ASSERT_FALSE(second.start(joining));
  ASSERT_TRUE(eventually([&] { return is_healthy(second); })) << show(second, HealthCheck::joined);
  EXPECT_TRUE(eventually([&] {
    return show(second, HealthCheck::canary).find("found 1 node of 1") != std::string::npos;
  })) << show(second, HealthCheck::canary);
  first.stop();
  EXPECT_TRUE(eventually([&] { return level(second, HealthCheck::canary) == HealthLevel::fail; },
                         minutes(2)))
      << show(second, HealthCheck::canary);
  EXPECT_EQ(second.health().state, HealthState::isolated);
}

TEST_F(HealthWatchTest, ACanaryMayStoreAValueAsWell) {
  Server first;
  ASSERT_FALSE(first.start(config("first")));
  ServerConfig joining = config("second");
  joining.bootstrap = {address_of(first)};
  joining.canary = CanaryMode::store;
  joining.canary_interval = canary_bounds.least;
  Server second;
  ASSERT_FALSE(second.start(joining));
  EXPECT_TRUE(eventually([&] { return first.stats().records == 1; }));
  EXPECT_TRUE(eventually([&] {
    return show(second, HealthCheck::canary).find("found 1 node of 1") != std::string::npos;
  })) << show(second, HealthCheck::canary);
  // Three runs that fail, one after the other, would fail the check.
  ASSERT_TRUE(eventually([&] { return canaries(second) >= 5; })) << canaries(second);
  const std::string told = show(second, HealthCheck::canary);
  EXPECT_NE(level(second, HealthCheck::canary), HealthLevel::fail) << told;
  const std::string took = "the median took ";
  ASSERT_NE(told.find(took), std::string::npos) << told;
  EXPECT_LT(std::stoull(told.substr(told.find(took) + took.size())), 60'000u) << told;
  EXPECT_EQ(first.stats().records, 1u) << "under one key";
}

TEST_F(HealthWatchTest, AQueueThatOverflowsIsOverload) {
  Server server;
  ASSERT_FALSE(server.start(config("data")));
  ASSERT_TRUE(eventually([&] { return is_healthy(server); }));
  {
    const HeldThread held("xord-shard-0");
    RawPeer peer(7);
    const std::vector<uint8_t> noise(1000, 0x07);
    const uint16_t port = server.endpoints().front().port;
    for (int i = 0; i < 60'000; ++i) peer.send_bytes(port, noise);
  }
  EXPECT_TRUE(comes_to(server, HealthCheck::overload, HealthLevel::fail))
      << show(server, HealthCheck::overload);
  EXPECT_FALSE(is_healthy(server));
}

TEST_F(HealthWatchTest, AClockThatJumpedIsDoubtedAndTheLogSaysSo) {
  ServerConfig jumped = config("data");
  Server server;
  ASSERT_FALSE(server.start(jumped));
  server.stop();
  {
    auto opened = DataDirectory::open(jumped.data_dir, NetworkFileSystem::refused);
    const auto& data = *std::get<std::unique_ptr<DataDirectory>>(opened);
    const SavedClock right = *std::get<std::optional<SavedClock>>(read_clock(data));
    ASSERT_FALSE(write_clock(data, {right.node_time, right.wall_time - hours(24 * 30)}));
  }
  jumped.log_level = LogLevel::warning;
  jumped.log_format = LogFormat::json;
  testing::internal::CaptureStderr();
  ASSERT_FALSE(server.start(jumped));
  EXPECT_EQ(level(server, HealthCheck::clock), HealthLevel::fail);
  EXPECT_EQ(server.health().state, HealthState::failed);
  server.stop();
  uint32_t told = 0;
  std::istringstream lines(testing::internal::GetCapturedStderr());
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json.at("message") != "health changed" || json.at("check") != "clock") continue;
    ++told;
    EXPECT_EQ(json.at("to"), "fail");
    EXPECT_EQ(json.at("state"), "failed");
  }
  EXPECT_EQ(told, 1u);
}

TEST_F(HealthWatchTest, ANodeThatDrainsSaysSoAndServesForAWhile) {
  ServerConfig slow = config("data");
  slow.drain_delay = minutes(5);
  Server server;
  ASSERT_FALSE(server.start(slow));
  ASSERT_TRUE(eventually([&] { return is_healthy(server); }));
  const uint16_t port = server.endpoints().front().port;
  std::thread stop([&] { server.stop(); });
  EXPECT_TRUE(comes_to(server, HealthCheck::draining, HealthLevel::fail));
  EXPECT_EQ(server.health().state, HealthState::draining);
  RawPeer peer(9);
  EXPECT_TRUE(peer.call([&] { return peer.send_ping(port); })) << "it still answers";
  server.hurry_stop();  // As a second signal: the delay is over.
  stop.join();
}

TEST_F(HealthWatchTest, ARequestOfAStrangerIsInbound) {
  Server server;
  ASSERT_FALSE(server.start(config("data", 2)));
  EXPECT_EQ(server.stats().count("inbound_uncalled"), 0u);
  RawPeer peer(3);
  const uint16_t port = server.endpoints().front().port;
  ASSERT_TRUE(peer.call([&] { return peer.send_ping(port); }));
  EXPECT_TRUE(eventually([&] { return server.stats().count("inbound_uncalled") > 0; }));
  EXPECT_TRUE(eventually([&] {
    return show(server, HealthCheck::inbound).find("came 0 s ago") != std::string::npos ||
           show(server, HealthCheck::inbound).find(" s ago") != std::string::npos;
  })) << show(server, HealthCheck::inbound);
}

}  // namespace
}  // namespace xord
