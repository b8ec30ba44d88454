#include "node/server/http/http_connections.h"

#include <gtest/gtest.h>

#include <vector>

namespace xord {
namespace {

const MonotonicTime start{1'000'000'000};

HttpPeer tcp(const std::string& address) {
  return {HttpSource::other, *IpAddress::parse(address), *IpAddress::parse("192.0.2.1")};
}
HttpPeer local() {
  return {HttpSource::unix_socket, {}, {}};
}

class HttpConnectionsTest : public testing::Test {
 protected:
  HttpConnection* admit(const HttpPeer& peer) {
    refused_as = HttpCount::count;
    return connections.admit(peer, 3, start, &refused_as);
  }
  bool is_expired(MonotonicTime now) { return connections.take_expired(now) != nullptr; }

  HttpConnections connections{HttpTimes{}};
  HttpCount refused_as{};
};

TEST_F(HttpConnectionsTest, AnAddressHasSixteen) {
  std::vector<HttpConnection*> all;
  for (uint32_t i = 0; i < http_connections_an_address; ++i) {
    all.push_back(admit(tcp("198.51.100.7")));
    ASSERT_NE(all.back(), nullptr);
  }
  EXPECT_EQ(admit(tcp("198.51.100.7")), nullptr);
  EXPECT_EQ(refused_as, HttpCount::connections_refused_by_address);
  EXPECT_NE(admit(tcp("198.51.100.8")), nullptr);
  connections.release(all.front());
  EXPECT_NE(admit(tcp("198.51.100.7")), nullptr);
}

TEST_F(HttpConnectionsTest, AnIpv6HostHasOneShareWhateverAddressOfItsNetworkItTakes) {
  for (uint32_t i = 0; i < http_connections_an_address; ++i) {
    ASSERT_NE(admit(tcp("2001:db8::" + std::to_string(i))), nullptr);
  }
  EXPECT_EQ(admit(tcp("2001:db8::ffff")), nullptr);
  EXPECT_EQ(admit(tcp("2001:db8:0:0:8000::")), nullptr) << "its network has 64 bits";
  EXPECT_NE(admit(tcp("2001:db8:0:1::1")), nullptr);
}

TEST_F(HttpConnectionsTest, AnIpv4AddressIsNotSharedWithItsNeighbours) {
  for (uint32_t i = 0; i < http_connections_an_address; ++i) {
    ASSERT_NE(admit(tcp("198.51.100.7")), nullptr);
  }
  EXPECT_NE(admit(tcp("198.51.100.6")), nullptr);
}

TEST_F(HttpConnectionsTest, APlaceThatIsFreeAgainIsOfTheKindThatItWas) {
  std::vector<HttpConnection*> all;
  for (int host = 0; host < 48; ++host) all.push_back(admit(tcp("10.0.0." + std::to_string(host))));
  for (int i = 0; i < 16; ++i) all.push_back(admit(local()));
  connections.release(all.back());
  EXPECT_EQ(admit(tcp("10.0.1.1")), nullptr) << "it is one of a Unix socket";
  EXPECT_EQ(refused_as, HttpCount::connections_refused);
  EXPECT_NE(admit(local()), nullptr);
  connections.release(all.front());
  EXPECT_EQ(admit(local()), nullptr);
  EXPECT_NE(admit(tcp("10.0.1.1")), nullptr);
  EXPECT_EQ(connections.count(), http_connections_max);
}

TEST_F(HttpConnectionsTest, AConnectionIsThatOfItsSocketAndPeerUntilItIsReleased) {
  HttpConnection* one = admit(tcp("198.51.100.7"));
  EXPECT_EQ(one->state, HttpConnection::State::reading);
  EXPECT_EQ(one->socket, 3);
  EXPECT_EQ(one->peer.source, HttpSource::other);
  EXPECT_EQ(one->peer.local, *IpAddress::parse("192.0.2.1"));
  EXPECT_TRUE(one->target.empty());
  EXPECT_EQ(connections.count(), 1u);
  connections.begin_request(one, "/a", start);
  connections.serve(one);
  EXPECT_EQ(one->state, HttpConnection::State::served);
  EXPECT_FALSE(one->deadline);
  connections.begin_answer(one, false, start);
  EXPECT_EQ(one->state, HttpConnection::State::sending);
  connections.end_answer(one, start);
  EXPECT_EQ(one->state, HttpConnection::State::idle);
  connections.release(one);
  EXPECT_EQ(one->state, HttpConnection::State::free);
  EXPECT_FALSE(one->deadline);
  EXPECT_EQ(connections.count(), 0u);
}

TEST_F(HttpConnectionsTest, TcpCannotTakeThePlacesOfUnixSockets) {
  uint32_t admitted = 0;
  for (int host = 0; host < 100; ++host)
    admitted += admit(tcp("10.0.0." + std::to_string(host))) != nullptr;
  EXPECT_EQ(admitted, http_connections_max - http_connections_an_address);
  EXPECT_EQ(refused_as, HttpCount::connections_refused);
  for (uint32_t i = 0; i < http_connections_an_address; ++i) ASSERT_NE(admit(local()), nullptr);
  EXPECT_EQ(connections.count(), http_connections_max);
  EXPECT_EQ(admit(local()), nullptr);
  EXPECT_EQ(refused_as, HttpCount::connections_refused_by_address);
}

TEST_F(HttpConnectionsTest, TheFirstRequestHasTenSecondsFromTheConnection) {
  HttpConnection* one = admit(local());
  EXPECT_EQ(connections.next_deadline(), start + HttpTimes{}.request);
  connections.begin_request(one, "/a", start + seconds(9));
  EXPECT_EQ(one->target, "/a");
  EXPECT_FALSE(is_expired(start + seconds(9)));
  EXPECT_TRUE(is_expired(start + seconds(10))) << "its first line gives it no more time";
  EXPECT_FALSE(is_expired(start + seconds(10))) << "once";
  EXPECT_FALSE(connections.next_deadline());
}

TEST_F(HttpConnectionsTest, AnAnswerThatIsNotReadEndsTheConnectionAndAWaitDoesNot) {
  HttpConnection* one = admit(local());
  connections.begin_request(one, "/", start);
  connections.serve(one);
  EXPECT_FALSE(is_expired(start + hours(1))) << "the handler takes its time";
  connections.begin_answer(one, false, start + hours(1));
  EXPECT_FALSE(is_expired(start + hours(1) + seconds(59)));
  EXPECT_TRUE(is_expired(start + hours(1) + seconds(60)));
}

TEST_F(HttpConnectionsTest, AStreamHasNoDeadline) {
  HttpConnection* one = admit(local());
  connections.begin_request(one, "/", start);
  connections.serve(one);
  connections.begin_answer(one, true, start);
  EXPECT_FALSE(is_expired(start + hours(1000)));
}

TEST_F(HttpConnectionsTest, TheNextRequestHasTenSecondsFromItsFirstLine) {
  HttpConnection* one = admit(local());
  connections.begin_request(one, "/", start);
  connections.serve(one);
  connections.begin_answer(one, false, start);
  connections.end_answer(one, start);
  EXPECT_EQ(connections.next_deadline(), start + HttpTimes{}.idle);
  connections.begin_request(one, "/b", start + seconds(50));
  EXPECT_EQ(one->target, "/b");
  EXPECT_FALSE(is_expired(start + seconds(59)));
  EXPECT_TRUE(is_expired(start + seconds(60)));
}

TEST_F(HttpConnectionsTest, TheEarliestDeadlineIsNext) {
  HttpConnection* one = admit(local());
  HttpCount ignored{};
  connections.admit(local(), 4, start + seconds(1), &ignored);
  EXPECT_EQ(connections.next_deadline(), start + seconds(10));
  connections.release(one);
  EXPECT_EQ(connections.next_deadline(), start + seconds(11));
  EXPECT_EQ(connections.count(), 1u);
}

}  // namespace
}  // namespace xord
