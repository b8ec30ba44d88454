// Hand-over to several newcomers at once, some of which stay silent (paper 2.5, checklist 31): on
// virtual time, with two slots for all (model_network.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

constexpr uint32_t records_count = 240;

Endpoint stranger(uint16_t number) {
  return Endpoint::ipv4(0xc0000200 + number * 256u, 4000);  // Each in its own /24.
}
Id stranger_id(uint16_t number) {
  Id id{};
  store_be16(id.bytes.data(), static_cast<uint16_t>(number * 40503u));
  return id;
}

// A node that holds records, and others that only populate its table.
class HandOverTest : public ::testing::Test {
 protected:
  explicit HandOverTest(uint64_t memory_max = 1 << 20, uint32_t pending_answers = 64) {
    network.options.memory_max = memory_max;
    NodeConfig config = model_config();
    config.pending_answers = pending_answers;
    for (int i = 0; i < 3; ++i) network.add(1, config);
    network.join_all();
    network.run_for(settling);
    for (uint32_t i = 0; i < records_count; ++i) {
      keys.push_back(network.random_id());
      const std::vector<uint8_t> value{0xcd, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)};
      EXPECT_TRUE(network.set(network.node(0), keys.back(), value));
    }
    network.on_stranger = [this](const Endpoint& from, const Endpoint& to, Bytes bytes) {
      answer(from, to, bytes);
    };
  }

  // Strangers pong at once, and answer stores after `store_delay`, if set.
  void answer(const Endpoint& from, const Endpoint& to, Bytes bytes) {
    Request request;
    if (rpcudp::is_reply(bytes)) return;
    ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
    const auto number =
        static_cast<uint16_t>((load_be32(&to.address.bytes[12]) - 0xc0000200) / 256);
    const Duration usual = network.delay;
    if (request.method == Method::ping) {
      network.send_from(to, from, datagram([&](MutableBytes out) {
                          return rpcudp::encode_ping_reply(out, request.transaction,
                                                           stranger_id(number));
                        }));
    } else if (request.method == Method::store) {
      stored_at[number].insert(request.target);
      if (!store_delay) return;
      network.delay = *store_delay;
      network.send_from(to, from, datagram([&](MutableBytes out) {
                          return rpcudp::encode_store_reply(out, request.transaction, true);
                        }));
      network.delay = usual;
    }
  }
  void stranger_comes(uint16_t number) {
    for (size_t i = 0; i < 3; ++i) {
      network.send_from(
          stranger(number), network.node(i).endpoint(), datagram([&](MutableBytes out) {
            return rpcudp::encode_find_node_request(out, Transaction{7}, stranger_id(number), {});
          }));
    }
  }
  ModelNode& newcomer_joins() {
    ModelNode& newcomer = network.add();
    const Endpoint first = network.node(0).endpoint();
    newcomer.run(0, network.now(), [&](Node& node, Outputs& out) {
      node.join(network.now(), 1, std::span(&first, 1), out);
    });
    return newcomer;
  }
  // Keys to which one of the three holders is nearer than all `others`. All nodes know each other,
  // and there are fewer than k: a newcomer is handed each of these.
  std::vector<Id> due_beside(const std::vector<Id>& others) {
    std::vector<Id> due;
    for (const Id& key : keys) {
      const bool is_nearest = std::any_of(others.begin(), others.end(), [&](const Id& other) {
        return nearer(key, other, network.node(0).id()) &&
               nearer(key, other, network.node(1).id()) && nearer(key, other, network.node(2).id());
      });
      if (!is_nearest) due.push_back(key);
    }
    return due;
  }
  size_t held_by(ModelNode& node, const std::vector<Id>& of) {
    return static_cast<size_t>(std::count_if(of.begin(), of.end(), [&](const Id& key) {
      return node.held(network.now(), key).presence != Presence::absent;
    }));
  }
  uint64_t total(NodeCounter which) {
    uint64_t sum = 0;
    for (size_t i = 0; i < 3; ++i) sum += network.node(i).count(which);
    return sum;
  }

  ModelNetwork network{31};
  std::vector<Id> keys;
  std::map<uint16_t, std::set<Id>> stored_at;  // What each stranger was asked to store.
  std::optional<Duration> store_delay;
};

// Only the first contact of a node that was alone may be one of many yet to be found.
TEST_F(HandOverTest, ANodeWithASingleContactHandsOverToItsSecondAtOnce) {
  ModelNetwork pair{32};
  for (int i = 0; i < 2; ++i) pair.add(1, model_config());
  pair.join_all();
  pair.run_for(settling);
  ASSERT_EQ(pair.node(0).shard(0).answerable_count(), 1u);
  for (int i = 0; i < 20; ++i) {
    const std::vector<uint8_t> value{0xcd, 0, static_cast<uint8_t>(i)};
    ASSERT_TRUE(pair.set(pair.node(0), pair.random_id(), value));
  }
  ModelNode& newcomer = pair.add(1, model_config());
  const Endpoint first = pair.node(0).endpoint();
  newcomer.run(0, pair.now(), [&](Node& node, Outputs& out) {
    node.join(pair.now(), 1, std::span(&first, 1), out);
  });
  pair.run_for(seconds(5));
  EXPECT_GT(
      pair.node(0).count(NodeCounter::hand_overs) + pair.node(1).count(NodeCounter::hand_overs),
      0u);
}

