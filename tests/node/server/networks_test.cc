// Several networks in one process, on real sockets: each has an id, a table and records of its own,
// whatever dialect it speaks and however many shards there are.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <set>

#include "node/server/admin/bootstrap_keeper.h"
#include "node/server/config/value_rules.h"
#include "node/server/shards/shards.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "reactor/doorbell.h"
#include "tests/echo_dialect.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

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
  void restart() {
    shards_->stop();
    shards_.reset();
    database_.reset();
    start();
  }
  const Dialect& dialect_of(size_t network) const {
    return network == 0 ? GetParam().first : GetParam().second;
  }
  uint16_t port_of(size_t network) const {
    return shards_->reactor(0).sockets()[network].bound.port;
  }
  Reply asked(RawPeer& peer, size_t network, Method method, auto&& send_once) {
    Reply reply;
    kept_ = peer.call(send_once);
    EXPECT_TRUE(kept_);
    if (kept_) {
      EXPECT_EQ(dialect_of(network).read_reply(*kept_, method, &reply), ParseError::none);
    }
    return reply;
  }
  Reply named(RawPeer& asker, size_t network) {
    return asked(asker, network, Method::find_node,
                 [&] { return asker.send_find_node(port_of(network), id_of(1)); });
  }
  // The value that this network has under the key, or nothing.
  std::vector<uint8_t> found(RawPeer& peer, size_t network, const Id& key) {
    const Reply reply = asked(peer, network, Method::find_value,
                              [&] { return peer.send_find_value(port_of(network), key); });
    if (!reply.has_value) return {};
    return {reply.value.begin(), reply.value.end()};
  }
  // Files a contact in one network; the other must not name anybody.
  void expect_named_only_in(size_t network) {
    RawPeer contact(1, dialect_of(network));
    RawPeer asker(2, dialect_of(network));
    RawPeer stranger(3, dialect_of(1 - network));
    asker.keep_alive(contact);
    ASSERT_TRUE(contact.call([&] { return contact.send_find_node(port_of(network), id_of(1)); }));
    // Filed by its pong, and told to every shard: within moments.
    EXPECT_TRUE(eventually([&] { return named(asker, network).contacts_count > 0; }));
    EXPECT_EQ(named(stranger, 1 - network).contacts_count, 0u);
  }
  // The answer of a shard to a command, which is repeated while it is refused: what the disk holds
  // is being loaded.
  std::vector<uint8_t> run(uint32_t shard, ShardCommand command, Bytes tail = {}) {
    std::vector<uint8_t> answer;
    const bool is_done = eventually([&] {
      ++command.operation;
      EXPECT_TRUE(shards_->command(static_cast<ShardIndex>(shard), command, tail));
      std::optional<OperationStatus> status;
      const auto look = [&](Bytes frame) {
        const OperationResult& result = *frame_header<OperationResult>(frame);
        if (result.operation != command.operation) return;
        EXPECT_EQ(result.network, command.network);
        const Bytes value = frame_tail<OperationResult>(frame).first(result.value_size);
        answer.assign(value.begin(), value.end());
        status = result.status;
      };
      EXPECT_TRUE(eventually([&] {
        shards_->consume(look, [](ShardIndex, Bytes) {});
        return status.has_value();
      }));
      return status == OperationStatus::done;
    });
    EXPECT_TRUE(is_done);
    return answer;
  }
  void keep(NetworkIndex network, const Id& key, Bytes value) {
    ShardCommand command;
    command.kind = CommandKind::keep;
    command.network = network;
    command.key = key;
    run(shard_of(key, shards_->count()), command, value);
  }
  // What a network keeps published, on all shards.
  std::set<Id> listed(NetworkIndex network) {
    std::set<Id> keys;
    ShardCommand command;
    command.kind = CommandKind::list_published;
    command.network = network;
    for (uint32_t shard = 0; shard < shards_->count(); ++shard) {
      const std::vector<uint8_t> page = run(shard, command);
      for (size_t at = 0; at < page.size(); at += sizeof(PublishedKey)) {
        PublishedKey key;
        std::memcpy(&key, &page[at], sizeof key);
        keys.insert(key.key);
      }
    }
    return keys;
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
  for (const size_t network : {size_t{0}, size_t{1}}) {
    RawPeer peer(network + 1, dialect_of(network));
    const Reply pong =
        asked(peer, network, Method::ping, [&] { return peer.send_ping(port_of(network)); });
    EXPECT_EQ(pong.responder, id_of(network == 0 ? 0x11 : 0x22));
  }
}

