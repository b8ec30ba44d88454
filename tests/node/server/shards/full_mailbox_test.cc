// One of two shards, on its own loop; the test plays the other, which takes nothing from its
// mailbox for a while. What a full mailbox refuses, what it never loses, and that nothing waits for
// it.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "node/server/shards/shard.h"
#include "node/wire/rpcudp/rpcudp_dialect.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"
#include "tests/skip_if_refused.h"

namespace xord {
namespace {

class FullMailbox : public testing::TestWithParam<IoChoice> {
 protected:
  void SetUp() override {
    if (skip_if_refused(GetParam())) return;
    std::vector<ShardSockets> sockets;
    const std::vector<Listen> listens = {{.endpoint = own_loopback()}};
    ASSERT_FALSE(open_sockets(listens, {}, &sockets));
    port_ = sockets[0][0].bound.port;
    ReactorConfig config;
    config.io = GetParam();
    config.room_datagrams = 64;
    config.room_bytes = 256 * 1024;
    ASSERT_FALSE(Reactor::create(config, std::move(sockets[0]), clock_, &reactor_));
    to_other_ = std::make_unique<Mailbox>(mailbox_bytes, other_bell_);
    from_other_ = std::make_unique<Mailbox>(mailbox_bytes, reactor_->doorbell());
    commands_ = std::make_unique<Mailbox>(mailbox_bytes, reactor_->doorbell());
    commits_ = std::make_unique<CommitThread>(database_, CommitThreadConfig{.shards = 2},
                                              reactor_->doorbell());
    shard_ = std::make_unique<Shard>(setup(), *reactor_, *commits_, clock_.now());
    if (!runs()) return;
    thread_ = std::thread([this] { EXPECT_FALSE(reactor_->run(*shard_)); });
  }
  void TearDown() override {
    if (!thread_.joinable()) return;
    reactor_->request_stop();
    thread_.join();
  }
  virtual bool runs() const { return true; }
  ShardSetup setup() {
    ShardNetwork network;
    network.config.node.dialect = &rpcudp::dialect();
    network.config.node.shards = 2;
    network.config.node.routing.contacts_max = 1000;
    network.config.store.writes_max = 16;
    network.config.published = published_list_config(0);
    ShardSetup setup;
    setup.networks = {network};
    setup.network_of_socket = {0};
    setup.to_shards = {nullptr, to_other_.get()};
    setup.from_shards = {nullptr, from_other_.get()};
    setup.commands = commands_.get();
    setup.results = &results_;
    setup.reports = &reports_;
    setup.admin = &admin_bell_;
    return setup;
  }

  uint64_t dropped() const { return shard_->counters().read(ShardCount::mailbox_full); }
  uint64_t node_count(NodeCounter which) const { return shard_->node_counters(0).node.read(which); }
  // Takes what the shard has published; counts datagrams and the sources reported as proven.
  uint32_t take_messages() {
    return to_other_->consume(1000, [&](Bytes frame) {
      const auto kind = frame_header<ShardMessage>(frame)->kind;
      if (kind == ShardMessageKind::datagram) ++datagrams_told_;
      if (kind == ShardMessageKind::proven) {
        sources_told_.insert(frame_header<ProvenMessage>(frame)->source);
      }
    });
  }

  static constexpr uint32_t mailbox_bytes = 2048;  // Some six datagrams in its half, 18 proofs.
  static Id key_of_other() {
    Id key;
    key.bytes[18] = 0x80;
    return key;
  }

