// What a running server does differently after a reload, of choices whose effect is in no counter
// and no answer: when it commits, what its health says, and how it ends.
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "node/counters.h"
#include "node/server/server.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

class ReloadEffectsTest : public testing::Test {
 protected:
  void start(const std::function<void(ServerConfig&)>& change = {}) {
    config_ = loopback_config(directory_.at("data"), 2);
    config_.canary = CanaryMode::off;
    if (change) change(config_);
    ASSERT_FALSE(server_.start(config_));
  }
  void reload(const std::function<void(ServerConfig&)>& change) {
    change(config_);
    const ReloadResult result = server_.reload(config_).get();
    ASSERT_EQ(result.status, ServerStatus::done) << result.refused_because;
    ASSERT_EQ(result.changed.size(), 1u);
  }
  HealthLevel level(HealthCheck check) const { return server_.health()[check].level; }
  uint64_t canaries() const {
    const ServerStats stats = server_.stats();
    return stats.total.lookups.at(static_cast<size_t>(LookupPurpose::canary)).counts.at(0).value;
  }

  TemporaryDirectory directory_;
  ServerConfig config_;
  Server server_;
};

TEST_F(ReloadEffectsTest, ACommitWaitsForTheNewWindow) {
  start();
  ASSERT_EQ(server_.keep("first", int64_t{1}).get().status, ServerStatus::done);
  reload([](ServerConfig& c) { c.commit_window = milliseconds(300); });
  const MonotonicTime begun = monotonic_time();
  ASSERT_EQ(server_.keep("second", int64_t{2}).get().status, ServerStatus::done);
  EXPECT_GE(monotonic_time() - begun, milliseconds(300));
}

TEST_F(ReloadEffectsTest, ANodeIsReadyWithTheNewNumberOfContacts) {
  start([](ServerConfig& c) { c.bootstrap = {"127.0.0.1:9"}; });  // Nobody answers there.
  ASSERT_TRUE(eventually([&] { return level(HealthCheck::contacts) == HealthLevel::fail; }));
  reload([](ServerConfig& c) { c.ready_contacts = 0; });
  EXPECT_TRUE(eventually([&] { return level(HealthCheck::contacts) != HealthLevel::fail; }));
  reload([](ServerConfig& c) { c.ready_contacts = 2; });
  EXPECT_TRUE(eventually([&] { return level(HealthCheck::contacts) == HealthLevel::fail; }));
}

TEST_F(ReloadEffectsTest, ACanaryThatIsTurnedOnLooksUp) {
  Server other;
  ASSERT_FALSE(other.start(loopback_config(directory_.at("other"))));
  start([](ServerConfig& c) { c.canary_interval = canary_bounds.least; });
  ASSERT_EQ(server_.bootstrap({address_of(other)}).get().status, ServerStatus::done);
  EXPECT_EQ(canaries(), 0u);
  reload([](ServerConfig& c) { c.canary = CanaryMode::lookup; });
  EXPECT_TRUE(eventually([&] { return canaries() > 0; }));
}

TEST_F(ReloadEffectsTest, AnEndServesForTheNewDelay) {
  start();
  reload([](ServerConfig& c) { c.drain_delay = minutes(5); });
  const uint16_t port = server_.endpoints().front().port;
  std::thread stop([&] { server_.stop(); });
  EXPECT_TRUE(eventually([&] { return level(HealthCheck::draining) == HealthLevel::fail; }));
  RawPeer peer(9);
  EXPECT_TRUE(peer.call([&] { return peer.send_ping(port); })) << "it still answers";
  server_.hurry_stop();
  stop.join();
}

TEST_F(ReloadEffectsTest, AnEndCutsCallsOffAfterTheNewTime) {
  start([](ServerConfig& c) { c.drain_max = minutes(1); });
  reload([](ServerConfig& c) { c.drain_max = milliseconds(50); });
  std::future<BootstrapResult> joining = server_.bootstrap({"127.0.0.1:9"});  // Takes seconds.
  server_.stop();
  EXPECT_EQ(joining.get().status, ServerStatus::stopped);
}

}  // namespace
}  // namespace xord