// Under a third of the keys both have a value, each another; the others are of one network alone.
TEST_P(NetworksTest, EachHasRecordsOfItsOwnAcrossARestart) {
  start();
  RawPeer first(1, GetParam().first);
  RawPeer second(2, GetParam().second);
  RawPeer* const peers[] = {&first, &second};
  const auto key_of = [](uint8_t number) {
    return id_of(static_cast<uint8_t>(0x40 + 11 * number));
  };
  const auto value_of = [](size_t network, uint8_t number) -> std::vector<uint8_t> {
    const size_t place = number % 3u;
    if (place != 2 && place != network) return {};
    return {0xa3, 'i', static_cast<uint8_t>('0' + network), static_cast<uint8_t>('a' + number)};
  };
  constexpr uint8_t keys = 12;  // On every shard.
  uint64_t stored[2] = {};
  uint64_t sent[2] = {};  // More, if an answer was late.
  for (const size_t network : {size_t{0}, size_t{1}}) {
    for (uint8_t number = 0; number < keys; ++number) {
      const std::vector<uint8_t> value = value_of(network, number);
      if (value.empty()) continue;
      const Reply reply = asked(*peers[network], network, Method::store, [&] {
        ++sent[network];
        return peers[network]->send_store(port_of(network), key_of(number), value);
      });
      EXPECT_TRUE(reply.stored);
      ++stored[network];
    }
  }
  const auto expect_own = [&] {
    for (const size_t network : {size_t{0}, size_t{1}}) {
      for (uint8_t number = 0; number < keys; ++number) {
        EXPECT_EQ(found(*peers[network], network, key_of(number)), value_of(network, number))
            << "network " << network << ", key " << int{number};
      }
    }
  };
  expect_own();
  for (const NetworkIndex network : {NetworkIndex{0}, NetworkIndex{1}}) {
    EXPECT_GE(count(network, NodeCounter::stores_acknowledged), stored[network]);
    EXPECT_LE(count(network, NodeCounter::stores_acknowledged), sent[network]);
  }
  restart();
  expect_own();
}

TEST_P(NetworksTest, AContactOfTheFirstIsNamedInThatOneOnly) {
  start();
  expect_named_only_in(0);
}

TEST_P(NetworksTest, AContactOfTheSecondIsNamedInThatOneOnly) {
  start();
  expect_named_only_in(1);
}

TEST_P(NetworksTest, EachHasAListOfItsOwnAcrossARestart) {
  start();
  const std::array<uint8_t, 3> value{0xa2, 'h', 'i'};
  std::set<Id> kept[2];
  for (uint8_t number = 0; number < 6; ++number) {
    const auto network = static_cast<NetworkIndex>(number % 2);
    const Id key = id_of(static_cast<uint8_t>(0x40 + 11 * number));
    keep(network, key, value);
    kept[network].insert(key);
  }
  for (const NetworkIndex network : {NetworkIndex{0}, NetworkIndex{1}}) {
    EXPECT_EQ(listed(network), kept[network]);
  }
  restart();
  for (const NetworkIndex network : {NetworkIndex{0}, NetworkIndex{1}}) {
    EXPECT_TRUE(eventually([&] { return listed(network).size() >= kept[network].size(); }));
    EXPECT_EQ(listed(network), kept[network]);
  }
}

TEST_P(NetworksTest, AKeeperJoinsItsOwnNetwork) {
  start();
  RawPeer first(1, dialect_of(0));
  RawPeer second(2, dialect_of(1));
  first.keep_alive(second);
  Calls calls;
  calls.open(*shards_);
  Log log(LogLevel::off, LogFormat::text);
  BootstrapKeeper keeper(1, calls, *shards_, log, bell_);
  std::optional<ServerStatus> status;
  FinishCall finish = [&](const CallResult& result) { status = result.status; };
  const auto admitted = calls.admit(finish, CommandKind::join);
  ASSERT_TRUE(std::holds_alternative<OperationId>(admitted));
  const auto operation = std::get<OperationId>(admitted);
  keeper.join({{second.endpoint().text()}, {}, operation});
  const auto take = [&](Bytes frame) {
    const OperationResult& header = *frame_header<OperationResult>(frame);
    EXPECT_EQ(header.network, 1);
    CallResult result;
    result.status =
        header.status == OperationStatus::done ? ServerStatus::done : ServerStatus::no_contacts;
    FinishCall taken = calls.take(header.operation, result.status).finish;
    EXPECT_FALSE(keeper.finish(header.operation + 1, taken, result)) << "another call";
    EXPECT_TRUE(keeper.finish(header.operation, taken, result));
  };
  EXPECT_TRUE(eventually([&] {
    keeper.advance();
    first.receive(milliseconds(5));  // The second answers meanwhile.
    shards_->consume(take, [](ShardIndex, Bytes) {});
    return status.has_value();
  }));
  EXPECT_EQ(status, ServerStatus::done);
  EXPECT_EQ(shards_->answerable_count(1), 1u);
  EXPECT_EQ(shards_->answerable_count(0), 0u);
  EXPECT_EQ(keeper.names(), std::vector<std::string>{second.endpoint().text()});
  EXPECT_EQ(calls.count(), 0u);
  calls.close();
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
