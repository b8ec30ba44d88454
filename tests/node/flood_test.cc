// Strangers under a flood of forged sources: 50,000 datagrams a second, each from an endpoint of
// its own that answers nothing, while newcomers ask whose pong takes 150 ms. On virtual time, with
// the pools of a production shard.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <vector>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

constexpr Duration between_forged = microseconds(20);
constexpr Duration pong_delay = milliseconds(150);
constexpr Duration ask_again_after = seconds(1);

class FloodTest : public ::testing::Test {
 protected:
  struct Newcomer {
    Id id;
    Instant next_ask;
    uint8_t asks = 0;
    uint8_t served_ask = 0;  // 0: not yet.
    uint32_t answers = 0;
  };
  struct Due {
    Instant at;
    Endpoint from;
    std::vector<uint8_t> bytes;
  };

  static NodeConfig config() {
    NodeConfig config = model_config();
    const Budget production;
    config.budget.held_small = production.held_small;
    config.budget.held_medium = production.held_medium;
    config.budget.held_large = production.held_large;
    config.budget.proven_sources = production.proven_sources;
    config.budget.ledger_rows = production.ledger_rows;
    return config;
  }

  // A request of `sender`: a store of `value` if it is not empty, else a find_node.
  std::vector<uint8_t> request(const Id& sender, uint8_t number) {
    const Transaction transaction{0xee, number};
    return datagram([&](MutableBytes out) {
      if (value.empty()) {
        return rpcudp::encode_find_node_request(out, transaction, sender, random_id(rng));
      }
      return rpcudp::encode_store_request(out, transaction, sender, random_id(rng), value,
                                          std::nullopt);
    });
  }

  void forge() {
    const auto address = static_cast<uint32_t>(0x20000000 + rng.bounded(0x60000000));
    const Endpoint source = Endpoint::ipv4(address, static_cast<uint16_t>(1 + rng.bounded(65535)));
    const std::vector<uint8_t> bytes = request(forger, 1);
    node.receive(now, {{source, {}}, bytes});
    size_t sent_back = 0;
    for (const auto& [path, sent] : node.sent) {
      if (path.remote == source) sent_back += sent.size();
    }
    ASSERT_LE(sent_back, bytes.size());
    pings_of_forged += sent_back > 0;
    collect();
  }

  void ask(const Endpoint& from, Newcomer& newcomer) {
    newcomer.next_ask = now + ask_again_after;
    ++newcomer.asks;
    node.receive(now, {{from, {}}, request(newcomer.id, newcomer.asks)});
    collect();
  }

  // Takes what the node sent: newcomers answer pings, and note answers.
  void collect() {
    for (const auto& [path, bytes] : node.sent) {
      const auto found = newcomers.find(path.remote);
      if (found == newcomers.end()) continue;
      Newcomer& newcomer = found->second;
      Request asked;
      if (!rpcudp::is_reply(bytes)) {
        ASSERT_EQ(rpcudp::parse_request(bytes, &asked), ParseError::none);
        due.push_back({now + pong_delay, path.remote, datagram([&](MutableBytes out) {
                         return rpcudp::encode_ping_reply(out, asked.transaction, newcomer.id);
                       })});
        continue;
      }
      Reply reply;
      const Method method = value.empty() ? Method::find_node : Method::store;
      ASSERT_EQ(rpcudp::parse_reply(bytes, method, &reply), ParseError::none);
      EXPECT_EQ(reply.stored, !value.empty());
      ++newcomer.answers;
      if (newcomer.served_ask == 0) newcomer.served_ask = reply.transaction[1];
    }
    node.sent.clear();
  }

  // What is due at `now`, and the answers to it.
  void run_node() {
    if (node.next_wakeup().value_or(now + seconds(1)) <= now) {
      node.advance(now);
      collect();
    }
    while (!due.empty() && due.front().at <= now) {
      const Due next = std::move(due.front());
      due.pop_front();
      node.receive(now, {{next.from, {}}, next.bytes});
      collect();
    }
  }

