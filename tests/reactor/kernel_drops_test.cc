// On real sockets: a datagram sent on loopback is in the buffer, or dropped, when sendto() returns.
#include "reactor/kernel_drops.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <utility>

#include "tests/reactor/loopback.h"
#include "tests/reactor/overfilled.h"

namespace xord {
namespace {

TEST(KernelDrops, EachCallTakesWhatCameSinceTheLast) {
  KernelDrops drops;
  EXPECT_EQ(drops.take(0), 0u);
  EXPECT_EQ(drops.take(7), 7u);
  EXPECT_EQ(drops.take(7), 0u);
  EXPECT_EQ(drops.take(9), 2u);
}

TEST(KernelDrops, TheKernelsCountWrapsAround) {
  KernelDrops drops;
  EXPECT_EQ(drops.take(UINT32_MAX - 1), UINT32_MAX - 1);
  EXPECT_EQ(drops.take(3), 5u);
  EXPECT_EQ(drops.take(4), 1u);
}

TEST(KernelDrops, ASocketCountsWhatFoundNoRoom) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    ShardSockets sockets = open_for_one_shard({{loopback(family)}});
    EXPECT_EQ(sockets[0].take_kernel_drops(), 0u);
    overfill(sockets[0], 1000);
    const uint32_t dropped = sockets[0].take_kernel_drops();
    EXPECT_GT(dropped, 0u);
    EXPECT_EQ(dropped + drain(sockets[0]), 1000u);
    EXPECT_EQ(sockets[0].take_kernel_drops(), 0u);
  }
}

TEST(KernelDrops, WhatWasTakenMovesWithTheSocketAndOneOpenedAgainBeginsAnew) {
  ShardSockets sockets = open_for_one_shard({{loopback(Family::ipv4)}});
  overfill(sockets[0], 1000);
  EXPECT_GT(sockets[0].take_kernel_drops(), 100u);
  BoundSocket moved = std::move(sockets[0]);
  EXPECT_EQ(moved.take_kernel_drops(), 0u);
  EXPECT_EQ(sockets[0].take_kernel_drops(), 0u) << "it is closed";
  moved = std::move(open_for_one_shard({{loopback(Family::ipv4)}})[0]);
  EXPECT_EQ(moved.take_kernel_drops(), 0u) << "less than was taken of the old one";
  overfill(moved, 1000);
  EXPECT_EQ(moved.take_kernel_drops() + drain(moved), 1000u);
}

TEST(KernelDrops, AKernelThatDoesNotTellCountsNone) {
  with_refused_system_call(SYS_getsockopt, {{2, SO_MEMINFO}}, ENOPROTOOPT, [] {
    ShardSockets sockets = open_for_one_shard({{loopback(Family::ipv4)}});
    overfill(sockets[0], 1000);
    EXPECT_LT(drain(sockets[0]), 1000u);
    EXPECT_EQ(read_kernel_drops(sockets[0].fd()), std::nullopt);
    EXPECT_EQ(sockets[0].take_kernel_drops(), 0u);
  });
}

}  // namespace
}  // namespace xord
