// Steering by key, from the dialect's bytes to the answers of a whole server: to which socket the
// kernel gives each datagram, and that no peer sees a difference when it gives them to others.
#include "reactor/steering.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <memory>
#include <set>
#include <vector>

#include "node/server/shards/shard_frames.h"
#include "node/wire/rpcudp/rpcudp.h"
#include "node/wire/rpcudp/rpcudp_steering.h"
#include "reactor/socket_address.h"
#include "reactor/sockets.h"
#include "tests/node/server/raw_peer.h"
#include "tests/node/server/server_fixture.h"
#include "tests/skip_if_refused.h"

namespace xord {
namespace {

Endpoint loopback(bool is_ipv4) {
  return is_ipv4 ? own_loopback() : *Endpoint::parse("[::1]:0");
}

// A group of sockets without loops, and a peer: on which socket does a datagram arrive?
class SteeredGroup {
 public:
  SteeredGroup(bool is_ipv4, uint32_t shards) {
    const std::vector<Listen> listens = {
        {.endpoint = loopback(is_ipv4), .steering = rpcudp::steering_rules()}};
    const auto error = open_sockets(listens, {.shards = shards}, &shards_);
    EXPECT_FALSE(error) << error->sentence;
    std::vector<ShardSockets> client;
    EXPECT_FALSE(open_sockets(std::vector<Listen>{{.endpoint = loopback(is_ipv4)}}, {}, &client));
    client_ = std::move(client[0][0]);
  }

  size_t shard_of_datagram(Bytes datagram) {
    SocketAddress to;
    const socklen_t to_size = write_socket_address(shards_[0][0].bound, &to);
    EXPECT_EQ(sendto(client_.fd(), datagram.data(), datagram.size(), 0, &to.any, to_size),
              static_cast<ssize_t>(datagram.size()));
    std::array<uint8_t, 9000> bytes;
    for (size_t shard = 0; shard < shards_.size(); ++shard) {
      const ssize_t size = recv(shards_[shard][0].fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (size == static_cast<ssize_t>(datagram.size())) return shard;
    }
    ADD_FAILURE() << "it lies on no socket";
    return SIZE_MAX;
  }

 private:
  std::vector<ShardSockets> shards_;
  BoundSocket client_;
};

struct EncodedRequests {
  explicit EncodedRequests(Rng& rng, const Id& key) {
    Id sender;
    rng.fill(sender.bytes);
    Transaction transaction;
    rng.fill(transaction);
    const auto take = [](std::vector<uint8_t>& bytes, auto&& encode) {
      bytes.resize(9000);
      bytes.resize(encode(MutableBytes(bytes)));
      ASSERT_GT(bytes.size(), 0u);
    };
    take(ping,
         [&](MutableBytes out) { return rpcudp::encode_ping_request(out, transaction, sender); });
    take(stun, [&](MutableBytes out) { return rpcudp::encode_stun_request(out, transaction); });
    for_key.resize(4);
    take(for_key[0], [&](MutableBytes out) {
      return rpcudp::encode_find_node_request(out, transaction, sender, key);
    });
    take(for_key[1], [&](MutableBytes out) {
      return rpcudp::encode_find_value_request(out, transaction, sender, key);
    });
    std::vector<uint8_t> value(1 + rng.bounded(100), 0x2a);  // A number, then ignored bytes.
    take(for_key[2], [&](MutableBytes out) {
      return rpcudp::encode_store_request(out, transaction, sender, key, Bytes(value).first(1),
                                          std::nullopt);
    });
    take(for_key[3], [&](MutableBytes out) {
      return rpcudp::encode_store_request(out, transaction, sender, key, Bytes(value).first(1),
                                          4711);
    });
  }

