// The steering program on real SO_REUSEPORT groups: counts on which socket a datagram arrives.
#include "reactor/steering.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <string>
#include <vector>

#include "reactor/reactor.h"
#include "tests/reactor/loopback.h"

namespace xord {
namespace {

using namespace std::literals;
using Match = SteeringRule::Match;
using Target = SteeringRule::Target;

// "key:" and two bytes of a key after seven more; "to" and an index.
constexpr SteeringRule rules[] = {
    {{Match{0, "key: "sv}, Match{8, "="sv}}, Target::owner_of_key, 9},
    {{Match{0, "to"sv}}, Target::index, 2},
};

std::vector<ShardSockets> open_group(Family family, uint32_t shards,
                                     std::span<const SteeringRule> steering = rules) {
  std::vector<ShardSockets> sockets;
  const auto error =
      open_sockets(std::vector<Listen>{{.endpoint = loopback(family), .steering = steering}},
                   {.shards = shards}, &sockets);
  EXPECT_FALSE(error) << error->sentence;
  return sockets;
}

// Takes the datagram waiting on one of the sockets; returns its index, or nothing when there is
// none.
std::optional<size_t> taken_from(const std::vector<ShardSockets>& group) {
  char bytes[100];
  for (size_t shard = 0; shard < group.size(); ++shard) {
    const BoundSocket& socket = group[shard][0];
    if (socket.is_open() && recv(socket.fd(), bytes, sizeof bytes, MSG_DONTWAIT) >= 0) return shard;
  }
  return std::nullopt;
}

std::string for_key(uint16_t end) {
  return "key: abc="s + static_cast<char>(end >> 8) + static_cast<char>(end & 0xff);
}
std::string for_index(uint8_t index) {
  return "to"s + static_cast<char>(index);
}

class SteeringTest : public testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Loopback, SteeringTest, testing::Values(Family::ipv4, Family::ipv6),
                         [](const auto& each) {
                           return each.param == Family::ipv4 ? "ipv4" : "ipv6";
                         });

TEST_P(SteeringTest, AKeyGoesToItsOwnerAndAnIndexToItsSocket) {
  for (const uint32_t shards : {2u, 3u, 5u, 8u, 64u}) {
    const std::vector<ShardSockets> group = open_group(GetParam(), shards);
    LoopbackClient client(loopback(GetParam()));
    client.connect(group[0][0].bound);
    for (uint32_t end = 0; end <= 0xffff; end += 251) {
      client.send(for_key(static_cast<uint16_t>(end)));
      ASSERT_EQ(taken_from(group), end * shards >> 16) << "key " << end << ", shards " << shards;
    }
    for (uint8_t index = 0; index < shards; ++index) {
      client.send(for_index(index));
      ASSERT_EQ(taken_from(group), index);
    }
  }
}

TEST_P(SteeringTest, WhatMatchesNoRuleIsDealtByThePathItCame) {
  const std::vector<ShardSockets> group = open_group(GetParam(), 4);
  std::vector<uint32_t> count(group.size());
  for (int i = 0; i < 200; ++i) {
    LoopbackClient client(loopback(GetParam()));
    client.connect(group[0][0].bound);
    std::optional<size_t> first;
    // Too short for its rule, other bytes, an index without a shard, and an empty one: the same
    // path, so the same socket.
    for (const std::string& bytes : {"key: abc=\x80"s, "key: abc-\x80\x80"s, "kei: abc=\x80\x80"s,
                                     for_index(4), for_index(255), "to"s, "t"s, ""s}) {
      client.send(bytes);
      const auto taken = taken_from(group);
      ASSERT_TRUE(taken);
      if (!first) first = taken;
      ASSERT_EQ(taken, first) << bytes;
    }
    ++count[*first];
  }
  for (const uint32_t each : count) EXPECT_GT(each, 20u) << "of 200 paths over 4 sockets";
}

// The kernel compares four bytes, then two, then one.
TEST_P(SteeringTest, EveryByteOfAMatchCounts) {
  constexpr SteeringRule long_rule[] = {{{Match{0, "service"sv}}, Target::index, 7}};
  const std::vector<ShardSockets> group = open_group(GetParam(), 4, long_rule);
  LoopbackClient client(loopback(GetParam()));
  client.connect(group[0][0].bound);
  client.send("");
  const std::optional<size_t> by_path = taken_from(group);
  ASSERT_TRUE(by_path);
  const std::string matching = "service"s + static_cast<char>((*by_path + 1) % 4);
  client.send(matching);
  EXPECT_EQ(taken_from(group), (*by_path + 1) % 4);
  for (size_t at = 0; at < 7; ++at) {
    std::string other = matching;
    other[at] ^= 1;
    client.send(other);
    EXPECT_EQ(taken_from(group), by_path) << "byte " << at;
  }
}

TEST_P(SteeringTest, ADatagramLongerThanAFrameIsSteeredToo) {
  const std::vector<ShardSockets> group = open_group(GetParam(), 3);
  LoopbackClient client(loopback(GetParam()));
  client.connect(group[0][0].bound);
  for (uint32_t end = 0; end <= 0xffff; end += 4099) {
    client.send(for_key(static_cast<uint16_t>(end)) + std::string(40'000, 'x'));
    ASSERT_EQ(taken_from(group), end * 3 >> 16);
  }
}

// Why an index is only a hint: this is what a restart looks like from outside.
TEST_P(SteeringTest, AClosedSocketIsReplacedByTheLast) {
  std::vector<ShardSockets> group = open_group(GetParam(), 4);
  LoopbackClient client(loopback(GetParam()));
  client.connect(group[0][0].bound);
  group[1][0].close();
  for (uint8_t index = 0; index < 3; ++index) {
    client.send(for_index(index));
    EXPECT_EQ(taken_from(group), index == 1 ? 3 : index);
  }
}

TEST(Steering, OneShardAndNoRulesNeedNone) {
  EXPECT_FALSE(open_group(Family::ipv4, 1)[0][0].is_steered);
  EXPECT_FALSE(open_group(Family::ipv4, 2, {})[0][0].is_steered);
  const auto group = open_group(Family::ipv4, 2);
  for (const ShardSockets& sockets : group) EXPECT_TRUE(sockets[0].is_steered);
}

TEST(Steering, AKernelThatRefusesItIsASentenceAndACount) {
  const SystemCallArgument attach{2, SO_ATTACH_REUSEPORT_CBPF};
  with_refused_system_call(SYS_setsockopt, attach, EPERM, [] {
    std::vector<ShardSockets> group = open_group(Family::ipv4, 2);
    const BoundSocket& socket = group[0][0];
    EXPECT_FALSE(socket.is_steered);
    EXPECT_EQ(socket.unsteered_because, "the kernel does not steer the datagrams of " +
                                            socket.bound.text() + ": Operation not permitted");
    EXPECT_EQ(group[1][0].unsteered_because, socket.unsteered_because);
    LoopbackClient client(loopback(Family::ipv4));
    client.send_to(socket.bound, for_key(1));
    EXPECT_TRUE(taken_from(group)) << "it is dealt by hash";
    std::unique_ptr<Reactor> reactor;
    ASSERT_FALSE(Reactor::create({}, std::move(group[0]), NodeClock(Instant{}), &reactor));
    EXPECT_EQ(reactor->counters().read(IoCounter::steering_refused), 1u);
  });
}

}  // namespace
}  // namespace xord
