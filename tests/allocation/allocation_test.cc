// A shard allocates nothing once it runs: a real server, real sockets and disk, with both I/O
// backends, every kind of request, while contacts and sources come and go.
#include <gtest/gtest.h>

#include <pthread.h>

#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/allocation/allocation_guard.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"
#include "tests/skip_if_refused.h"

namespace xord {
namespace {

// Runs `body` on a thread that the guard takes for a shard's.
template <class Body>
void run_like_a_shard(Body&& body) {
  std::thread thread([&] {
    pthread_setname_np(pthread_self(), "xord-shard-test");
    body();
  });
  thread.join();
}

struct Allocation {
  const char* function;
  void (*make)();
};
// Volatile, or the compiler sees that the memory is unused and omits the pair of calls.
template <class Make>
void keep_and_free(Make&& make) {
  void* volatile memory = make();
  std::free(memory);
}
const Allocation allocations[] = {
    {"malloc", [] { keep_and_free([] { return std::malloc(10); }); }},
    {"calloc", [] { keep_and_free([] { return std::calloc(2, 5); }); }},
    {"realloc",
     [] {
       void* volatile nothing = nullptr;  // From a plain nullptr the compiler makes a malloc.
       keep_and_free([&] { return std::realloc(nothing, 10); });
     }},
    {"aligned_alloc", [] { keep_and_free([] { return std::aligned_alloc(64, 64); }); }},
    {"posix_memalign",
     [] {
       keep_and_free([] {
         void* memory = nullptr;
         return posix_memalign(&memory, 64, 64) == 0 ? memory : nullptr;
       });
     }},
    {"operator new",
     [] {
       int* volatile number = new int(7);
       delete number;
     }},
    {"operator new",
     [] {
       struct alignas(64) Line {
         char bytes[64];
       };
       Line* volatile line = new Line;
       delete line;
     }},
    {"operator new", [] { std::vector<int>(100).swap(*std::make_unique<std::vector<int>>()); }},
};

TEST(AllocationGuard, CatchesEveryWayToAllocateOnAShard) {
  for (const Allocation& allocation : allocations) {
    AllocationGuard guard;
    run_like_a_shard(allocation.make);
    EXPECT_GE(guard.count(), 1u) << allocation.function;
    EXPECT_EQ(guard.first().find(allocation.function), 0u) << guard.first();
  }
}

TEST(AllocationGuard, IgnoresOtherThreadsAndShardsThatDoNotAllocate) {
  AllocationGuard guard;
  keep_and_free([] { return std::malloc(10); });
  std::vector<int> unused(100);
  run_like_a_shard([] {});
  EXPECT_EQ(guard.count(), 0u) << guard.first();
}

struct Shape {
  IoChoice io;
  uint32_t shards;
};

class ShardsAllocateNothing : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override { skip_if_refused(GetParam().io); }
  static constexpr uint32_t keys = 300;