  std::vector<uint8_t> ping;
  std::vector<uint8_t> stun;
  std::vector<std::vector<uint8_t>> for_key;
};

class SteeredDatagrams : public testing::TestWithParam<std::tuple<bool, uint32_t>> {
 protected:
  uint32_t shards() const { return std::get<1>(GetParam()); }
  SteeredGroup group_{std::get<0>(GetParam()), shards()};
  Rng rng_{7};
};

TEST_P(SteeredDatagrams, ARequestForAKeyGoesToTheOwnerOfTheKey) {
  for (uint32_t end = 0; end <= 0xffff; end += 257) {
    Id key;
    rng_.fill(key.bytes);
    store_be16(&key.bytes[18], static_cast<uint16_t>(end));
    const EncodedRequests requests(rng_, key);
    for (const auto& request : requests.for_key) {
      ASSERT_EQ(group_.shard_of_datagram(request), shard_of(key, shards())) << key.hex();
    }
  }
}

TEST_P(SteeredDatagrams, AReplyGoesToTheShardThatAsked) {
  Id responder;
  for (uint32_t shard = 0; shard < shards(); ++shard) {
    Transaction transaction;
    rng_.fill(transaction);
    transaction[0] = static_cast<uint8_t>(shard);
    std::array<uint8_t, 100> bytes;
    size_t size = rpcudp::encode_ping_reply(bytes, transaction, responder);
    ASSERT_EQ(group_.shard_of_datagram(Bytes(bytes).first(size)), shard);
    size = rpcudp::encode_store_reply(bytes, transaction, true);
    ASSERT_EQ(group_.shard_of_datagram(Bytes(bytes).first(size)), shard);
  }
}

// The kernel knows only the path, so all of these from one peer land on one socket.
TEST_P(SteeredDatagrams, PingsAndRequestsSpelledOtherwiseGoByThePath) {
  std::set<size_t> landed;
  for (uint32_t i = 0; i < 50; ++i) {
    Id key;
    rng_.fill(key.bytes);
    const EncodedRequests requests(rng_, key);
    landed.insert(group_.shard_of_datagram(requests.ping));
    landed.insert(group_.shard_of_datagram(requests.stun));
    for (std::vector<uint8_t> request : requests.for_key) {
      const size_t key_head = rpcudp::header_size + (request[22] - 0xa0) + 5 + id_size;
      request[key_head] = 0xc5;  // A length of two bytes.
      request.insert(request.begin() + static_cast<std::ptrdiff_t>(key_head) + 1, 0x00);
      Request parsed;
      ASSERT_EQ(rpcudp::parse_request(request, &parsed), ParseError::none);
      ASSERT_EQ(parsed.target, key) << "...is legal";
      landed.insert(group_.shard_of_datagram(request));
      request[0] = 2;  // Neither a request nor a reply.
      landed.insert(group_.shard_of_datagram(request));
    }
  }
  EXPECT_EQ(landed.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(FamiliesAndShards, SteeredDatagrams,
                         testing::Combine(testing::Bool(), testing::Values(2u, 3u, 5u, 8u)),
                         [](const auto& each) {
                           return std::string(std::get<0>(each.param) ? "ipv4" : "ipv6") + "with" +
                                  std::to_string(std::get<1>(each.param));
                         });

// ---- A server, and peers that ask it.

uint64_t count_of(const ShardStats& shard, std::string_view name) {
  for (const NamedCount& count : shard.node) {
    if (count.info->name == name) return count.value;
  }
  ADD_FAILURE() << "no count " << name;
  return 0;
}

// Gives the group on `port` another program: this process holds its sockets.
void steer_by(std::span<const sock_filter> program, uint16_t port) {
  for (int fd = 0; fd < 1024; ++fd) {
    SocketAddress address{};
    socklen_t size = sizeof address;
    if (getsockname(fd, &address.any, &size) != 0 || address.any.sa_family != AF_INET) continue;
    if (ntohs(address.v4.sin_port) != port) continue;
    EXPECT_EQ(attach_steering(fd, program), 0);
    return;
  }
  FAIL() << "no socket is bound to port " << port;
}

enum class Steered : uint8_t { by_key, by_chance, always_wrong };
struct Shape {
  Steered steered;
  IoChoice io;
};

class SteeredServer : public testing::TestWithParam<Shape> {
 protected:
  static constexpr uint32_t shards = 3;

  void SetUp() override {
    if (skip_if_refused(GetParam().io)) return;
    ServerConfig config = loopback_config(directory_.at("data"), shards, GetParam().io);
    config.steering = GetParam().steered != Steered::by_chance;
    const auto error = server_.start(config);
    ASSERT_FALSE(error) << error->sentence;
    port_ = server_.endpoints().front().port;
    if (GetParam().steered == Steered::always_wrong) send_all_elsewhere();
    ASSERT_TRUE(eventually([&] { return is_ready(server_); }));
    for (RawPeer* peer : {&asker_, &other_}) {
      ASSERT_TRUE(peer->call([&] { return peer->send_find_node(port_, Id{}); }));
    }
    ASSERT_TRUE(eventually([&] { return server_.stats().contacts == 2; }));
    asker_.keep_alive(other_);
  }
  // Sends each to its key's shard plus one, as after a socket was closed and another took its
  // place.
  void send_all_elsewhere() {
    std::vector<sock_filter> program = steering_program(rpcudp::steering_rules(), shards);
    for (size_t at = 0; at < program.size(); ++at) {
      if (program[at].code != (BPF_RET | BPF_A)) continue;
      program[at] = BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(program.size() - at - 1));
    }
    program.push_back(BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1));
    program.push_back(BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, shards));
    program.push_back(BPF_STMT(BPF_RET | BPF_A, 0));
    steer_by(program, port_);
  }

