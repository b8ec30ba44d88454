// A node killed by SIGKILL, again and again in the middle of stores: what it acknowledged on the
// wire exists afterwards, under the same id. The node is a separate process; the witness is this
// process.
#include <gtest/gtest.h>

#include <map>

#include "node/wire/rpcudp/rpcudp.h"
#include "tests/node/server/child_process.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

class KilledNode : public testing::Test {
 protected:
  // Starts docs/examples/first_node on the one data directory, and remembers its port.
  void start() {
    node_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{XORD_EXAMPLES "/first_node", "0", directory_.at("data")},
        directory_.at("stderr"));
    const std::string line = node_->read_line();
    const std::string before = "listening on port ";
    ASSERT_EQ(line.substr(0, before.size()), before) << node_->errors();
    port_ = static_cast<uint16_t>(std::stoi(line.substr(before.size())));
  }
  void kill_it() {
    node_->kill(SIGKILL);
    ASSERT_EQ(node_->wait(), 128 + SIGKILL);
  }
  Id id_of_node() {
    const auto reply = peer_.call([&] { return peer_.send_ping(port_); });
    Reply pong;
    if (!reply || rpcudp::parse_reply(*reply, Method::ping, &pong) != ParseError::none) return {};
    return pong.responder;
  }
  // The value that the node serves under `key`; empty when it has none.
  std::optional<std::vector<uint8_t>> value_of(const Id& key) {
    const auto reply = peer_.call([&] { return peer_.send_find_value(port_, key); });
    Reply found;
    if (!reply || rpcudp::parse_reply(*reply, Method::find_value, &found) != ParseError::none) {
      return std::nullopt;
    }
    if (!found.has_value) return std::nullopt;
    return std::vector<uint8_t>(found.value.begin(), found.value.end());
  }

  TemporaryDirectory directory_;
  RawPeer peer_{7};
  std::unique_ptr<ChildProcess> node_;
  uint16_t port_ = 0;
};

Id key_number(uint32_t number) {
  return key_digest("key " + std::to_string(number));
}

std::vector<uint8_t> value_number(uint32_t number) {
  const size_t size = number % 50 == 0 ? 4'000 : 20 + number % 80;
  return *encode_value(std::string(size, static_cast<char>('a' + number % 26)) +
                       std::to_string(number));
}

TEST_F(KilledNode, ServesEverythingThatItAcknowledged) {
  std::vector<uint32_t> acknowledged;
  uint32_t next = 0;
  Id id;
  for (uint32_t round = 0; round < 4; ++round) {
    start();
    if (HasFatalFailure()) return;
    if (round == 0) id = id_of_node();
    EXPECT_EQ(id_of_node(), id);
    // The first store proves us, and waits until the database is open.
    const auto first =
        peer_.call([&] { return peer_.send_store(port_, key_number(next), value_number(next)); });
    ASSERT_TRUE(first) << node_->errors();
    ++next;
    // A window of 32 unanswered stores; SIGKILL once `enough` are acknowledged, with the window
    // full.
    std::map<Transaction, uint32_t> outstanding;
    const size_t enough = acknowledged.size() + 150 + 37 * round;
    while (acknowledged.size() < enough) {
      while (outstanding.size() < 32) {
        outstanding[peer_.send_store(port_, key_number(next), value_number(next))] = next;
        ++next;
      }
      const auto reply = peer_.receive(seconds(10));
      ASSERT_TRUE(reply) << "no reply within 10 s\n" << node_->errors();
      Transaction transaction;
      std::copy_n(rpcudp::transaction_of(*reply).begin(), transaction_size, transaction.begin());
      const auto at = outstanding.find(transaction);
      if (at == outstanding.end()) continue;
      Reply stored;
      ASSERT_EQ(rpcudp::parse_reply(*reply, Method::store, &stored), ParseError::none);
      if (stored.stored) acknowledged.push_back(at->second);
      outstanding.erase(at);
    }
    kill_it();
    if (HasFatalFailure()) return;
  }
  start();
  if (HasFatalFailure()) return;
  EXPECT_EQ(id_of_node(), id);
  for (const uint32_t number : acknowledged) {
    ASSERT_EQ(value_of(key_number(number)), value_number(number)) << number << "\n"
                                                                  << node_->errors();
  }
  node_->kill(SIGTERM);
  EXPECT_EQ(node_->wait(), 0) << node_->errors();
}

TEST_F(KilledNode, KeepsItsIdWhenKilledRightAfterItsFirstStart) {
  start();
  if (HasFatalFailure()) return;
  const Id id = id_of_node();
  EXPECT_NE(id, Id{});
  kill_it();
  start();
  if (HasFatalFailure()) return;
  EXPECT_EQ(id_of_node(), id);
}

TEST_F(KilledNode, KnowsItsContactsAgainAFewSecondsAfterItLearntThem) {
  start();
  if (HasFatalFailure()) return;
  Server other;
  ASSERT_FALSE(other.start(loopback_config(directory_.at("other"))));
  const std::string via = "127.0.0.1:" + std::to_string(port_);
  ASSERT_EQ(other.bootstrap({via}).get().status, ServerStatus::done);
  const std::filesystem::path contacts = directory_.at("data") + "/contacts";
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(contacts); }));
  kill_it();
  if (HasFatalFailure()) return;
  start();
  if (HasFatalFailure()) return;
  const auto reply = peer_.call([&] { return peer_.send_find_node(port_, other.id()); });
  Reply found;
  ASSERT_TRUE(reply);
  ASSERT_EQ(rpcudp::parse_reply(*reply, Method::find_node, &found), ParseError::none);
  ASSERT_GE(found.contacts_count, 1u) << node_->errors();
  EXPECT_EQ(found.contacts[0].id, other.id());
  EXPECT_EQ(found.contacts[0].endpoint, other.endpoints().front());
}

}  // namespace
}  // namespace xord
