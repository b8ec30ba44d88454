// What a whole node gives to one source beyond what that source sent, whatever it asks and whatever
// is forged in its name: never more than its limit, which no one else feels.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

constexpr uint64_t rate = 1 << 20;
constexpr uint64_t burst = 8 * rate;
constexpr size_t large_value = value_size_max;

// One node, and sources that answer its pings. Time stands still between steps.
class LimitsTest : public ::testing::Test {
 protected:
  void start(const NodeConfig& config = model_config(), uint32_t shards = 1,
             const ModelOptions& options = {}) {
    const Endpoint endpoint = Endpoint::ipv4(0x0a000001, 8468);
    node = std::make_unique<ModelNode>(11, endpoint, shards, config, options);
    step(minutes(1));
    store(key(1), large_value);
  }
  static Id key(uint32_t number) {
    Id id;
    store_be32(id.bytes.data(), 0x80000000 + number);
    store_be32(&id.bytes[16], number * 0x2000 + number);  // Of all shards.
    return id;
  }
  static Id id_of(const Endpoint& source) {
    Id id;
    store_be32(&id.bytes[4], load_be32(&source.address.bytes[12]));
    return id;
  }
  static Endpoint at(const char* text) { return *Endpoint::parse(text); }

  void step(Duration duration) {
    now = now + duration;
    for (int i = 0; i < 8 && node->next_wakeup() && *node->next_wakeup() <= now; ++i) {
      node->advance(now);
      pump();
    }
  }
  // Takes what the node sent: its pings are answered, its replies counted.
  void pump() {
    while (!node->sent.empty()) {
      const auto sent = std::exchange(node->sent, {});
      for (const auto& [path, bytes] : sent) {
        if (rpcudp::is_reply(bytes)) {
          replies[path.remote].push_back(bytes);
          continue;
        }
        Request request;
        ASSERT_EQ(rpcudp::parse_request(bytes, &request), ParseError::none);
        if (request.method != Method::ping) continue;
        const Endpoint source = path.remote;
        const auto pong = datagram([&](MutableBytes out) {
          return rpcudp::encode_ping_reply(out, Transaction(copied(request.transaction)),
                                           id_of(source));
        });
        node->receive(now, {{source, {}}, pong});
      }
      if (node->next_wakeup() && *node->next_wakeup() <= now) node->advance(now);
    }
  }
  static Transaction copied(Bytes bytes) {
    Transaction transaction{};
    std::copy(bytes.begin(), bytes.end(), transaction.begin());
    return transaction;
  }
  // The reply that `source` gets to `ask`, at once or after 500 ms; empty: silence.
  std::vector<uint8_t> ask(const Endpoint& source, const Ask& what) {
    replies[source].clear();
    const auto request = datagram([&](MutableBytes out) {
      return rpcudp::encode_request(out, Transaction{9}, id_of(source), what);
    });
    node->receive(now, {{source, {}}, request});
    pump();
    request_size = request.size();
    const auto& got = replies[source];
    EXPECT_LE(got.size(), 1u);
    return got.empty() ? std::vector<uint8_t>() : got[0];
  }
  std::vector<uint8_t> ask_value(const Endpoint& source, const Id& of) {
    return ask(source, {Method::find_value, of});
  }
  std::vector<uint8_t> ask_node(const Endpoint& source) {
    return ask(source, {Method::find_node, key(77)});
  }
  void store(const Id& of, size_t size) {
    std::vector<uint8_t> value(size, 7);
    value[0] = 0xc5;  // Bytes, and how many.
    store_be16(&value[1], static_cast<uint16_t>(size - 3));
    const auto reply = ask(at("203.0.113.1:1"), {Method::store, of, value, {}});
    Reply parsed;
    ASSERT_EQ(rpcudp::parse_reply(reply, Method::store, &parsed), ParseError::none);
    ASSERT_TRUE(parsed.stored);
  }
  void add_contacts(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      const Endpoint endpoint = Endpoint::ipv4(0x0b000001 + (i << 16), 8468);
      const Contact contact{id_of(endpoint), endpoint};
      node->run(0, now,
                [&](Node& shard, Outputs& out) { shard.restore(now, contact, Duration{}, out); });
    }
  }
  // Asks for the large value until there is silence; returns the bytes beyond the requests.
  uint64_t exhaust(const Endpoint& source) {
    uint64_t excess = 0;
    while (excess < 2 * burst) {
      const auto reply = ask_value(source, key(1));
      if (reply.empty()) break;
      excess += reply.size() - request_size;
    }
    return excess;
  }
  uint64_t count(NodeCounter which) const { return node->count(which); }
  uint64_t count_limited() const {
    return count(NodeCounter::limited_contacts) + count(NodeCounter::limited_values) +
           count(NodeCounter::limited_stuns) + count(NodeCounter::limited_reads);
  }

  const Endpoint victim = at("198.51.100.7:4000");
  std::unique_ptr<ModelNode> node;
  Instant now = instant_of(first_node_seconds);
  std::map<Endpoint, std::vector<std::vector<uint8_t>>> replies;
  size_t request_size = 0;
};