  TemporaryDirectory directory_;
  Server server_;
  RawPeer asker_{1};
  RawPeer other_{2};
  uint16_t port_ = 0;
};

TEST_P(SteeredServer, AnswersEveryKeyAndHandsOnOnlyWhatLandedElsewhere) {
  constexpr uint32_t keys = 60;
  Rng rng(3);
  std::array<uint64_t, shards> owned{};
  for (uint32_t i = 0; i < keys; ++i) {
    Id key;
    rng.fill(key.bytes);
    ++owned[shard_of(key, shards)];
    const std::vector<uint8_t> value = {static_cast<uint8_t>(i)};  // A number, packed.
    const auto stored = asker_.call([&] { return asker_.send_store(port_, key, value); });
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->back(), 0xc3) << "true";
    const auto found = asker_.call([&] { return asker_.send_find_value(port_, key); });
    ASSERT_TRUE(found);
    EXPECT_EQ(found->back(), value[0]);
    const auto nearest = asker_.call([&] { return asker_.send_find_node(port_, key); });
    ASSERT_TRUE(nearest);
    EXPECT_EQ((*nearest)[rpcudp::header_size], 0x91) << "one contact: the other peer";
  }
  const ServerStats stats = server_.stats();
  const uint64_t forwarded = stats.count("forwarded");
  switch (GetParam().steered) {
    case Steered::by_key:
      EXPECT_EQ(forwarded, 0u);
      break;
    case Steered::by_chance:
      EXPECT_GT(forwarded, 0u);
      break;
    case Steered::always_wrong:
      EXPECT_GE(forwarded, 2 * keys);
  }
  for (uint32_t shard = 0; shard < shards; ++shard) {
    // At least: on a slow machine a peer asks again.
    EXPECT_GE(count_of(stats.shards[shard], "requests_store"), owned[shard]);
    EXPECT_GE(count_of(stats.shards[shard], "requests_find_value"), owned[shard]);
    EXPECT_EQ(stats.shards[shard].shard[static_cast<size_t>(ShardCount::records)].value,
              owned[shard]);
  }
  EXPECT_EQ(stats.sockets.front().steered, GetParam().steered != Steered::by_chance);
  EXPECT_EQ(stats.count("steering_refused"), 0u);
}

INSTANTIATE_TEST_SUITE_P(Shapes, SteeredServer,
                         testing::Values(Shape{Steered::by_key, IoChoice::epoll},
                                         Shape{Steered::by_key, IoChoice::uring},
                                         Shape{Steered::by_chance, IoChoice::epoll},
                                         Shape{Steered::by_chance, IoChoice::uring},
                                         Shape{Steered::always_wrong, IoChoice::epoll},
                                         Shape{Steered::always_wrong, IoChoice::uring}),
                         [](const auto& each) {
                           const std::string io =
                               each.param.io == IoChoice::epoll ? "epoll" : "uring";
                           switch (each.param.steered) {
                             case Steered::by_key:
                               return io + "_by_key";
                             case Steered::by_chance:
                               return io + "_by_chance";
                             case Steered::always_wrong:
                               break;
                           }
                           return io + "_always_wrong";
                         });

// ---- What a peer sees of the number of shards.

class Script {
 public:
  Script() {
    for (auto& peer : peers_) {
      for (auto& other : peers_) {
        if (other != peer) peer->keep_alive(*other);
      }
    }
  }
  // Runs the same conversation against a new node with one identity; returns everything that it
  // sent, apart from transactions.
  std::vector<std::vector<uint8_t>> run(const std::string& data_dir, uint32_t shards,
                                        bool steering) {
    said_.clear();
    Server server;
    ServerConfig config = loopback_config(data_dir, shards);
    config.steering = steering;
    config.listen.front().endpoint.port = port_;
    const auto error = server.start(config);
    EXPECT_FALSE(error) << error->sentence;
    EXPECT_TRUE(eventually([&] { return is_ready(server); }));
    for (auto& peer : peers_) {
      hear([&] { return peer->send_ping(port_); }, *peer);
      EXPECT_TRUE(peer->call([&] { return peer->send_find_node(port_, Id{}); }));
    }
    EXPECT_TRUE(eventually([&] { return server.stats().contacts == peers_.size(); }));
    Rng rng(5);
    for (uint32_t i = 0; i < 30; ++i) talk_about_a_key(rng, i);
    return std::move(said_);
  }