  void start() {
    ServerConfig config = loopback_config(directory_.at("data"), GetParam().shards, GetParam().io);
    const auto error = server_.start(config);
    ASSERT_FALSE(error) << error->sentence;
    ASSERT_TRUE(eventually([&] { return is_ready(server_); }));
    port_ = server_.endpoints().front().port;
  }
  static Id key(uint64_t number) {
    Id id;
    Rng(number).fill(id.bytes);
    return id;
  }
  // Distinct sizes, up to the largest: twice what the cache holds, so that old ones are cold.
  static std::vector<uint8_t> value(uint64_t number) {
    std::vector<uint8_t> packed(8'140 - number % 7, static_cast<uint8_t>(number));
    packed[0] = 0xc5;
    store_be16(&packed[1], static_cast<uint16_t>(packed.size() - 3));
    return packed;
  }
  uint64_t count(std::string_view name) const { return server_.stats().count(name); }

  void ask_everything(RawPeer& peer) {
    ASSERT_TRUE(peer.call([&] { return peer.send_ping(port_); }));
    for (uint64_t i = 0; i < keys; ++i) {
      ASSERT_TRUE(peer.call([&] { return peer.send_store(port_, key(i), value(i)); })) << i;
      ASSERT_TRUE(peer.call([&] { return peer.send_find_value(port_, key(i)); })) << i;
    }
    for (uint64_t i = 0; i < keys; ++i) {
      ASSERT_TRUE(peer.call([&] { return peer.send_find_value(port_, key(i)); })) << i;
      ASSERT_TRUE(peer.call([&] { return peer.send_find_value(port_, key(keys + i)); })) << i;
      ASSERT_TRUE(peer.call([&] { return peer.send_find_node(port_, key(i)); })) << i;
    }
  }
  // Encoded so that no steering recognises it: the ids as the longer kind of bytes.
  void ask_in_another_spelling(RawPeer& peer) {
    for (uint64_t i = 0; i < 100; ++i) {
      std::array<uint8_t, rpcudp::find_request_size_max> canonical;
      const size_t size = rpcudp::encode_find_value_request(
          canonical, Transaction{9, static_cast<uint8_t>(i)}, key(1'000), key(i));
      constexpr size_t sender_at = 34;
      ASSERT_EQ(canonical[sender_at], 0xc4);
      std::vector<uint8_t> bytes(canonical.begin(), canonical.begin() + size);
      bytes[sender_at] = 0xc5;
      bytes.insert(bytes.begin() + sender_at + 1, 0);
      peer.send_bytes(port_, bytes);
      ASSERT_TRUE(peer.receive(seconds(10)));
    }
  }
  void send_what_no_node_sends(RawPeer& peer) {
    for (const size_t size : {1u, 20u, 100u, 8'300u, 20'000u}) {
      peer.send_bytes(port_, std::vector<uint8_t>(size, 0x92));
    }
    peer.send_bytes(port_, {});
  }

  TemporaryDirectory directory_;
  Server server_;
  uint16_t port_ = 0;
};

TEST_P(ShardsAllocateNothing, WhateverPeersAskAndHoweverTheyCome) {
  start();
  const AllocationGuard guard;
  RawPeer peer(1);
  ask_everything(peer);
  ask_in_another_spelling(peer);
  send_what_no_node_sends(peer);
  // Sources that never answer: held, then dropped; and once the pool is full, answered briefly.
  RawPeer silent(2);
  for (uint64_t i = 0; i < 200; ++i) {
    silent.send_find_node(port_, key(i));
    silent.send_find_value(port_, key(i));
    silent.send_store(port_, key(i), value(i));
    silent.send_ping(port_);
  }
  // Contacts come, and vanish.
  for (uint64_t i = 0; i < 60; ++i) {
    RawPeer passing(100 + i);
    ASSERT_TRUE(passing.call([&] { return passing.send_find_node(port_, key(i)); }));
  }
  // The program's own calls, into a network of which most nodes are gone.
  auto set = server_.set(key(5'000), std::string("value"));
  auto get = server_.get(key(5'001));
  auto find = server_.find(key(5'002));
  set.wait();
  get.wait();
  find.wait();
  EXPECT_TRUE(eventually([&] { return count("held_dropped") > 0 && count("calls_failed") > 0; }));

  EXPECT_EQ(guard.count(), 0u) << guard.first();
  for (const char* name : {"found", "found_cold", "absent", "stored", "evicted", "held_released",
                           "pings_of_newcomers", "lookups_finished"}) {
    EXPECT_GT(count(name), 0u) << name << " did not happen, so nothing was shown of it";
  }
  if (GetParam().shards > 1) {
    EXPECT_GT(count("forwarded"), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ShardsAllocateNothing,
                         testing::Values(Shape{IoChoice::epoll, 1}, Shape{IoChoice::epoll, 2},
                                         Shape{IoChoice::uring, 1}, Shape{IoChoice::uring, 2}),
                         [](const auto& shape) {
                           return std::string(shape.param.io == IoChoice::uring ? "uring"
                                                                                : "epoll") +
                                  std::to_string(shape.param.shards);
                         });

}  // namespace
}  // namespace xord
