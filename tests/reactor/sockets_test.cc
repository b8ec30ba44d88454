#include "reactor/sockets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "tests/reactor/loopback.h"

namespace xord {
namespace {

int option_of(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

std::optional<IoError> open_with(const std::vector<Listen>& listens, uint32_t shards,
                                 std::vector<ShardSockets>* out) {
  return open_sockets(listens, {.shards = shards}, out);
}

TEST(Sockets, PortZeroBindsAFreePortThatAllShardsShare) {
  std::vector<ShardSockets> shards;
  ASSERT_FALSE(open_with({{loopback(Family::ipv4)}}, 3, &shards));
  ASSERT_EQ(shards.size(), 3u);
  EXPECT_NE(shards[0][0].bound.port, 0);
  for (const ShardSockets& sockets : shards) {
    ASSERT_EQ(sockets.size(), 1u);
    EXPECT_EQ(sockets[0].bound, shards[0][0].bound);
  }
}

TEST(Sockets, ATakenPortIsAnErrorThatNamesAddressAndPort) {
  const LoopbackClient holder(loopback(Family::ipv4));
  std::vector<ShardSockets> shards;
  const auto error = open_with({{holder.local()}}, 1, &shards);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error_number, EADDRINUSE);
  EXPECT_NE(error->sentence.find(holder.local().text()), std::string::npos) << error->sentence;
  EXPECT_TRUE(shards.empty());
}

TEST(Sockets, AnotherNodeOfTheSameUserIsSeenThoughItsShardsShareThePort) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    std::vector<ShardSockets> first;
    ASSERT_FALSE(open_with({{wildcard(family)}}, 2, &first));
    ASSERT_EQ(option_of(first[0][0].fd(), SOL_SOCKET, SO_REUSEPORT), 1);
    Listen same{wildcard(family)};
    same.endpoint.port = first[0][0].bound.port;
    for (const uint32_t count : {1u, 2u}) {
      std::vector<ShardSockets> second;
      const auto error = open_with({same}, count, &second);
      ASSERT_TRUE(error) << count << " shards joined a port that was taken";
      EXPECT_EQ(error->error_number, EADDRINUSE);
    }
    // Being a default that may be missing does not excuse a port in use.
    same.if_family_missing = IfFamilyMissing::skip;
    std::vector<ShardSockets> second;
    EXPECT_TRUE(open_with({same}, 1, &second));
  }
}

TEST(Sockets, ThePortIsFreeAgainOnceTheSocketsAreGone) {
  std::vector<ShardSockets> shards;
  const Listen same{own_loopback(own_port)};
  ASSERT_FALSE(open_with({same}, 2, &shards));
  shards.clear();
  EXPECT_FALSE(open_with({same}, 2, &shards));
}

