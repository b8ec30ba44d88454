// Four shards under load from several threads at once: requests of every kind, sources that come,
// go and change their id, floods of the unproven, calls of the program and readers of its counters.
// It shows that no source gets a wrong answer; and, under the thread sanitizer (tools/test --preset
// tsan), that nothing is shared that should not be.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"
#include "tests/skip_if_refused.h"

namespace xord {
namespace {

struct Shape {
  IoChoice io;
  bool steering;
};

class ShardsUnderLoad : public testing::TestWithParam<Shape> {
 protected:
  static constexpr uint32_t shards = 4;
  static constexpr uint32_t askers = 4;
  static constexpr uint32_t rounds = 60;

  void SetUp() override {
    if (skip_if_refused(GetParam().io)) return;
    ServerConfig config = loopback_config(directory_.at("data"), shards, GetParam().io);
    config.steering = GetParam().steering;
    const auto error = server_.start(config);
    ASSERT_FALSE(error) << error->sentence;
    port_ = server_.endpoints().front().port;
    ASSERT_TRUE(eventually([&] { return is_ready(server_); }));
  }

  // A source that stores, finds what it stored, asks for neighbours, and occasionally is replaced.
  void ask(uint64_t seed) {
    Rng rng(seed);
    auto peer = std::make_unique<RawPeer>(seed);
    for (uint32_t round = 0; round < rounds; ++round) {
      Id key;
      rng.fill(key.bytes);
      std::vector<uint8_t> value(2 + rng.bounded(200), static_cast<uint8_t>(round));
      value[0] = 0xc4;
      value[1] = static_cast<uint8_t>(value.size() - 2);
      const auto stored = peer->call([&] { return peer->send_store(port_, key, value); });
      ASSERT_TRUE(stored);
      ASSERT_EQ(stored->back(), 0xc3) << "true";
      const auto found = peer->call([&] { return peer->send_find_value(port_, key); });
      ASSERT_TRUE(found);
      Reply reply;
      ASSERT_EQ(rpcudp::parse_reply(*found, Method::find_value, &reply), ParseError::none);
      ASSERT_TRUE(reply.has_value && equal(reply.value, value));
      const auto nearest = peer->call([&] { return peer->send_find_node(port_, key); });
      ASSERT_TRUE(nearest);
      ASSERT_EQ(rpcudp::parse_reply(*nearest, Method::find_node, &reply), ParseError::none);
      if (round % 10 == 9) peer = std::make_unique<RawPeer>(seed * 1000 + round);  // One has gone.
      if (round % 10 == 4) peer->change_id();
    }
    ++finished_;
  }
  // A source that never answers: its requests are held, or met with silence.
  void flood(uint64_t seed) {
    Rng rng(seed);
    RawPeer peer(seed);
    while (finished_ < askers) {
      for (int i = 0; i < 20; ++i) {
        Id key;
        rng.fill(key.bytes);
        peer.send_find_node(port_, key);
        peer.send_find_value(port_, key);
      }
      std::this_thread::yield();
    }
  }
  // The embedding program.
  void call() {
    uint64_t number = 0;
    while (finished_ < askers) {
      const std::string key = "key " + std::to_string(++number);
      const SetResult set = server_.set(key, std::string("value")).get();
      EXPECT_NE(set.status, ServerStatus::stopped);
      EXPECT_NE(server_.get(key).get().status, ServerStatus::stopped);
      EXPECT_FALSE(server_.stats().json().empty());
    }
  }

  TemporaryDirectory directory_;
  Server server_;
  uint16_t port_ = 0;
  std::atomic<uint32_t> finished_{0};
};

TEST_P(ShardsUnderLoad, EveryAnswerIsRight) {
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < askers; ++i) {
    threads.emplace_back([this, i] {
      ask(i + 1);
      if (HasFatalFailure()) finished_ = askers;  // Ends the others.
    });
  }
  threads.emplace_back([this] { flood(100); });
  threads.emplace_back([this] { call(); });
  for (std::thread& thread : threads) thread.join();
  const ServerStats stats = server_.stats();
  EXPECT_GE(stats.records, uint64_t{askers} * rounds);
  EXPECT_GT(stats.contacts, 0u);
  EXPECT_GT(stats.count("held"), 0u);
  EXPECT_EQ(stats.count("messages_dropped"), 0u);
  for (const ShardStats& shard : stats.shards) {
    EXPECT_GT(shard.io.front().value, 0u) << "a shard received nothing";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ShardsUnderLoad,
    testing::Values(Shape{IoChoice::epoll, true}, Shape{IoChoice::epoll, false},
                    Shape{IoChoice::uring, true}, Shape{IoChoice::uring, false}),
    [](const auto& each) {
      return std::string(each.param.io == IoChoice::epoll ? "epoll" : "uring") +
             (each.param.steering ? "_steered" : "_unsteered");
    });

}  // namespace
}  // namespace xord