  // The flood for `duration`; `each` is called before each of its datagrams.
  template <class Each>
  void flood(Duration duration, Each&& each) {
    for (const Instant end = now + duration; now < end; now = now + between_forged) {
      run_node();
      each();
      forge();
      if (HasFatalFailure()) return;
    }
  }

  // Two seconds of it, in which newcomers come every 10 ms, each at a prefix of its own, and ask
  // once more after a second.
  void newcomers_come() {
    flood(milliseconds(500), [] {});
    const Instant begin = now;
    const Instant end = begin + milliseconds(500);
    Instant next = now;
    flood(milliseconds(1800), [&] {
      if (now >= next && now < end) {
        next = next + milliseconds(10);
        const auto number = static_cast<uint32_t>(newcomers.size());
        const Endpoint from = Endpoint::ipv4(0xb0000001 + (number << 16), 8468);
        newcomers[from] = {random_id(rng), now, 0, 0, 0};
      }
      for (auto& [from, newcomer] : newcomers) {
        const bool should_ask = newcomer.served_ask == 0 && newcomer.asks < 2;
        if (should_ask && newcomer.next_ask <= now) ask(from, newcomer);
      }
    });
    ASSERT_EQ(newcomers.size(), 50u);
  }
  uint32_t served_by(uint8_t ask) const {
    uint32_t count = 0;
    for (const auto& [from, newcomer] : newcomers) {
      count += newcomer.served_ask > 0 && newcomer.served_ask <= ask;
    }
    return count;
  }

  Rng rng{1};
  ModelNode node{7, Endpoint::ipv4(0x0a000001, 8468), 1, config()};
  const Id forger = random_id(rng);
  Instant now = instant_of(first_node_seconds);
  std::vector<uint8_t> value;
  std::map<Endpoint, Newcomer> newcomers;
  std::deque<Due> due;
  uint32_t pings_of_forged = 0;
};

TEST_F(FloodTest, NewcomersAreServedThroughForgedQuestions) {
  newcomers_come();
  EXPECT_GE(served_by(1), 45u);
  EXPECT_EQ(served_by(2), 50u);
  EXPECT_GT(node.count(NodeCounter::held_displaced), 0u) << "else it was no flood";
  EXPECT_EQ(node.count(NodeSum::calls_refused), 0u);
  EXPECT_GE(node.count(NodeCounter::proofs_by_cookie), 50u);
  EXPECT_EQ(pings_of_forged, 2'300'000u / 20) << "each pays for its own ping";
}

TEST_F(FloodTest, NewcomersAreServedThroughForgedStores) {
  value.assign(400, 'v');
  value[0] = 0xc5;  // bin 16, of 397 bytes.
  store_be16(&value[1], 397);
  newcomers_come();
  EXPECT_GE(served_by(1), 45u);
  EXPECT_EQ(served_by(2), 50u);
  EXPECT_GT(node.count(NodeCounter::held_displaced), 0u);
}

TEST_F(FloodTest, WhatIsTooLargeToBeHeldForLongIsServedAtTheSecondRequest) {
  value.assign(1400, 'v');
  value[0] = 0xc5;
  store_be16(&value[1], 1397);
  newcomers_come();
  EXPECT_EQ(served_by(2), 50u);
}

TEST_F(FloodTest, AContactIsServedThroughItAsLongAsItIsFiled) {
  const Endpoint from = Endpoint::ipv4(0xb0000001, 8468);
  Newcomer& contact = newcomers[from] = {random_id(rng), now, 0, 0, 0};
  ask(from, contact);
  now = now + pong_delay;
  run_node();
  ASSERT_EQ(contact.answers, 1u);
  // Its proof has lapsed, and nobody has pinged it since.
  now = now + proven_lifetime + seconds(1);
  ask(from, contact);
  EXPECT_EQ(contact.answers, 2u) << "at once";
  Instant next = now;
  flood(seconds(1), [&] {
    if (now < next) return;
    next = next + milliseconds(50);
    ask(from, contact);
  });
  EXPECT_EQ(contact.asks, 22u);
  EXPECT_EQ(contact.answers, 22u);
}

}  // namespace
}  // namespace xord::testing
