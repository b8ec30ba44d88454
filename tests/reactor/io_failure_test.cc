// Kernel failures on an overloaded node, forced, on both backends: no room for a send, a rule that
// forbids it, an error that ends a reception, receive buffers and completions that run out under a
// running loop. Unaffected peers must not notice. (Empty and overlong datagrams:
// udp_backend_test.cc.)
#include <gtest/gtest.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "reactor/reactor.h"
#include "tests/reactor/backend_harness.h"

namespace xord {
namespace {

void set_option(int fd, int level, int name, int value) {
  ASSERT_EQ(setsockopt(fd, level, name, &value, sizeof value), 0) << strerror(errno);
}

// Makes the kernel forbid what `fd` sends to `port`, as a firewall rule would: EPERM. Uses a policy
// of this one socket (IP_XFRM_POLICY), so that no rule of the host changes. False: not permitted.
bool forbid_sending_to(int fd, uint16_t port) {
  xfrm_userpolicy_info policy{};
  policy.sel.family = AF_INET;
  policy.sel.dport = htons(port);
  policy.sel.dport_mask = 0xffff;
  policy.lft.soft_byte_limit = policy.lft.hard_byte_limit = XFRM_INF;
  policy.lft.soft_packet_limit = policy.lft.hard_packet_limit = XFRM_INF;
  policy.dir = XFRM_POLICY_OUT;
  policy.action = XFRM_POLICY_BLOCK;
  return setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, &policy, sizeof policy) == 0;
}

class IoFailure : public OnBothBackends {};
ON_BOTH_BACKENDS(IoFailure);

TEST_P(IoFailure, ASendThatARuleForbidsIsCountedAndTheOthersGo) {
  for (const Endpoint& listen : {loopback(Family::ipv4), wildcard(Family::ipv4)}) {
    BackendHarness harness(GetParam(), {{listen}});
    LoopbackClient allowed(loopback(Family::ipv4));
    LoopbackClient forbidden(loopback(Family::ipv4));
    if (!forbid_sending_to(harness.sockets[0].fd(), forbidden.local().port)) {
      GTEST_SKIP() << "needs CAP_NET_ADMIN: " << strerror(errno);
    }
    for (int i = 0; i < 100; ++i) {
      harness.queue({allowed.local(), {}}, "allowed");
      harness.queue({forbidden.local(), {}}, "forbidden");
    }
    harness.send();
    harness.pump();
    for (int i = 0; i < 100; ++i) ASSERT_EQ(allowed.receive(), "allowed");
    EXPECT_EQ(forbidden.receive_if_there(), std::nullopt);
    EXPECT_EQ(harness.count(IoCounter::send_forbidden), 100u);
    EXPECT_EQ(harness.count(IoSum::sent), 200u);
  }
}

// A datagram in more fragments than the socket's send buffer may hold: ENOBUFS. (IPv6, where a
// socket's own MTU makes fragments even on loopback.)
TEST_P(IoFailure, ASendForWhichThereIsNoBufferIsCountedAndTheOthersGo) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv6)}});
  set_option(harness.sockets[0].fd(), IPPROTO_IPV6, IPV6_MTU, 1280);
  set_option(harness.sockets[0].fd(), SOL_SOCKET, SO_SNDBUF, 1);
  LoopbackClient client(loopback(Family::ipv6));
  for (int i = 0; i < 50; ++i) {
    harness.queue({client.local(), {}}, "small");
    if (i < 10) harness.queue({client.local(), {}}, std::string(60'000, 'x'));
  }
  harness.send();
  harness.pump();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(client.receive(), "small");
  EXPECT_EQ(client.receive_if_there(), std::nullopt);
  EXPECT_EQ(harness.count(IoCounter::send_would_block), 10u);
  EXPECT_EQ(harness.count(IoSum::sent), 60u);
}

// An ICMP error that the socket receives ends a reception with that error.
TEST_P(IoFailure, ReceptionGoesOnAfterAnErrorEndedIt) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
  set_option(harness.sockets[0].fd(), IPPROTO_IP, IP_RECVERR, 1);
  uint16_t nobody = 0;
  {
    const LoopbackClient gone(loopback(Family::ipv4));
    nobody = gone.local().port;
  }
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(harness.server());
  for (int round = 1; round <= 3; ++round) {
    harness.queue({loopback(Family::ipv4, nobody), {}}, "anyone?");
    harness.send();
    harness.pump();
    client.send("still there?");
    harness.pump();
    ASSERT_EQ(harness.received.size(), static_cast<size_t>(round));
    EXPECT_EQ(harness.count(IoCounter::receive_failed), static_cast<uint64_t>(round));
  }
}

