// The filter on real sockets: a datagram sent on loopback has been filtered when sendto() returns.
#include "reactor/source_filter.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <sys/syscall.h>

#include <string>
#include <vector>

#include "reactor/socket_address.h"
#include "tests/own_namespace.h"
#include "tests/reactor/loopback.h"

namespace xord {
namespace {

Subnet subnet(std::string_view text) {
  const auto parsed = Subnet::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Subnet{});
}

SourceShare none_of(std::string_view net) {
  return {subnet(net), 0};
}

uint32_t drops_of(int fd) {
  uint32_t info[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof info;
  EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size), 0) << strerror(errno);
  return info[SK_MEMINFO_DROPS];
}

void attach(int fd, const std::vector<SourceShare>& shares, const std::vector<Subnet>& kept = {}) {
  ASSERT_EQ(attach_source_filter(fd, SourceFilter(kept, shares)), 0) << strerror(errno);
}

bool takes(int fd) {
  char bytes[100];
  return recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) >= 0;
}

// Whether a datagram from `source` to the socket arrives.
bool arrives(const BoundSocket& socket, std::string_view source) {
  const std::string_view colon = source.find(':') == std::string_view::npos ? "" : "[";
  const std::string bound =
      colon.empty() ? std::string(source) + ":0" : "[" + std::string(source) + "]:0";
  LoopbackClient(endpoint(bound)).send_to(socket.bound, "hello");
  return takes(socket.fd());
}

// Gives the loopback device of this network another IPv6 address: rtnetlink(7).
void add_address(const char* text) {
  struct {
    nlmsghdr header{};
    ifaddrmsg message{};
    rtattr attribute{};
    in6_addr address{};
  } request;
  static_assert(sizeof request == NLMSG_LENGTH(sizeof(ifaddrmsg)) + RTA_LENGTH(sizeof(in6_addr)));
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_NEWADDR;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
  request.message.ifa_family = AF_INET6;
  request.message.ifa_prefixlen = 128;
  request.message.ifa_flags = IFA_F_NODAD;
  request.message.ifa_index = if_nametoindex("lo");
  request.attribute.rta_type = IFA_LOCAL;
  request.attribute.rta_len = RTA_LENGTH(sizeof(in6_addr));
  ASSERT_EQ(inet_pton(AF_INET6, text, &request.address), 1);
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  ASSERT_EQ(send(fd, &request, sizeof request, 0), static_cast<ssize_t>(sizeof request));
  struct {
    nlmsghdr header{};
    nlmsgerr error{};
  } reply;
  ASSERT_GE(recv(fd, &reply, sizeof reply, 0), 0);
  ASSERT_EQ(reply.error.error, 0) << strerror(-reply.error.error);
  close(fd);
}

TEST(SourceFilter, DropsTheDroppedAndNoOther) {
  const ShardSockets sockets = open_for_one_shard({{.endpoint = loopback(Family::ipv4)}});
  const BoundSocket& socket = sockets[0];
  attach(socket.fd(), {none_of("127.1.2.0/24"), none_of("127.5.0.7/32"), none_of("127.9.16.0/20"),
                       none_of("2001:db8::/32")});
  for (const char* dropped :
       {"127.1.2.0", "127.1.2.255", "127.5.0.7", "127.9.16.1", "127.9.31.255"}) {
    const uint32_t drops = drops_of(socket.fd());
    EXPECT_FALSE(arrives(socket, dropped)) << dropped;
    EXPECT_EQ(drops_of(socket.fd()), drops + 1) << "the kernel counts it";
  }
  const uint32_t drops = drops_of(socket.fd());
  for (const char* other : {"127.1.1.255", "127.1.3.0", "127.5.0.6", "127.5.0.8", "127.9.15.255",
                            "127.9.32.0", "127.0.0.1"}) {
    EXPECT_TRUE(arrives(socket, other)) << other;
  }
  EXPECT_EQ(drops_of(socket.fd()), drops);
}

