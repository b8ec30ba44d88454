// Values that are only on disk: a get waits for the disk, or gets no answer, but is never told that
// they do not exist (model_network.h).
#include <gtest/gtest.h>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord::testing {
namespace {

constexpr uint32_t pending_max = 16;
constexpr uint32_t waiting_max = 24;
constexpr uint32_t gets_count = pending_max + waiting_max + 10;

// One node without memory for values, and a proven stranger that asks it.
class ColdValuesTest : public ::testing::Test {
 protected:
  ColdValuesTest() {
    network.options.memory_max = 0;
    node = &network.add(1, config());
    for (uint32_t i = 0; i < gets_count; ++i) {
      keys.push_back(network.random_id());
      store(keys.back());
    }
    EXPECT_EQ(node->count(NodeCounter::stores_acknowledged), gets_count);
    heard = network.received_by(stranger).size();
  }
  static NodeConfig config() {
    NodeConfig config = model_config();
    config.pending_answers = pending_max;
    config.waiting_requests = waiting_max;
    config.trusted = {*Subnet::parse("192.0.2.0/24")};
    return config;
  }
  void store(const Id& key) {
    std::array<uint8_t, 200> bytes;
    const std::array<uint8_t, 1> value{7};
    const size_t size =
        rpcudp::encode_store_request(bytes, Transaction{}, Id{}, key, value, std::nullopt);
    network.send_from(stranger, node->endpoint(), Bytes(bytes).first(size));
    network.run_for(milliseconds(5));
  }
  void ask_for(const Id& key) { ask_for(key, stranger); }
  void ask_for(const Id& key, const Endpoint& asker) {
    std::array<uint8_t, 200> bytes;
    const size_t size = rpcudp::encode_find_value_request(bytes, Transaction{}, Id{}, key);
    network.send_from(asker, node->endpoint(), Bytes(bytes).first(size));
  }
  void ask_for_all() {
    for (const Id& key : keys) ask_for(key);
  }
  struct Answers {
    uint32_t values = 0;
    uint32_t contacts = 0;
  };
  Answers answers() {
    Answers answers;
    const auto received = network.received_by(stranger);
    for (size_t i = heard; i < received.size(); ++i) {
      Reply reply;
      if (!rpcudp::is_reply(received[i])) continue;
      if (rpcudp::parse_reply(received[i], Method::find_value, &reply) != ParseError::none)
        continue;
      ++(reply.has_value ? answers.values : answers.contacts);
    }
    return answers;
  }
  OperationStatus get(const Id& key) {
    const auto result = network.get(*node, key);
    return result ? result->header.status : OperationStatus::refused;
  }

  const Endpoint stranger = Endpoint::ipv4(0xc0000201, 4000);
  ModelNetwork network{41};
  ModelNode* node = nullptr;
  std::vector<Id> keys;
  size_t heard = 0;
};

TEST_F(ColdValuesTest, ABurstOfGetsIsAnsweredWithValuesAsTheyAreRead) {
  node->disk_is_frozen = true;
  for (uint32_t i = 0; i < pending_max + waiting_max; ++i) ask_for(keys[i]);
  network.run_for(seconds(1));
  EXPECT_EQ(answers().values, 0u);
  node->disk_is_frozen = false;
  ask_for(keys[0]);  // So that the model checks its disk.
  network.run_for(seconds(1));
  EXPECT_GE(answers().values, pending_max + waiting_max);
  EXPECT_EQ(answers().contacts, 0u);
  EXPECT_LE(node->count(NodeCounter::finds_unanswered), 1u);
}

TEST_F(ColdValuesTest, AStoreThatFindsNoRoomToWaitIsRefusedAndCounted) {
  node->disk_is_frozen = true;
  for (uint32_t i = 0; i < pending_max; ++i) store(network.random_id());
  EXPECT_EQ(network.received_by(stranger).size(), heard);
  EXPECT_EQ(node->count(NodeCounter::pending_refused), 0u);
  store(network.random_id());
  EXPECT_EQ(node->count(NodeCounter::pending_refused), 1u);
  const auto received = network.received_by(stranger);
  ASSERT_EQ(received.size(), heard + 1);
  Reply reply;
  ASSERT_EQ(rpcudp::parse_reply(received.back(), Method::store, &reply), ParseError::none);
  EXPECT_FALSE(reply.stored);
}

TEST_F(ColdValuesTest, WhatFindsNoRoomToWaitIsNotAnswered) {
  node->disk_is_frozen = true;
  ask_for_all();
  network.run_for(seconds(1));
  EXPECT_EQ(answers().contacts, 0u);
  EXPECT_EQ(node->count(NodeCounter::finds_unanswered), gets_count - pending_max - waiting_max);
}

TEST_F(ColdValuesTest, WhatWaitedInVainIsNotAnswered) {
  node->disk_is_frozen = true;
  ask_for_all();
  network.run_for(seconds(10));
  EXPECT_EQ(answers().contacts, 0u);
  EXPECT_EQ(node->count(NodeCounter::finds_unanswered), gets_count - pending_max);
}

TEST_F(ColdValuesTest, AReadThatFailedIsNotAnswered) {
  node->reads_fail_as = CompletionKind::read_failed;
  ask_for(keys[0]);
  network.run_for(seconds(10));
  EXPECT_EQ(answers().values + answers().contacts, 0u);
  EXPECT_EQ(node->count(NodeCounter::finds_unanswered), 1u);
}

TEST_F(ColdValuesTest, AValueThatTheDiskLostIsAnsweredWithContacts) {
  node->reads_fail_as = CompletionKind::value_lost;
  ask_for(keys[0]);
  network.run_for(seconds(10));
  EXPECT_EQ(answers().contacts, 1u);
}

TEST_F(ColdValuesTest, AnUnprovenSourceThatCannotBeHeldIsToldNothing) {
  const Endpoint unproven = Endpoint::ipv4(0xc6336401, 4000);  // 198.51.100.1
  NodeConfig no_pings = config();
  no_pings.amplification_max = 0.5;  // A ping is larger than this allows.
  node = &network.add(1, no_pings);
  store(keys[0]);
  ask_for(keys[0], unproven);
  network.run_for(seconds(10));
  EXPECT_TRUE(network.received_by(unproven).empty());
  ask_for(network.random_id(), unproven);
  network.run_for(seconds(10));
  EXPECT_TRUE(network.received_by(unproven).empty()) << "not even what is true";
  EXPECT_EQ(node->count(NodeCounter::unproven_bounded), 2u);
}

// No other node has it; their answers do not make it "not found".
TEST_F(ColdValuesTest, AGetOfOurOwnDoesNotSayThatWhatWeHoldIsNotThere) {
  network.add();
  network.join_all();
  EXPECT_EQ(get(keys[0]), OperationStatus::done);
  EXPECT_EQ(get(network.random_id()), OperationStatus::not_found);
  node->reads_fail_as = CompletionKind::read_failed;
  EXPECT_EQ(get(keys[0]), OperationStatus::refused);
  node->reads_fail_as = CompletionKind::value_lost;
  EXPECT_EQ(get(keys[0]), OperationStatus::not_found);

  node->reads_fail_as.reset();
  node->disk_is_frozen = true;
  for (uint32_t i = 0; i < pending_max; ++i) ask_for(keys[i]);
  network.run_for(milliseconds(10));
  EXPECT_EQ(get(keys[0]), OperationStatus::refused);
}

}  // namespace
}  // namespace xord::testing