class LimitsOnShards : public LimitsTest, public ::testing::WithParamInterface<uint32_t> {};

TEST_P(LimitsOnShards, InTenMinutesASourceIsSentABurstAndItsRateBeyondItsRequests) {
  start(model_config(), GetParam());
  for (uint32_t i = 2; i < 9; ++i) store(key(i), large_value);
  add_contacts(8);
  uint64_t excess = 0;
  for (uint32_t i = 0; i < 120'000; ++i) {
    step(milliseconds(5));
    const auto reply = i % 16 == 0 ? ask_node(victim) : ask_value(victim, key(1 + i % 8));
    if (reply.size() > request_size) excess += reply.size() - request_size;
    ASSERT_LE(excess, burst + rate * (uint64_t{i} * 5 + 63) / 1000);  // And a tick.
  }
  EXPECT_GE(excess, (burst + 600 * rate) / 10 * 9);
  EXPECT_GT(count(NodeCounter::limited_values), 10'000u);
}
INSTANTIATE_TEST_SUITE_P(Shards, LimitsOnShards, ::testing::Values(1, 4));

TEST_F(LimitsTest, BeyondItsLimitAValueIsSilenceAndAFindNodeIsCutToItsRequest) {
  start();
  add_contacts(8);
  EXPECT_GT(ask_node(victim).size(), 300u);
  exhaust(victim);
  for (int i = 0; i < 100; ++i) ask_node(victim);  // What was too little for a value.
  const uint64_t limited = count(NodeCounter::limited_contacts);
  const auto reply = ask_node(victim);
  ASSERT_FALSE(reply.empty());
  EXPECT_LE(reply.size(), request_size);
  Reply parsed;
  ASSERT_EQ(rpcudp::parse_reply(reply, Method::find_node, &parsed), ParseError::none);
  EXPECT_GE(parsed.contacts_count, 1u);
  EXPECT_EQ(count(NodeCounter::limited_contacts), limited + 1);
  const uint64_t served = count(NodeCounter::values_served);
  EXPECT_TRUE(ask_value(victim, key(1)).empty());
  EXPECT_GT(count(NodeCounter::limited_values), 0u);
  EXPECT_EQ(count(NodeCounter::values_served), served);
}

TEST_F(LimitsTest, APingAndAStoreAreAnsweredBeyondTheLimit) {
  start();
  exhaust(victim);
  EXPECT_FALSE(ask(victim, {Method::ping}).empty());
  const std::vector<uint8_t> value = {0xa2, 'h', 'i'};
  EXPECT_FALSE(ask(victim, {Method::store, key(50), value, {}}).empty());
}

TEST_F(LimitsTest, AStunBeyondTheLimitIsSilence) {
  NodeConfig config = model_config();
  config.limits.excess_a_second = 64;
  start(config);
  ask_node(victim);  // Proves it.
  for (int i = 0; i < 200; ++i) ask(victim, {Method::stun});
  EXPECT_TRUE(ask(victim, {Method::stun}).empty());
  EXPECT_GT(count(NodeCounter::limited_stuns), 0u);
}

TEST_F(LimitsTest, OthersAreServedMeanwhileAndNeighboursUntilTheirPrefixHasHadItsOwn) {
  start();
  uint64_t sum = 0;
  for (const char* source : {"198.51.100.7:4000", "198.51.100.8:4000", "198.51.100.9:4000"}) {
    const uint64_t excess = exhaust(at(source));
    EXPECT_LE(excess, burst);
    EXPECT_GE(excess, burst - large_value);
    sum += excess;
  }
  EXPECT_FALSE(ask_value(at("192.0.2.1:4000"), key(1)).empty()) << "of another /16";
  EXPECT_EQ(exhaust(at("198.51.100.7:4001")), 0u) << "another port is the same source";
  for (int i = 10; i < 14; ++i) {
    sum += exhaust(at(("198.51.100." + std::to_string(i) + ":4000").c_str()));
  }
  EXPECT_LE(sum, 4 * burst);
  EXPECT_GE(sum, 4 * burst - large_value);
  EXPECT_FALSE(ask_value(at("192.0.2.1:4000"), key(1)).empty());
  EXPECT_FALSE(ask_value(at("198.51.99.1:4000"), key(1)).empty()) << "of another /24";
}

// Of each way to an answer: held first, at once, from the disk, and after contacts were waited for.
TEST_F(LimitsTest, WhatIsChargedIsWhatIsSentBeyondTheRequests) {
  ModelOptions options;
  options.memory_max = 16 << 10;  // One value or two: others are read from the disk.
  start(model_config(), 1, options);
  for (uint32_t i = 2; i < 8; ++i) store(key(i), large_value);
  add_contacts(8);
  uint64_t excess = 0;
  const auto charge = [&](const std::vector<uint8_t>& reply) {
    ASSERT_FALSE(reply.empty());
    if (reply.size() > request_size) excess += reply.size() - request_size;
    const auto account =
        node->shard(0).ledger().account(now, Prefix::of(victim.address, PrefixLevel::region));
    ASSERT_EQ(account.charged[0], excess);
  };
  charge(ask_node(victim));
  EXPECT_EQ(count(NodeCounter::held_released), 2u) << "its first, and the publisher's";
  charge(ask_node(victim));
  for (uint32_t i = 1; i < 8; ++i) charge(ask_value(victim, key(i)));
  charge(ask_value(victim, key(60)));  // No such value.
  charge(ask(victim, {Method::ping}));
  charge(ask(victim, {Method::stun}));
  const std::vector<uint8_t> value = {0xa2, 'h', 'i'};
  charge(ask(victim, {Method::store, key(50), value, {}}));
  EXPECT_GT(count(NodeCounter::answers_waited), 0u);
  EXPECT_EQ(count_limited(), 0u);
  const auto account =
      node->shard(0).ledger().account(now, Prefix::of(victim.address, PrefixLevel::address));
  EXPECT_GE(account.charged[static_cast<size_t>(Charge::reads)], 5u);
}

TEST_F(LimitsTest, ValuesAreReadFromTheDiskUpToTheLimit) {
  ModelOptions options;
  options.memory_max = 0;
  start(model_config(), 1, options);
  for (uint32_t i = 2; i < 12; ++i) store(key(i), 100);
  uint32_t answered = 0;
  for (uint32_t i = 0; i < 1000; ++i) answered += !ask_value(victim, key(2 + i % 10)).empty();
  EXPECT_EQ(answered, 800u) << "eight seconds' worth";
  EXPECT_EQ(count(NodeCounter::limited_reads), 200u);
  EXPECT_FALSE(ask_value(at("192.0.2.1:4000"), key(2)).empty());
  step(seconds(1));
  for (uint32_t i = 0; i < 1000; ++i) answered += !ask_value(victim, key(2 + i % 10)).empty();
  EXPECT_NEAR(answered, 900, 10);
}

TEST_F(LimitsTest, AReadThatFindsNoRoomIsNotCharged) {
  ModelOptions options;
  options.memory_max = 0;
  start(model_config(), 1, options);
  ask_node(victim);
  node->disk_is_frozen = true;
  for (int i = 0; i < 100; ++i) ask_value(victim, key(1));
  const auto account =
      node->shard(0).ledger().account(now, Prefix::of(victim.address, PrefixLevel::address));
  EXPECT_EQ(account.charged[static_cast<size_t>(Charge::reads)], model_config().pending_answers);
}

TEST_F(LimitsTest, ADryRunRefusesNothingAndCounts) {
  NodeConfig config = model_config();
  config.limits.mode = LimitsMode::dry_run;
  start(config);
  add_contacts(8);
  for (int i = 0; i < 3000; ++i) ASSERT_FALSE(ask_value(victim, key(1)).empty());
  for (int i = 0; i < 100; ++i) ASSERT_GT(ask_node(victim).size(), 300u);
  const auto account =
      node->shard(0).ledger().account(now, Prefix::of(victim.address, PrefixLevel::address));
  EXPECT_GT(account.refused[0], 1900u);
  EXPECT_GT(count(NodeCounter::limited_values), 1900u);
  EXPECT_GT(count(NodeCounter::limited_contacts), 0u);
  EXPECT_LE(account.charged[0], burst);
}

TEST_F(LimitsTest, TheExemptHaveNoLimit) {
  NodeConfig config = model_config();
  config.trusted = {*Subnet::parse("198.51.100.0/24")};
  start(config);
  for (const char* source : {"198.51.100.7:4000", "127.0.0.1:4000", "[::1]:4000"}) {
    for (int i = 0; i < 2000; ++i) ASSERT_FALSE(ask_value(at(source), key(1)).empty()) << source;
  }
  EXPECT_EQ(count_limited(), 0u);
}

TEST_F(LimitsTest, LoopbackIsLimitedOnRequest) {
  NodeConfig config = model_config();
  config.limits.limits_loopback = true;
  start(config);
  EXPECT_LE(exhaust(at("127.0.0.1:4000")), burst);
}

TEST_F(LimitsTest, OffLimitsAndChargesNothing) {
  NodeConfig config = model_config();
  config.limits.mode = LimitsMode::off;
  start(config);
  for (int i = 0; i < 2000; ++i) ASSERT_FALSE(ask_value(victim, key(1)).empty());
  EXPECT_EQ(count_limited(), 0u);
  const auto account =
      node->shard(0).ledger().account(now, Prefix::of(victim.address, PrefixLevel::address));
  EXPECT_EQ(account.charged[0], 0u);
}

TEST_F(LimitsTest, PrefixesThatMadeRoomAreCounted) {
  start();
  for (uint32_t i = 0; i < 200; ++i) {
    ask_value(Endpoint::ipv4((20 << 24) + (i << 16), 4000), key(1));
    ASSERT_EQ(count(NodeCounter::ledger_evicted), node->shard(0).ledger().evicted_count()) << i;
  }
  EXPECT_GT(count(NodeCounter::ledger_evicted), 100u);
}

}  // namespace
}  // namespace xord::testing
