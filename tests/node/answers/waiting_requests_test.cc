// Requests that wait for the records of the last run, and the node that holds them.
#include "node/answers/waiting_requests.h"

#include <gtest/gtest.h>

#include "node/node.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/model_network.h"

namespace xord {
namespace {

constexpr uint32_t asked_count = 100;
const Id asker{{9}};
const Instant start = instant_of(first_node_seconds);

// One shard whose records are not loaded yet, and an outbox that a call must not overflow.
class WaitingTest : public ::testing::Test {
 protected:
  static NodeConfig config() {
    NodeConfig config = testing::model_config();
    config.waiting_requests = asked_count;
    config.waiting_bytes = 64 << 10;
    config.trusted = {*Subnet::parse("192.0.2.0/24")};
    config.routing.client_id = asker;  // Never filed, so never pinged.
    return config;
  }
  void ask(uint16_t port) {
    std::array<uint8_t, 200> bytes;
    const Id key{{static_cast<uint8_t>(port)}};
    const size_t size = rpcudp::encode_find_value_request(bytes, Transaction{}, asker, key);
    const Path path{Endpoint::ipv4(0xc0000201, port), {}};
    node.receive(start, {path, Bytes(bytes).first(size)}, out);
  }
  void finish_load(Instant now) {
    Completion loaded;
    loaded.kind = CompletionKind::load_finished;
    loaded.store = config().network;
    node.complete(now, {reinterpret_cast<const uint8_t*>(&loaded), sizeof loaded}, out);
  }
  // The ports answered since the last call, in order.
  std::vector<uint16_t> take_answered() {
    std::vector<uint16_t> ports;
    for (const auto& entry : datagrams.entries()) ports.push_back(entry.path.remote.port);
    datagrams.clear();
    return ports;
  }

  ContactBook book{100, rpcudp::encode_contact_tail, 1};
  Store store{StoreConfig{.id = config().network}};
  Node node{config(), Id{{1}}, NodeSecrets{}, Rng(1), book, store, start};
  Outbox datagrams{64, 64 << 10};
  FrameOutbox messages{16, 4096};
  FrameOutbox storage{16, 4096};
  FrameOutbox results{16, 4096};
  Outputs out{datagrams, messages, storage, results};
};

TEST_F(WaitingTest, AreServedAFewACallOnceTheRecordsAreLoaded) {
  for (uint32_t i = 0; i < asked_count; ++i) ask(static_cast<uint16_t>(1000 + i));
  EXPECT_TRUE(take_answered().empty());
  const Instant now = start + milliseconds(10);
  finish_load(now);
  std::vector<uint16_t> answered = take_answered();
  EXPECT_EQ(answered.size(), waiting_served_max);
  while (answered.size() < asked_count) {
    ASSERT_TRUE(node.next_wakeup() && *node.next_wakeup() <= now);
    node.advance(now, out);
    const auto more = take_answered();
    ASSERT_FALSE(more.empty());
    EXPECT_LE(more.size(), waiting_served_max);
    answered.insert(answered.end(), more.begin(), more.end());
  }
  for (uint32_t i = 0; i < asked_count; ++i) EXPECT_EQ(answered[i], 1000 + i);
  EXPECT_EQ(node.counters().node.read(NodeCounter::outbox_full), 0u);
  EXPECT_GT(*node.next_wakeup(), now);
}

TEST_F(WaitingTest, AreServedAFewACallWhenTheyWaitedEnough) {
  for (uint32_t i = 0; i < asked_count; ++i) ask(static_cast<uint16_t>(1000 + i));
  const Instant now = start + waiting_lifetime;
  size_t answered = 0;
  for (uint32_t calls = 0; calls < asked_count && *node.next_wakeup() <= now; ++calls) {
    node.advance(now, out);
    const size_t more = take_answered().size();
    EXPECT_LE(more, waiting_served_max);
    answered += more;
  }
  EXPECT_EQ(answered, asked_count);
  EXPECT_EQ(node.counters().node.read(NodeCounter::outbox_full), 0u);
}

}  // namespace
}  // namespace xord