TEST_F(HandOverTest, TwoSilentNewcomersDelayNoThird) {
  stranger_comes(1);
  stranger_comes(2);
  network.run_for(milliseconds(100));
  ModelNode& newcomer = newcomer_joins();
  network.run_for(seconds(5));
  const std::vector<Id> due = due_beside({stranger_id(1), stranger_id(2)});
  EXPECT_GT(due.size(), records_count / 4);
  EXPECT_EQ(held_by(newcomer, due), due.size());
}

TEST_F(HandOverTest, ManySilentNewcomersDelayNobodyForLong) {
  std::vector<Id> strangers;
  for (uint16_t number = 1; number <= 12; ++number) {
    stranger_comes(number);
    strangers.push_back(stranger_id(number));
  }
  network.run_for(milliseconds(100));
  ModelNode& newcomer = newcomer_joins();
  network.run_for(seconds(30));
  const std::vector<Id> due = due_beside(strangers);
  EXPECT_GT(due.size(), 5u);
  EXPECT_EQ(held_by(newcomer, due), due.size());
}

TEST_F(HandOverTest, WhoAnswersNoStoreGetsThreeRecordsFromEachHolder) {
  stranger_comes(1);
  network.run_for(seconds(30));
  const size_t given = stored_at[1].size();
  EXPECT_EQ(given, 3u * hand_over_credit);
  EXPECT_EQ(total(NodeCounter::hand_overs_unanswered), 3u);
  network.run_for(minutes(5));
  EXPECT_EQ(stored_at[1].size(), given);
  EXPECT_EQ(total(NodeCounter::records_handed_over), 0u);
}

// Its answers arrive after each store and its retry have timed out.
TEST_F(HandOverTest, WhoAnswersLateGetsEverything) {
  store_delay = seconds(3);
  stranger_comes(1);
  network.run_for(minutes(10));
  EXPECT_EQ(stored_at[1].size(), records_count);
  EXPECT_EQ(total(NodeCounter::hand_overs_unanswered), 0u);
}

TEST_F(HandOverTest, ANewcomerThatGoesSilentAtHalfTimeDelaysNoOther) {
  network.delay = milliseconds(50);
  ModelNode& leaves = newcomer_joins();
  while (held_by(leaves, keys) < records_count / 2) network.run_for(milliseconds(10));
  network.kill(leaves);
  ASSERT_LT(held_by(leaves, keys), records_count);
  ModelNode& newcomer = newcomer_joins();
  network.run_for(seconds(20));
  const std::vector<Id> due = due_beside({leaves.id()});
  EXPECT_GT(due.size(), records_count / 4);
  EXPECT_EQ(held_by(newcomer, due), due.size());
}

// When one holder hands to both, neither gets far ahead of the other, with two slots of 100 ms
// each.
TEST_F(HandOverTest, NewcomersTakeTurns) {
  network.delay = milliseconds(50);
  ModelNode& first = newcomer_joins();
  ModelNode& second = newcomer_joins();
  const std::vector<Id> due = due_beside({first.id(), second.id()});
  std::array<std::vector<Id>, 3> parts;
  for (const Id& key : due) {
    size_t nearest = 0;
    for (size_t i = 1; i < 3; ++i) {
      if (nearer(key, network.node(i).id(), network.node(nearest).id())) nearest = i;
    }
    parts[nearest].push_back(key);
  }
  // One starts a little earlier, so count from when both have something.
  std::array<std::optional<long>, 3> lead;
  std::array<long, 3> most_apart{};
  for (int i = 0; i < 2000; ++i) {
    network.run_for(milliseconds(10));
    for (size_t part = 0; part < 3; ++part) {
      const auto a = static_cast<long>(held_by(first, parts[part]));
      const auto b = static_cast<long>(held_by(second, parts[part]));
      if (!lead[part] && a > 0 && b > 0) lead[part] = a - b;
      const bool is_in_progress = std::max(a, b) < static_cast<long>(parts[part].size());
      if (!lead[part] || !is_in_progress) continue;
      most_apart[part] = std::max(most_apart[part], std::abs(a - b - *lead[part]));
    }
  }
  for (size_t part = 0; part < 3; ++part) {
    EXPECT_GT(parts[part].size(), 10u);
    EXPECT_LT(std::abs(lead[part].value_or(999)), static_cast<long>(parts[part].size()) - 4);
    EXPECT_LE(most_apart[part], 4) << "of " << parts[part].size();
  }
  EXPECT_EQ(held_by(first, due), due.size());
  EXPECT_EQ(held_by(second, due), due.size());
}

// With values on disk, and room to wait for one at a time.
class ColdHandOverTest : public HandOverTest {
 protected:
  ColdHandOverTest() : HandOverTest(0, 1) {}
};

TEST_F(ColdHandOverTest, WhatCannotBeReadNowIsHandedOverLater) {
  ModelNode& newcomer = newcomer_joins();
  network.run_for(seconds(60));
  EXPECT_EQ(held_by(newcomer, keys), records_count);
}

}  // namespace
}  // namespace xord::testing
