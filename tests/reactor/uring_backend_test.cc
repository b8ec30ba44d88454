// What only io_uring can get wrong, and what happens where it is refused.
#include "reactor/uring_backend.h"

#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/reactor/backend_harness.h"

namespace xord {
namespace {

class UringBackendTest : public OnBothBackends {};
INSTANTIATE_TEST_SUITE_P(Loopback, UringBackendTest, testing::Values(IoChoice::uring),
                         backend_test_name);

TEST_P(UringBackendTest, ReceptionGoesOnAfterAllBuffersWereInUse) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}}, {.receive_buffers = 4});
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(harness.server());
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 50; ++i) client.send("datagram " + std::to_string(i));
    harness.pump();
    ASSERT_EQ(harness.received.size(), static_cast<size_t>(50 * round)) << "none is lost";
  }
  EXPECT_GT(harness.count(IoCounter::buffers_exhausted), 0u);
  EXPECT_GT(harness.count(IoCounter::receive_rearmed), 0u);
  EXPECT_EQ(harness.count(IoCounter::receive_failed), 0u);
}

TEST_P(UringBackendTest, ReceptionGoesOnAfterTheCompletionQueueWasFull) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}}, {.completions = 1});
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(harness.server());
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 100; ++i) client.send("datagram " + std::to_string(i));
    // One failure per send, far more than the queue holds.
    for (int i = 0; i < 500; ++i) harness.queue({endpoint("127.0.0.1:0"), {}}, "port 0");
    harness.send();
    harness.pump();
    ASSERT_EQ(harness.received.size(), static_cast<size_t>(100 * round)) << "none is lost";
    EXPECT_EQ(harness.count(IoCounter::send_invalid), 500u * static_cast<uint64_t>(round));
  }
  EXPECT_GT(harness.count(IoCounter::completions_overflowed), 0u);
}

TEST_P(UringBackendTest, AnEmptyDatagramEndsTheReceiveWhichIsStartedAgain) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
  LoopbackClient client(loopback(Family::ipv4));
  client.send_to(harness.server(), "");
  harness.pump();
  EXPECT_EQ(harness.count(IoCounter::receive_rearmed), 1u);
}

TEST_P(UringBackendTest, ASmallerRingIsTakenWhereMemoryMayNotBeLocked) {
  // 16 KiB: too little for the full ring, enough for a smaller one.
  with_lockable_memory(16 * 1024, [] {
    BackendHarness harness(IoChoice::automatic, {{loopback(Family::ipv4)}});
    EXPECT_EQ(harness.chosen.backend->name(), "uring") << harness.chosen.fallback_because;
    LoopbackClient client(loopback(Family::ipv4));
    client.connect(harness.server());
    for (int i = 0; i < 300; ++i) client.send("number " + std::to_string(i));
    harness.pump();
    ASSERT_EQ(harness.received.size(), 300u);
    harness.send_back_all();
    for (int i = 0; i < 300; ++i) ASSERT_EQ(client.receive(), "number " + std::to_string(i));
  });
}

// Submissions that the kernel does not take stay in the queue, and fill it.
TEST_P(UringBackendTest, WithoutMemoryInTheKernelSendsAreDroppedAndCounted) {
  // A thread starts the ring, and then all its calls of it are refused.
  std::thread([] {
    BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
    harness.chosen.backend->set_coalescing(false);
    LoopbackClient client(loopback(Family::ipv4));
    refuse_system_call(SYS_io_uring_enter, std::nullopt, ENOMEM);
    for (uint64_t round = 1; round <= 3; ++round) {
      for (int i = 0; i < 500; ++i) harness.queue({client.local(), {}}, std::to_string(i));
      harness.send();
      harness.pump();
      EXPECT_EQ(harness.count(IoSum::sent), 500 * round);
      EXPECT_EQ(harness.count(IoCounter::send_would_block), 500 * round);
    }
    EXPECT_EQ(client.receive_if_there(), std::nullopt);
  }).join();
}

void expect_fallback_that_says_why() {
  BackendHarness harness(IoChoice::automatic, {{loopback(Family::ipv4)}});
  EXPECT_EQ(harness.chosen.backend->name(), "epoll");
  EXPECT_NE(harness.chosen.fallback_because, "");
  LoopbackClient client(loopback(Family::ipv4));
  client.send_to(harness.server(), "hello");
  harness.pump();
  EXPECT_EQ(harness.received.size(), 1u);
}