TEST(Sockets, BothFamiliesShareOneFreePortWhenAsked) {
  std::vector<ShardSockets> shards;
  ASSERT_FALSE(open_with({{wildcard(Family::ipv4)},
                          {.endpoint = wildcard(Family::ipv6), .port_of = 0},
                          {loopback(Family::ipv4)}},
                         2, &shards));
  for (const ShardSockets& sockets : shards) {
    ASSERT_EQ(sockets.size(), 3u);
    EXPECT_EQ(sockets[1].bound.port, sockets[0].bound.port);
    EXPECT_NE(sockets[2].bound.port, sockets[0].bound.port);
    EXPECT_EQ(option_of(sockets[1].fd(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
  }
}

TEST(Sockets, AnAddressThatIsNotOursIsAnErrorThatNamesIt) {
  std::vector<ShardSockets> shards;
  const auto error = open_with({{endpoint("192.0.2.1:8468")}}, 1, &shards);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error_number, EADDRNOTAVAIL);
  EXPECT_NE(error->sentence.find("192.0.2.1:8468"), std::string::npos) << error->sentence;
}

TEST(Sockets, OptionsAreWhatTheDesignAsksFor) {
  std::vector<ShardSockets> shards;
  ASSERT_FALSE(open_with({{wildcard(Family::ipv4)}, {loopback(Family::ipv4)}}, 1, &shards));
  const ShardSockets& sockets = shards[0];
  EXPECT_TRUE(sockets[0].is_wildcard);
  EXPECT_FALSE(sockets[1].is_wildcard);
  EXPECT_EQ(option_of(sockets[0].fd(), IPPROTO_IP, IP_PKTINFO), 1);
  EXPECT_EQ(option_of(sockets[1].fd(), IPPROTO_IP, IP_PKTINFO), 0);
  EXPECT_EQ(option_of(sockets[0].fd(), IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_OMIT);
  EXPECT_EQ(option_of(sockets[0].fd(), SOL_SOCKET, SO_REUSEPORT), 0) << "one shard shares nothing";
  EXPECT_EQ(option_of(sockets[0].fd(), SOL_SOCKET, SO_RCVBUF),
            static_cast<int>(2 * sockets[0].receive_buffer_bytes));
  EXPECT_GT(sockets[0].receive_buffer_bytes, 0u);
}

TEST(Sockets, ThoseOfIpv6AreAskedForTheSame) {
  std::vector<ShardSockets> shards;
  ASSERT_FALSE(open_with({{wildcard(Family::ipv6)}, {loopback(Family::ipv6)}}, 1, &shards));
  const ShardSockets& sockets = shards[0];
  EXPECT_TRUE(sockets[0].is_wildcard);
  EXPECT_FALSE(sockets[1].is_wildcard);
  EXPECT_EQ(option_of(sockets[0].fd(), IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
  EXPECT_EQ(option_of(sockets[1].fd(), IPPROTO_IPV6, IPV6_RECVPKTINFO), 0);
  for (const BoundSocket& socket : sockets) {
    EXPECT_EQ(option_of(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
    EXPECT_EQ(option_of(socket.fd(), IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_OMIT);
    EXPECT_EQ(fcntl(socket.fd(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(fcntl(socket.fd(), F_GETFL) & O_NONBLOCK, 0) << "io_uring would not wait";
  }
}

TEST(Sockets, TheReceiveBufferIsAsLargeAsAskedFor) {
  constexpr uint32_t asked = 64 << 10;  // Which any host grants.
  std::vector<ShardSockets> shards;
  ASSERT_FALSE(open_sockets(std::vector<Listen>{{loopback(Family::ipv4)}},
                            {.shards = 2, .receive_buffer_bytes = asked}, &shards));
  for (const ShardSockets& sockets : shards) EXPECT_EQ(sockets[0].receive_buffer_bytes, asked);
  ASSERT_FALSE(open_sockets(std::vector<Listen>{{loopback(Family::ipv4)}},
                            {.receive_buffer_bytes = UINT32_MAX}, &shards));
  EXPECT_GT(shards[0][0].receive_buffer_bytes, asked) << "as much as the host grants";
}

TEST(Sockets, ARefusalSaysWhatToDo) {
  struct Refusal {
    long call;
    int error_number;
    const char* sentence;
  };
  for (const Refusal& each : {
           Refusal{SYS_bind, EADDRINUSE,
                   "Address already in use (another program holds this UDP port; stop it or choose "
                   "another port)"},
           Refusal{SYS_bind, EADDRNOTAVAIL,
                   "Cannot assign requested address (this host has no such address)"},
           Refusal{SYS_socket, EAFNOSUPPORT,
                   "Address family not supported by protocol (this host does not have that kind of "
                   "address)"},
           Refusal{SYS_bind, EACCES,
                   "Permission denied (ports below 1024 need the capability CAP_NET_BIND_SERVICE)"},
           Refusal{SYS_socket, EMFILE, "Too many open files"},
           Refusal{SYS_getsockname, ENOBUFS, "No buffer space available"},
       }) {
    const Endpoint listen = loopback(Family::ipv4, 700);
    with_refused_system_call(each.call, std::nullopt, each.error_number, [&] {
      std::vector<ShardSockets> shards;
      const auto error = open_with({{listen}}, 1, &shards);
      ASSERT_TRUE(error) << each.sentence;
      EXPECT_EQ(error->error_number, each.error_number);
      EXPECT_EQ(error->sentence, "cannot listen on " + listen.text() + ": " + each.sentence);
      EXPECT_TRUE(shards.empty());
    });
  }
}

TEST(Sockets, AnOptionThatTheHostRefusesIsAnErrorOnlyWhereItIsNeeded) {
  const auto opens_without = [](Family family, uint32_t shards_count, uint32_t option) {
    bool opens = false;
    with_refused_system_call(SYS_setsockopt, {{2, option}}, EPERM, [&] {
      std::vector<ShardSockets> shards;
      opens = !open_with({{wildcard(family)}}, shards_count, &shards);
    });
    return opens;
  };
  EXPECT_FALSE(opens_without(Family::ipv4, 1, IP_PKTINFO));
  EXPECT_FALSE(opens_without(Family::ipv4, 1, IP_MTU_DISCOVER));
  EXPECT_FALSE(opens_without(Family::ipv6, 1, IPV6_V6ONLY));
  EXPECT_FALSE(opens_without(Family::ipv6, 1, IPV6_RECVPKTINFO));
  EXPECT_FALSE(opens_without(Family::ipv6, 1, IPV6_MTU_DISCOVER));
  EXPECT_FALSE(opens_without(Family::ipv4, 2, SO_REUSEPORT));
  EXPECT_TRUE(opens_without(Family::ipv4, 1, SO_REUSEPORT)) << "one shard shares nothing";
  EXPECT_TRUE(opens_without(Family::ipv4, 1, SO_RCVBUFFORCE)) << "it needs a privilege";
  EXPECT_TRUE(opens_without(Family::ipv4, 2, SO_ATTACH_REUSEPORT_CBPF)) << "the hash deals then";
}

TEST(BoundSocket, IsMovedWithAllThatIsKnownOfIt) {
  std::vector<ShardSockets> shards;
  ASSERT_FALSE(open_with({{wildcard(Family::ipv4)}, {wildcard(Family::ipv4)}}, 1, &shards));
  BoundSocket& from = shards[0][0];
  from.absent_because = "absent";
  from.is_steered = true;
  from.unsteered_because = "unsteered";
  const Endpoint bound = from.bound;
  const uint32_t buffer = from.receive_buffer_bytes;
  const int fd = from.fd();
  const int replaced_fd = shards[0][1].fd();
  BoundSocket& to = shards[0][1];
  to = std::move(from);
  EXPECT_FALSE(from.is_open());
  EXPECT_EQ(to.fd(), fd);
  EXPECT_EQ(to.bound, bound);
  EXPECT_TRUE(to.is_wildcard);
  EXPECT_EQ(to.receive_buffer_bytes, buffer);
  EXPECT_EQ(to.absent_because, "absent");
  EXPECT_TRUE(to.is_steered);
  EXPECT_EQ(to.unsteered_because, "unsteered");
  EXPECT_EQ(fcntl(replaced_fd, F_GETFD), -1) << "the one that it held is closed";
  to.close();
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
  EXPECT_EQ(to.bound, bound) << "what was bound is still known";
  EXPECT_EQ(to.take_kernel_drops(), 0u);
}

TEST(Sockets, AHostWithoutIpv6IsDataForADefaultAndAnErrorForAnOrder) {
  const auto as_default = [](Family family, std::optional<uint32_t> port_of) {
    return Listen{wildcard(family), IfFamilyMissing::skip, port_of};
  };
  with_refused_system_call(SYS_socket, {{0, AF_INET6}}, EAFNOSUPPORT, [&] {
    std::vector<ShardSockets> shards;
    const auto error = open_with(
        {as_default(Family::ipv4, {}), as_default(Family::ipv6, 0), {loopback(Family::ipv4)}}, 2,
        &shards);
    ASSERT_FALSE(error) << error->sentence;
    for (const ShardSockets& sockets : shards) {
      EXPECT_TRUE(sockets[0].is_open());
      EXPECT_FALSE(sockets[1].is_open());
      EXPECT_EQ(sockets[1].absent_because,
                "cannot listen on [::]:" + std::to_string(sockets[0].bound.port) +
                    ": Address family not supported by protocol (this host does not have that kind "
                    "of address)");
      EXPECT_TRUE(sockets[2].is_open()) << "the index of a later socket must not change";
    }
    EXPECT_TRUE(open_with({{wildcard(Family::ipv6)}}, 1, &shards));
    const Listen absent{endpoint("[2001:db8::1]:77"), IfFamilyMissing::skip, {}};
    ASSERT_FALSE(open_with({{loopback(Family::ipv4)}, absent}, 1, &shards));
    EXPECT_EQ(shards[0][1].bound, absent.endpoint) << "what was to be listened on";
    const auto all_skipped = open_with({as_default(Family::ipv6, {})}, 2, &shards);
    ASSERT_TRUE(all_skipped) << "nothing would be left to listen on";
    EXPECT_NE(all_skipped->sentence, "");
  });
}

}  // namespace
}  // namespace xord
