// Reports of closed ports: whom they name, what they leave out, and what stop() leaves behind. On
// loopback the kernel reports before sendto(2) returns, so nothing here waits.
#include "tools/cli/port_errors.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "reactor/socket_address.h"
#include "tests/own_loopback.h"

namespace xord {
namespace {

Endpoint loopback_v6() {
  return *Endpoint::parse("[::1]:0");
}
ShardSockets open_at(const std::vector<Endpoint>& endpoints) {
  std::vector<Listen> listens;
  for (const Endpoint& endpoint : endpoints) listens.push_back({.endpoint = endpoint});
  std::vector<ShardSockets> sockets;
  EXPECT_FALSE(open_sockets(listens, {}, &sockets));
  return std::move(sockets.at(0));
}
// A port that was free a moment ago.
Endpoint closed_port(const Endpoint& address) {
  return open_at({address})[0].bound;
}
// errno of the send; 0: it was sent.
int send_to(const BoundSocket& socket, const Endpoint& to) {
  SocketAddress address;
  const socklen_t size = write_socket_address(to, &address);
  return sendto(socket.fd(), "x", 1, 0, &address.any, size) == 1 ? 0 : errno;
}

class PortErrorsTest : public testing::TestWithParam<Endpoint> {
 protected:
  ShardSockets sockets_ = open_at({GetParam()});
};
INSTANTIATE_TEST_SUITE_P(Families, PortErrorsTest, testing::Values(own_loopback(), loopback_v6()),
                         [](const auto& each) { return each.param.is_ipv4() ? "ipv4" : "ipv6"; });

TEST_P(PortErrorsTest, EachClosedPortIsNamedOnce) {
  PortErrors errors(sockets_);
  EXPECT_EQ(errors.next(), std::nullopt);
  const Endpoint first = closed_port(GetParam());
  EXPECT_EQ(send_to(sockets_[0], first), 0);
  EXPECT_EQ(errors.next(), first);
  EXPECT_EQ(errors.next(), std::nullopt);
  const Endpoint second = closed_port(GetParam());
  EXPECT_EQ(send_to(sockets_[0], second), 0);
  EXPECT_EQ(errors.next(), second);
  EXPECT_EQ(send_to(sockets_[0], sockets_[0].bound), 0) << "a port that is open";
  EXPECT_EQ(errors.next(), std::nullopt);
}

TEST_P(PortErrorsTest, AfterStopNothingIsLeftThatWouldFailTheNextCall) {
  const Endpoint closed = closed_port(GetParam());
  PortErrors errors(sockets_);
  EXPECT_EQ(send_to(sockets_[0], closed), 0);
  errors.stop();
  EXPECT_EQ(errors.next(), std::nullopt);
  char byte = 0;
  EXPECT_EQ(recv(sockets_[0].fd(), &byte, 1, MSG_DONTWAIT), -1);
  EXPECT_EQ(errno, EAGAIN) << "not ECONNREFUSED";
  EXPECT_EQ(send_to(sockets_[0], closed), 0);
  EXPECT_EQ(send_to(sockets_[0], closed), 0) << "nothing is reported any more";
  errors.stop();
}

TEST(PortErrors, AsksEachSocketThatIsOpen) {
  ShardSockets sockets = open_at({own_loopback(), loopback_v6(), own_loopback()});
  sockets[0].close();
  const Endpoint closed_v6 = closed_port(loopback_v6());
  const Endpoint closed_v4 = closed_port(own_loopback());
  PortErrors errors(sockets);
  EXPECT_EQ(send_to(sockets[1], closed_v6), 0);
  EXPECT_EQ(send_to(sockets[2], closed_v4), 0);
  EXPECT_EQ(errors.next(), closed_v6);
  EXPECT_EQ(errors.next(), closed_v4);
  EXPECT_EQ(errors.next(), std::nullopt);
  errors.stop();
}

// A message that does not fit leaves a report, too, which is not of a port.
TEST(PortErrors, AnotherReportIsPassedOver) {
  const ShardSockets sockets = open_at({own_loopback()});
  PortErrors errors(sockets);
  const int always = IP_PMTUDISC_DO;
  ASSERT_EQ(setsockopt(sockets[0].fd(), IPPROTO_IP, IP_MTU_DISCOVER, &always, sizeof always), 0);
  SocketAddress address;
  const Endpoint closed = closed_port(own_loopback());
  const socklen_t size = write_socket_address(closed, &address);
  const std::string large(65'507, 'x');
  if (sendto(sockets[0].fd(), large.data(), large.size(), 0, &address.any, size) != -1) {
    EXPECT_EQ(errors.next(), closed) << "loopback takes 64 KiB here";
    return;
  }
  EXPECT_EQ(errno, EMSGSIZE);
  EXPECT_EQ(errors.next(), std::nullopt);
  EXPECT_EQ(send_to(sockets[0], closed), 0);
  EXPECT_EQ(errors.next(), closed);
}

}  // namespace
}  // namespace xord