void expect_error_when_forced(int error_number) {
  const ShardSockets sockets = open_for_one_shard({{loopback(Family::ipv4)}});
  Doorbell doorbell;
  IoCounters counters;
  ChosenBackend chosen;
  const auto error = choose_backend(IoChoice::uring, {}, sockets, doorbell, counters, &chosen);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error_number, error_number);
  EXPECT_NE(error->sentence.find("io_uring"), std::string::npos) << error->sentence;
}

TEST(UringBackend, ARefusalSaysWhy) {
  const std::vector<std::pair<int, std::string>> refusals = {
      {ENOSYS,
       "Function not implemented (the kernel, kernel.io_uring_disabled or a container's profile "
       "refuses it)"},
      {EPERM,
       "Operation not permitted (the kernel, kernel.io_uring_disabled or a container's profile "
       "refuses it)"},
      {EINVAL, "Invalid argument (it needs Linux 6.1)"},
      {ENOMEM, "Cannot allocate memory (its memory counts against RLIMIT_MEMLOCK)"},
      {EMFILE, "Too many open files"}};
  for (const auto& [error_number, why] : refusals) {
    with_refused_system_call(SYS_io_uring_setup, std::nullopt, error_number, [&] {
      const ShardSockets sockets = open_for_one_shard({{loopback(Family::ipv4)}});
      const Doorbell doorbell;
      IoCounters counters;
      ChosenBackend forced;
      const auto error = choose_backend(IoChoice::uring, {}, sockets, doorbell, counters, &forced);
      ASSERT_TRUE(error) << why;
      EXPECT_EQ(error->error_number, error_number);
      EXPECT_EQ(error->sentence, "io_uring is refused: " + why);
      EXPECT_EQ(forced.backend, nullptr);
      ChosenBackend chosen;
      ASSERT_FALSE(choose_backend(IoChoice::automatic, {}, sockets, doorbell, counters, &chosen));
      EXPECT_EQ(chosen.fallback_because, error->sentence);
      EXPECT_EQ(chosen.backend->name(), "epoll");
    });
  }
}

TEST_P(UringBackendTest, WhatARingCannotRegisterIsARefusal) {
  for (const uint32_t operation : {IORING_REGISTER_PBUF_RING, IORING_REGISTER_FILES}) {
    with_refused_system_call(SYS_io_uring_register, {{1, operation}}, EINVAL,
                             [] { expect_error_when_forced(EINVAL); });
  }
}

TEST_P(UringBackendTest, ARingThatCannotBeStartedIsAnError) {
  with_refused_system_call(SYS_io_uring_register, {{1, IORING_REGISTER_ENABLE_RINGS}}, EPERM, [] {
    const ShardSockets sockets = open_for_one_shard({{loopback(Family::ipv4)}});
    const Doorbell doorbell;
    IoCounters counters;
    ChosenBackend chosen;
    ASSERT_FALSE(choose_backend(IoChoice::uring, {}, sockets, doorbell, counters, &chosen));
    const auto error = chosen.backend->start();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->sentence, "cannot start io_uring: Operation not permitted");
    EXPECT_EQ(error->error_number, EPERM);
  });
}

TEST_P(UringBackendTest, WithoutAnyLockableMemoryEpollIsTaken) {
  with_lockable_memory(0, [] {
    expect_fallback_that_says_why();
    expect_error_when_forced(ENOMEM);
  });
}

TEST(UringBackend, WhereAContainerRefusesItEpollIsTaken) {
  with_refused_system_call(SYS_io_uring_setup, std::nullopt, EPERM, [] {
    expect_fallback_that_says_why();
    expect_error_when_forced(EPERM);
  });
}

TEST(UringBackend, WhereTheKernelHasNoneEpollIsTaken) {
  with_refused_system_call(SYS_io_uring_setup, std::nullopt, ENOSYS, [] {
    expect_fallback_that_says_why();
    expect_error_when_forced(ENOSYS);
  });
}

}  // namespace
}  // namespace xord