TEST(SourceFilter, DropsByEachWordOfAnIPv6Source) {
  const bool is_permitted = in_own_network(65536, [] {
    constexpr const char* all[] = {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:7",
                                   "2001:db8:1:2:3:5:5:6", "2001:db8:1:3:3:4:5:6",
                                   "2001:db8:2:2:3:4:5:6", "2001:db9:1:2:3:4:5:6"};
    for (const char* address : all) add_address(address);
    const ShardSockets sockets = open_for_one_shard({{.endpoint = endpoint("[::1]:0")}});
    const struct {
      const char* net;
      std::vector<bool> is_dropped;
    } cases[] = {
        {"2001:db8:1:2:3:4:5:6/128", {true, false, false, false, false, false}},
        {"2001:db8:1:2:3:4:5:6/127", {true, true, false, false, false, false}},
        {"2001:db8:1:2:3:4::/96", {true, true, false, false, false, false}},
        {"2001:db8:1:2::/64", {true, true, true, false, false, false}},
        {"2001:db8:1::/56", {true, true, true, true, false, false}},
        {"2001:db8:1::/48", {true, true, true, true, false, false}},
        {"2001:db8::/32", {true, true, true, true, true, false}},
        {"::/0", {true, true, true, true, true, true}},
        {"0.0.0.0/0", {false, false, false, false, false, false}},
    };
    for (const auto& each : cases) {
      attach(sockets[0].fd(), {none_of(each.net)});
      for (size_t i = 0; i < std::size(all); ++i) {
        EXPECT_EQ(arrives(sockets[0], all[i]), !each.is_dropped[i]) << all[i] << " " << each.net;
      }
    }
  });
  if (!is_permitted) GTEST_SKIP() << no_namespace;
}

// No socket of a node takes both families (IPV6_V6ONLY), but one that did would be filtered, too.
TEST(SourceFilter, AMappedSourceIsAnIPv4Source) {
  const int both = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int no = 0;
  ASSERT_EQ(setsockopt(both, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no), 0);
  SocketAddress any{};
  socklen_t size = write_socket_address(wildcard(Family::ipv6), &any);
  ASSERT_EQ(bind(both, &any.any, size), 0);
  ASSERT_EQ(getsockname(both, &any.any, &size), 0);
  const BoundSocket owned(both);
  Endpoint to = own_loopback(endpoint_of(any).port);
  attach(both, {none_of("127.1.2.0/24")});
  LoopbackClient(endpoint("127.1.2.3:0")).send_to(to, "dropped");
  EXPECT_FALSE(takes(both));
  LoopbackClient(endpoint("127.1.3.3:0")).send_to(to, "let in");
  EXPECT_TRUE(takes(both));
}

TEST(SourceFilter, IsReplacedAndRemoved) {
  const ShardSockets sockets = open_for_one_shard({{.endpoint = loopback(Family::ipv4)}});
  const BoundSocket& socket = sockets[0];
  EXPECT_EQ(detach_source_filter(socket.fd()), 0) << "none is attached";
  attach(socket.fd(), {none_of("127.1.0.0/16")});
  EXPECT_FALSE(arrives(socket, "127.1.0.1"));
  attach(socket.fd(), {none_of("127.2.0.0/16")});
  EXPECT_TRUE(arrives(socket, "127.1.0.1"));
  EXPECT_FALSE(arrives(socket, "127.2.0.1"));
  EXPECT_EQ(detach_source_filter(socket.fd()), 0);
  EXPECT_TRUE(arrives(socket, "127.2.0.1"));
}

TEST(SourceFilter, AKeptSourcePassesWithinADroppedNet) {
  const ShardSockets sockets = open_for_one_shard({{.endpoint = loopback(Family::ipv4)}});
  attach(sockets[0].fd(), {none_of("127.1.0.0/16")}, {subnet("127.1.2.3/32")});
  EXPECT_TRUE(arrives(sockets[0], "127.1.2.3"));
  EXPECT_FALSE(arrives(sockets[0], "127.1.2.4"));
}

// 4,000 chances: beyond these bounds is one run in a billion.
TEST(SourceFilter, AShareLetsThatPartPass) {
  const ShardSockets sockets = open_for_one_shard({{.endpoint = loopback(Family::ipv4)}});
  const BoundSocket& socket = sockets[0];
  const auto passed_of_4000 = [&](const std::vector<SourceShare>& shares) {
    attach(socket.fd(), shares);
    LoopbackClient client(endpoint("127.1.2.3:0"));
    uint32_t passed = 0;
    for (int i = 0; i < 4000; ++i) {
      client.send_to(socket.bound, "hello");
      passed += takes(socket.fd());
    }
    return passed;
  };
  EXPECT_NEAR(passed_of_4000({{subnet("127.1.2.3/32"), 0.25}}), 1000, 165);
  EXPECT_NEAR(passed_of_4000({{subnet("127.1.2.3/32"), 0.01}}), 40, 38);
  EXPECT_NEAR(passed_of_4000({{subnet("127.1.2.3/32"), 0.5}, {subnet("127.1.2.0/24"), 0.5}}), 1000,
              165);
  EXPECT_EQ(passed_of_4000({{subnet("127.1.2.3/32"), 1}}), 4000u);
}