// ---- A running loop with too few buffers for its load.

struct Echo final : ReactorHandler {
  void receive(Instant, const Datagram& datagram, Outbox& out) override {
    const MutableBytes room = out.reserve(datagram.bytes.size());
    ASSERT_EQ(room.size(), datagram.bytes.size());
    std::copy(datagram.bytes.begin(), datagram.bytes.end(), room.begin());
    out.commit(datagram.path, datagram.bytes.size());
  }
  void receive_frame(Instant, uint32_t, Bytes, Outbox&) override {}
  void advance(Instant, Outbox&) override {}
  void end_turn(Instant, Outbox&) override {}
  std::optional<Instant> next_wakeup() const override { return std::nullopt; }
};

class StarvedLoop : public OnBothBackends {
 protected:
  void TearDown() override {
    if (!thread_.joinable()) return;
    reactor_->request_stop();
    thread_.join();
  }
  void start() {
    ReactorConfig config;
    config.io = GetParam();
    config.backend = {.receive_buffers = 4, .completions = 1};
    const auto error = Reactor::create(config, open_for_one_shard({{loopback(Family::ipv4)}}),
                                       NodeClock(Instant{}), &reactor_);
    ASSERT_FALSE(error) << error->sentence;
    thread_ = std::thread([this] { EXPECT_FALSE(reactor_->run(echo_)); });
  }
  Endpoint server() const { return reactor_->sockets()[0].bound; }
  uint64_t count(IoCounter counter) const { return reactor_->counters().read(counter); }

  Echo echo_;
  std::unique_ptr<Reactor> reactor_;
  std::thread thread_;
};
ON_BOTH_BACKENDS(StarvedLoop);

TEST_P(StarvedLoop, LosesNothingWhenBuffersAndCompletionsRunOut) {
  start();
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(server());
  constexpr int datagrams = 5'000;
  constexpr int window = 200;
  for (int sent = 0, heard = 0; heard < datagrams; ++heard) {
    for (; sent < datagrams && sent < heard + window; ++sent) client.send(std::to_string(sent));
    ASSERT_EQ(client.receive(), std::to_string(heard));
  }
  if (GetParam() == IoChoice::uring) {
    EXPECT_GT(count(IoCounter::buffers_exhausted) + count(IoCounter::completions_overflowed), 0u);
    EXPECT_GT(count(IoCounter::receive_rearmed), 0u);
  }
}

TEST_P(StarvedLoop, GoesOnAmongSendsThatFailAndDatagramsThatEndReceptions) {
  start();
  set_option(reactor_->sockets()[0].fd(), IPPROTO_IP, IP_RECVERR, 1);
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(server());
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 20; ++i) {
      LoopbackClient gone(loopback(Family::ipv4));  // Its reply causes an ICMP error, or two.
      gone.send_to(server(), "nobody will be there");
      client.send("");
      client.send(std::string(datagram_bytes_max + 1, 'x'));
    }
    client.send("still there?");
    ASSERT_EQ(client.receive(), "still there?");
  }
  EXPECT_EQ(count(IoCounter::received_empty), 4'000u);
  EXPECT_EQ(count(IoCounter::received_too_long), 4'000u);
}

}  // namespace
}  // namespace xord