  const NodeClock clock_{Instant{seconds(1000).nanoseconds}};
  TemporaryDirectory directory_;
  RocksStore database_{RocksConfig{.directory = directory_.path(), .networks = {"rpcudp"}},
                       [](ReportLevel, std::string_view, const std::vector<ReportField>&) {}};
  Doorbell admin_bell_;
  Doorbell other_bell_;
  Mailbox results_{1 << 20, admin_bell_};
  Mailbox reports_{1 << 20, admin_bell_};
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<Mailbox> to_other_;
  std::unique_ptr<Mailbox> from_other_;
  std::unique_ptr<Mailbox> commands_;
  std::unique_ptr<CommitThread> commits_;
  std::unique_ptr<Shard> shard_;
  std::thread thread_;
  uint16_t port_ = 0;
  uint32_t datagrams_told_ = 0;
  std::set<Endpoint> sources_told_;
};
INSTANTIATE_TEST_SUITE_P(Loopback, FullMailbox, testing::Values(IoChoice::epoll, IoChoice::uring),
                         [](const auto& each) {
                           return each.param == IoChoice::epoll ? "epoll" : "uring";
                         });

TEST_P(FullMailbox, DropsAndCountsTheNewestDatagramsAndTakesNewOnesOnceThereIsRoom) {
  RawPeer peer(1);
  constexpr uint64_t sent = 500;
  for (uint64_t i = 0; i < sent; ++i) peer.send_find_value(port_, key_of_other());
  ASSERT_TRUE(eventually([&] { return node_count(NodeCounter::forwarded) == sent; }));
  EXPECT_TRUE(peer.call([&] { return peer.send_ping(port_); })) << "it must not wait";
  ASSERT_TRUE(eventually([&] {
    take_messages();
    return datagrams_told_ + dropped() == sent;
  })) << datagrams_told_
      << " told, " << dropped() << " dropped";
  EXPECT_GT(datagrams_told_, 0u);
  EXPECT_GT(dropped(), 0u);
  const uint64_t dropped_before = dropped();
  peer.send_find_value(port_, key_of_other());
  ASSERT_TRUE(eventually([&] { return take_messages() > 0; }));
  EXPECT_EQ(dropped(), dropped_before);
}

TEST_P(FullMailbox, LosesNoMessageThatIsNotADatagram) {
  constexpr size_t sources = 60;  // Proofs for more than the whole mailbox, and its other messages.
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (size_t i = 0; i < sources; ++i) peers.push_back(std::make_unique<RawPeer>(i + 1));
  for (auto& peer : peers) {
    for (int i = 0; i < 10; ++i) peer->send_find_value(port_, key_of_other());
    const auto answer = peer->call([&] { return peer->send_find_node(port_, Id{}); });
    ASSERT_TRUE(answer) << "a shard answers whether or not another takes its messages";
  }
  EXPECT_GT(dropped(), 0u);
  EXPECT_TRUE(sources_told_.empty());
  ASSERT_TRUE(eventually([&] {
    take_messages();
    return sources_told_.size() == sources;
  })) << sources_told_.size();
  EXPECT_EQ(node_count(NodeCounter::messages_dropped), 0u);
}

// The same shard without its loop: the test makes its calls.
class StillShard : public FullMailbox {
 protected:
  bool runs() const override { return false; }
  // Asks as a stranger, and answers the ping that this brings.
  void prove(Instant now, const Endpoint& stranger) {
    const Id id = key_of_other();
    LocalAddress local;
    local.socket = 0;
    std::array<uint8_t, 200> bytes;
    size_t size = rpcudp::encode_find_node_request(bytes, Transaction{}, id, id);
    shard_->receive(now, {{stranger, local}, Bytes(bytes).first(size)}, out_);
    ASSERT_EQ(out_.entries().size(), 1u);
    Request ping;
    ASSERT_EQ(rpcudp::parse_request(out_.bytes(out_.entries()[0]), &ping), ParseError::none);
    size = rpcudp::encode_ping_reply(bytes, ping.transaction, id);
    shard_->receive(now, {{stranger, local}, Bytes(bytes).first(size)}, out_);
    out_.clear();
  }

  Outbox out_{64, 256 * 1024};
};
INSTANTIATE_TEST_SUITE_P(Alone, StillShard, testing::Values(IoChoice::epoll),
                         [](const auto&) { return "epoll"; });

TEST_P(StillShard, TriesAMessageThatFoundNoRoomAgainAMillisecondLaterAndThenRests) {
  const Instant now = clock_.now() + seconds(1);
  shard_->advance(now, out_);
  ProvenMessage filling;
  filling.message.kind = ShardMessageKind::proven;
  filling.source = Endpoint::ipv4(0x7f000001, 1);
  const Bytes frame(reinterpret_cast<const uint8_t*>(&filling), sizeof filling);
  while (to_other_->push(frame)) {
  }
  const Endpoint stranger = Endpoint::ipv4(0x7f000001, 2);
  prove(now, stranger);
  shard_->end_turn(now, out_);
  ASSERT_TRUE(shard_->next_wakeup());
  EXPECT_LE(*shard_->next_wakeup(), now + milliseconds(1));
  EXPECT_GT(take_messages(), 0u);
  EXPECT_FALSE(sources_told_.contains(stranger));

  const Instant later = now + milliseconds(1);
  shard_->advance(later, out_);
  shard_->end_turn(later, out_);
  EXPECT_GT(take_messages(), 0u);
  EXPECT_TRUE(sources_told_.contains(stranger));
  for (int calls = 0; calls < 16; ++calls) shard_->advance(later, out_);
  shard_->end_turn(later, out_);
  EXPECT_GT(*shard_->next_wakeup(), later + milliseconds(1)) << "nothing waits any more";
}

}  // namespace
}  // namespace xord