// The kernel lets a send of several through whole until a socket takes it apart.
TEST(SourceFilter, DropsEachDatagramOfACoalescedSend) {
  const ShardSockets sockets = open_for_one_shard({{.endpoint = loopback(Family::ipv4)}});
  const BoundSocket& socket = sockets[0];
  attach(socket.fd(), {none_of("127.1.2.3/32")});
  const uint32_t drops = drops_of(socket.fd());
  for (const char* source : {"127.1.2.3:0", "127.1.2.4:0"}) {
    LoopbackClient client(endpoint(source));
    const int segment = 5;
    ASSERT_EQ(setsockopt(client.fd(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
    client.send_to(socket.bound, "one..two..three");
  }
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(takes(socket.fd()));
  EXPECT_FALSE(takes(socket.fd()));
  EXPECT_EQ(drops_of(socket.fd()), drops + 3);
}

TEST(SourceFilter, WorksOnTheSocketThatSteeringPicked) {
  using namespace std::literals;
  const SteeringRule rules[] = {{{SteeringRule::Match{0, "to"sv}}, SteeringRule::Target::index, 2}};
  std::vector<ShardSockets> group;
  const Listen listen{.endpoint = loopback(Family::ipv4), .steering = rules};
  ASSERT_FALSE(open_sockets(std::vector<Listen>{listen}, {.shards = 3}, &group));
  ASSERT_TRUE(group[0][0].is_steered);
  attach(group[1][0].fd(), {none_of("127.1.2.3/32")});
  LoopbackClient flooder(endpoint("127.1.2.3:0"));
  LoopbackClient other(endpoint("127.1.2.4:0"));
  for (uint8_t shard = 0; shard < 3; ++shard) {
    const int fd = group[shard][0].fd();
    const std::string bytes = "to"s + static_cast<char>(shard);
    flooder.send_to(group[0][0].bound, bytes);
    EXPECT_EQ(takes(fd), shard != 1) << "only its own filter counts";
    other.send_to(group[0][0].bound, bytes);
    EXPECT_TRUE(takes(fd));
  }
  for (const ShardSockets& sockets : group) EXPECT_FALSE(takes(sockets[0].fd()));
}

// 32 of the longest that the node drops, twice in the socket's option memory while one replaces the
// other; each is found.
TEST(SourceFilter, AFullFilterIsTakenAndComplete) {
  const ShardSockets sockets = open_for_one_shard({{.endpoint = loopback(Family::ipv4)}});
  std::vector<SourceShare> shares;
  std::vector<Subnet> kept;
  for (uint32_t i = 0; i < source_shares_max; ++i) {
    const std::string end = std::to_string(i);
    shares.push_back(i % 2 == 0 ? none_of("127.7.0." + end + "/32")
                                : none_of("2001:db8:1:" + end + "::/64"));
    kept.push_back(subnet("2001:db8:1:2:3:4:5:" + end + "/128"));
  }
  attach(sockets[0].fd(), shares, kept);
  attach(sockets[0].fd(), shares, kept);
  for (uint32_t i = 0; i < source_shares_max; ++i) {
    EXPECT_EQ(arrives(sockets[0], "127.7.0." + std::to_string(i)), i % 2 == 1) << i;
  }
}

TEST(SourceFilter, AKernelThatRefusesSaysWhy) {
  const SystemCallArgument attach_filter{2, SO_ATTACH_FILTER};
  with_refused_system_call(SYS_setsockopt, attach_filter, ENOMEM, [] {
    const ShardSockets sockets = open_for_one_shard({{.endpoint = loopback(Family::ipv4)}});
    EXPECT_EQ(attach_source_filter(sockets[0].fd(), SourceFilter({}, {})), ENOMEM);
    EXPECT_TRUE(arrives(sockets[0], "127.1.2.3"));
  });
}

}  // namespace
}  // namespace xord