 private:
  void talk_about_a_key(Rng& rng, uint32_t i) {
    Id key;
    rng.fill(key.bytes);
    RawPeer& a = *peers_[i % peers_.size()];
    RawPeer& b = *peers_[(i + 1) % peers_.size()];
    hear([&] { return a.send_find_value(port_, key); }, a);  // Not stored: contacts.
    std::vector<uint8_t> value(200, static_cast<uint8_t>(i));
    value[0] = 0xc4;
    value[1] = 198;
    hear([&] { return a.send_store(port_, key, value); }, a);
    hear([&] { return b.send_find_value(port_, key); }, b);
    hear([&] { return b.send_find_node(port_, key); }, b);
    hear([&] { return b.send_ping(port_); }, b);
    const std::vector<uint8_t> nothing = {0x90};  // A list, which no node stores.
    hear([&] { return a.send_store(port_, key, nothing); }, a);
    hear([&] { return b.send_find_value(port_, key); }, b);
  }
  template <class SendOnce>
  void hear(SendOnce&& send_once, RawPeer& peer) {
    auto reply = peer.call(send_once);
    ASSERT_TRUE(reply);
    reply->erase(reply->begin() + 1, reply->begin() + rpcudp::header_size);
    said_.push_back(*reply);
  }

  std::array<std::unique_ptr<RawPeer>, 3> peers_ = {
      std::make_unique<RawPeer>(1), std::make_unique<RawPeer>(2), std::make_unique<RawPeer>(3)};
  uint16_t port_ = own_port;
  std::vector<std::vector<uint8_t>> said_;
};

TEST(Shards, APeerCannotTellOneFromEightByAnyAnswer) {
  TemporaryDirectory directory;
  Script script;
  const auto one = script.run(directory.at("one"), 1, true);
  EXPECT_EQ(one.size(), 3u + 30 * 7);
  for (const bool steering : {true, false}) {
    const std::string other = directory.at(steering ? "steered" : "unsteered");
    std::filesystem::create_directory(other);
    std::filesystem::permissions(other, std::filesystem::perms::owner_all);
    std::filesystem::copy_file(directory.at("one/identity"), other + "/identity");
    EXPECT_EQ(script.run(other, 8, steering), one);
  }
}

}  // namespace
}  // namespace xord
