// Several loops on one port, like shards: one SO_REUSEPORT group, a mailbox for each ordered pair.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "reactor/cores.h"
#include "reactor/reactor.h"
#include "tests/reactor/loopback.h"

namespace xord {
namespace {

// The first byte of a datagram names the shard that owns it. Another shard that gets it forwards
// it; the owner answers with its own number in front. A frame may also be a token that is passed
// from shard to shard until it has made its hops.
struct Header {
  enum class Kind : uint32_t { datagram, token } kind;
  uint32_t hops;
  Path path;
};

class Shard final : public ReactorHandler {
 public:
  Shard(uint8_t index, std::atomic<uint64_t>& hops_left) : index_(index), hops_left_(hops_left) {}

  void receive(Instant, const Datagram& datagram, Outbox& out) override {
    const auto owner = static_cast<uint8_t>(datagram.bytes[0] - '0');
    if (owner == index_) return answer(datagram.path, datagram.bytes, out);
    ASSERT_TRUE(to_[owner]->push(Header{Header::Kind::datagram, 0, datagram.path}, datagram.bytes));
    ++forwarded;
  }
  void receive_frame(Instant, uint32_t, Bytes frame, Outbox& out) override {
    const auto* header = reinterpret_cast<const Header*>(frame.data());
    if (header->kind == Header::Kind::token) return pass_on(header->hops);
    answer(header->path, frame.subspan(sizeof *header), out);
  }
  void pass_on(uint32_t hops) {
    hops_left_.fetch_sub(1, std::memory_order_relaxed);
    if (hops == 0) return;
    const size_t next = (index_ + 1u) % to_.size();
    ASSERT_TRUE(to_[next]->push(Header{Header::Kind::token, hops - 1, {}}, {}));
  }
  void advance(Instant, Outbox&) override {}
  void end_turn(Instant, Outbox&) override {
    for (Mailbox* mailbox : to_) {
      if (mailbox != nullptr) mailbox->publish();
    }
    if (hops_left_.load(std::memory_order_relaxed) == 0 && on_done) on_done();
  }
  std::optional<Instant> next_wakeup() const override { return std::nullopt; }

  std::vector<Mailbox*> to_;  // Indexed by shard; none to itself.
  std::function<void()> on_done;
  uint64_t forwarded = 0;

 private:
  void answer(const Path& path, Bytes bytes, Outbox& out) {
    const MutableBytes room = out.reserve(bytes.size() + 1);
    ASSERT_FALSE(room.empty());
    room[0] = static_cast<uint8_t>('0' + index_);
    std::copy(bytes.begin(), bytes.end(), room.begin() + 1);
    out.commit(path, bytes.size() + 1);
  }

  const uint8_t index_;
  std::atomic<uint64_t>& hops_left_;
};

class ShardsTest : public OnBothBackends {
 protected:
  void TearDown() override {
    request_stop();
    threads.clear();
  }
  void make(uint32_t count) {
    std::vector<ShardSockets> sockets;
    const std::vector<Listen> listens = {{loopback(Family::ipv4)}};
    ASSERT_FALSE(open_sockets(listens, {.shards = count}, &sockets));
    const NodeClock clock{Instant{}};
    for (uint8_t i = 0; i < count; ++i) {
      reactors.emplace_back();
      const auto error =
          Reactor::create({.io = GetParam()}, std::move(sockets[i]), clock, &reactors.back());
      ASSERT_FALSE(error) << error->sentence;
      shards.push_back(std::make_unique<Shard>(i, hops_left));
      shards.back()->to_.assign(count, nullptr);
    }
    for (uint8_t from = 0; from < count; ++from) {
      for (uint8_t to = 0; to < count; ++to) {
        if (from == to) continue;
        mailboxes.push_back(std::make_unique<Mailbox>(1 << 16, reactors[to]->doorbell()));
        reactors[to]->add_mailbox(*mailboxes.back());
        shards[from]->to_[to] = mailboxes.back().get();
      }
    }
  }
  void start() {
    const std::vector<uint32_t> cpus = allowed_cores().cpus;
    for (size_t i = 0; i < shards.size(); ++i) {
      const auto body = [this, i](Pinning) {
        const auto error = reactors[i]->run(*shards[i]);
        EXPECT_FALSE(error) << error->sentence;
      };
      threads.emplace_back();
      ASSERT_FALSE(threads.back().start("shard " + std::to_string(i), cpus[i % cpus.size()], body));
    }
  }
  void request_stop() {
    for (auto& reactor : reactors) reactor->request_stop();
  }
  // Sends `tokens` around all shards, each for `hops`, and returns when the last has arrived.
  void pass_tokens(uint32_t count, uint32_t tokens, uint32_t hops) {
    make(count);
    hops_left = uint64_t{tokens} * (hops + 1);
    for (auto& shard : shards) shard->on_done = [this] { request_stop(); };
    for (uint32_t i = 0; i < tokens; ++i) shards[i % count]->pass_on(hops);
    start();
    threads.clear();  // Joins: a lost wake-up would make the test time out.
    EXPECT_EQ(hops_left, 0u);
  }

  std::atomic<uint64_t> hops_left{1};
  std::vector<std::unique_ptr<Reactor>> reactors;
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<std::unique_ptr<Mailbox>> mailboxes;
  std::vector<ShardThread> threads;
};
ON_BOTH_BACKENDS(ShardsTest);

TEST_P(ShardsTest, OnePortIsServedByAllAndTheOwnerAnswers) {
  make(2);
  start();
  const Endpoint server = reactors[0]->sockets()[0].bound;
  ASSERT_EQ(reactors[1]->sockets()[0].bound, server);
  // The kernel spreads by source port: 64 clients reach both shards.
  for (int i = 0; i < 64; ++i) {
    LoopbackClient client(loopback(Family::ipv4));
    client.connect(server);
    for (const std::string owner : {"0", "1"}) {
      client.send(owner + " is asked");
      ASSERT_EQ(client.receive(), owner + owner + " is asked");
    }
  }
  request_stop();
  threads.clear();
  EXPECT_GT(shards[0]->forwarded, 0u);
  EXPECT_GT(shards[1]->forwarded, 0u);
  const auto received = [&](size_t i) { return sum_of(reactors[i]->counters(), IoSum::received); };
  EXPECT_EQ(received(0) + received(1), 128u);
}

TEST_P(ShardsTest, ALoneTokenWakesASleeperAtEachHop) {
  pass_tokens(2, 1, 20'000);
}

TEST_P(ShardsTest, NoWakeUpIsLostAmongManyTokens) {
  pass_tokens(3, 40, 5'000);
}

}  // namespace
}  // namespace xord
