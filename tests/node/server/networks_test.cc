// Several networks in one process, on real sockets: each has an id, a table and records of its own,
// whatever dialect it speaks and however many shards there are.
#include <gtest/gtest.h>

#include <memory>

#include "node/server/shards.h"
#include "node/server/value_rules.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "reactor/doorbell.h"
#include "tests/echo_dialect.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

const std::array<uint8_t, 3> value{0xa2, 'h', 'i'};

struct Networks {
  const char* name;
  uint32_t shards;
  const Dialect& first;
  const Dialect& second;
};

class NetworksTest : public ::testing::TestWithParam<Networks> {
 protected:
  NetworksTest() : config_(loopback_config(directory_.path(), GetParam().shards)) {
    config_.listen.push_back(config_.listen[0]);  // On another free port.
  }
  ~NetworksTest() override {
    if (shards_) shards_->stop();
  }

  static Id id_of(uint8_t first) {
    Id id;
    id.bytes.fill(first);
    return id;
  }
  void start() {
    RocksConfig rocks;
    rocks.directory = directory_.path();
    rocks.networks = {"first", "second"};
    rocks.durability = Durability::os;
    rocks.hash_seed = 7;
    rocks.values = value_rules;
    database_ = std::make_unique<RocksStore>(
        rocks, [](ReportLevel, std::string_view, const std::vector<ReportField>&) {});
    std::vector<NetworkSetup> networks(2);
    networks[0] = {&GetParam().first, {0}, id_of(0x11), {}, LoadedRecords::served};
    networks[1] = {&GetParam().second, {1}, id_of(0x22), {}, LoadedRecords::served};
    shards_ = std::make_unique<Shards>(config_, networks, NodeClock(instant_of(first_node_seconds)),
                                       bell_);
    ASSERT_FALSE(shards_->open());
    ASSERT_FALSE(shards_->make_nodes(*database_, rocks.hash_seed));
    ASSERT_FALSE(shards_->run());
    ASSERT_FALSE(database_->start_threads());
    ASSERT_FALSE(shards_->start_commits());
  }
  uint16_t port_of(size_t network) const {
    return shards_->reactor(0).sockets()[network].bound.port;
  }
  Reply asked(RawPeer& peer, const Dialect& dialect, Method method, auto&& send_once) {
    Reply reply;
    kept_ = peer.call(send_once);
    EXPECT_TRUE(kept_);
    if (kept_) {
      EXPECT_EQ(dialect.read_reply(*kept_, method, &reply), ParseError::none);
    }
    return reply;
  }
  uint64_t count(NetworkIndex network, NodeCounter which) const {
    uint64_t sum = 0;
    for (uint32_t shard = 0; shard < shards_->count(); ++shard) {
      sum += shards_->shard(shard).node_counters(network).node.read(which);
    }
    return sum;
  }

  TemporaryDirectory directory_;
  ServerConfig config_;
  Doorbell bell_;
  std::unique_ptr<RocksStore> database_;
  std::unique_ptr<Shards> shards_;
  std::optional<RawPeer::Received> kept_;
};

TEST_P(NetworksTest, EachHasAnIdOfItsOwn) {
  start();
  const Dialect* const dialects[] = {&GetParam().first, &GetParam().second};
  for (const size_t network : {size_t{0}, size_t{1}}) {
    const Dialect& dialect = *dialects[network];
    RawPeer peer(network + 1, dialect);
    const Reply pong =
        asked(peer, dialect, Method::ping, [&] { return peer.send_ping(port_of(network)); });
    EXPECT_EQ(pong.responder, id_of(network == 0 ? 0x11 : 0x22));
  }
}

TEST_P(NetworksTest, WhatIsStoredInOneIsNotInTheOther) {
  start();
  const Dialect* const dialects[] = {&GetParam().first, &GetParam().second};
  RawPeer first(1, *dialects[0]);
  RawPeer second(2, *dialects[1]);
  for (uint8_t number = 0; number < 8; ++number) {  // On whichever shard.
    const Id key = id_of(static_cast<uint8_t>(0x40 + 17 * number));
    Reply reply = asked(first, *dialects[0], Method::store,
                        [&] { return first.send_store(port_of(0), key, value); });
    EXPECT_TRUE(reply.stored);
    reply = asked(first, *dialects[0], Method::find_value,
                  [&] { return first.send_find_value(port_of(0), key); });
    ASSERT_TRUE(reply.has_value);
    EXPECT_TRUE(equal(reply.value, value));
    reply = asked(second, *dialects[1], Method::find_value,
                  [&] { return second.send_find_value(port_of(1), key); });
    EXPECT_FALSE(reply.has_value);
  }
  EXPECT_EQ(count(0, NodeCounter::stores_acknowledged), 8u);
  EXPECT_EQ(count(1, NodeCounter::stores_acknowledged), 0u);
}

TEST_P(NetworksTest, AContactOfOneIsNamedInThatOneOnly) {
  start();
  const Dialect* const dialects[] = {&GetParam().first, &GetParam().second};
  RawPeer contact(1, *dialects[0]);
  RawPeer asker(2, *dialects[0]);
  RawPeer stranger(3, *dialects[1]);
  asker.keep_alive(contact);
  ASSERT_TRUE(contact.call([&] { return contact.send_find_node(port_of(0), id_of(1)); }));
  // Filed by its pong, and told to every shard: within moments.
  const bool is_named = eventually([&] {
    return asked(asker, *dialects[0], Method::find_node, [&] {
             return asker.send_find_node(port_of(0), id_of(1));
           }).contacts_count > 0;
  });
  EXPECT_TRUE(is_named);
  const Reply reply = asked(stranger, *dialects[1], Method::find_node,
                            [&] { return stranger.send_find_node(port_of(1), id_of(1)); });
  EXPECT_EQ(reply.contacts_count, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Shards, NetworksTest,
    ::testing::Values(Networks{"OneDialect", 1, rpcudp::dialect(), rpcudp::dialect()},
                      Networks{"OneDialectThreeShards", 3, rpcudp::dialect(), rpcudp::dialect()},
                      Networks{"TwoDialects", 1, rpcudp::dialect(), testing::echo_dialect()},
                      Networks{"TwoDialectsThreeShards", 3, testing::echo_dialect(),
                               rpcudp::dialect()}),
    [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace xord
