// What both backends must do, a step at a time.
#include "reactor/udp_backend.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/reactor/backend_harness.h"

namespace xord {
namespace {

LocalAddress through_socket(uint8_t index) {
  LocalAddress local;
  local.socket = index;
  return local;
}

class UdpBackendTest : public OnBothBackends {};
ON_BOTH_BACKENDS(UdpBackendTest);

TEST_P(UdpBackendTest, ADatagramComesInWithItsPathAndGoesBackAlongIt) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    BackendHarness harness(GetParam(), {{loopback(family)}});
    LoopbackClient client(loopback(family));
    client.connect(harness.server());
    client.send("hello");
    harness.pump();
    ASSERT_EQ(harness.received.size(), 1u);
    EXPECT_EQ(harness.received[0].bytes, "hello");
    EXPECT_EQ(harness.received[0].path.remote, client.local());
    EXPECT_EQ(harness.received[0].path.local.socket, 0);
    EXPECT_EQ(harness.received[0].path.local.address, harness.server().address);
    harness.send_back_all();
    EXPECT_EQ(client.receive(), "hello");
    EXPECT_EQ(harness.count(IoSum::received), 1u);
    EXPECT_EQ(harness.count(IoSum::received_bytes), 5u);
    EXPECT_EQ(harness.count(IoSum::sent), 1u);
    EXPECT_EQ(harness.count(IoSum::sent_bytes), 5u);
    const uint64_t of_ipv6 = family == Family::ipv6 ? 1 : 0;
    EXPECT_EQ(harness.count(IoCounter::received_ipv6), of_ipv6);
    EXPECT_EQ(harness.count(IoCounter::received_ipv6_bytes), 5 * of_ipv6);
    EXPECT_EQ(harness.count(IoCounter::sent_ipv6), of_ipv6);
    EXPECT_EQ(harness.count(IoCounter::sent_ipv6_bytes), 5 * of_ipv6);
  }
}

TEST_P(UdpBackendTest, ABatchOfManyIsEchoedInOrder) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    BackendHarness harness(GetParam(), {{wildcard(family)}});
    LoopbackClient client(loopback(family));
    client.connect(loopback(family, harness.server().port));
    constexpr int datagrams = 300;  // More than a batch, a submission queue, and the buffers.
    for (int i = 0; i < datagrams; ++i) client.send("number " + std::to_string(i));
    harness.pump();
    ASSERT_EQ(harness.received.size(), static_cast<size_t>(datagrams));
    harness.send_back_all();
    for (int i = 0; i < datagrams; ++i) ASSERT_EQ(client.receive(), "number " + std::to_string(i));
    EXPECT_EQ(client.receive_if_there(), std::nullopt);
    EXPECT_EQ(harness.count(IoCounter::send_failed), 0u);
  }
}

TEST_P(UdpBackendTest, AReceiveHandsOverAtMostOneBatch) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}, {loopback(Family::ipv4)}});
  LoopbackClient client(loopback(Family::ipv4));
  for (uint32_t i = 0; i < 2 * batch_max; ++i) client.send_to(harness.server(i % 2), "x");
  harness.chosen.backend->send_and_wait(harness.nothing, Duration{});
  EXPECT_LE(harness.chosen.backend->receive(harness), batch_max);
  EXPECT_LE(harness.received.size(), batch_max);
  harness.pump();
  EXPECT_EQ(harness.received.size(), 2 * batch_max);
}

TEST_P(UdpBackendTest, OnAWildcardAddressTheReplyLeavesFromTheAddressThatWasAsked) {
  BackendHarness harness(GetParam(), {{wildcard(Family::ipv4)}});
  LoopbackClient client(loopback(Family::ipv4));
  Endpoint asked = endpoint("127.0.0.77:0");
  asked.port = harness.server().port;
  client.connect(asked);  // From now on the kernel drops datagrams from any other address.
  client.send("who are you");
  harness.pump();
  ASSERT_EQ(harness.received.size(), 1u);
  EXPECT_EQ(harness.received[0].path.local.address, asked.address);
  EXPECT_EQ(harness.received[0].path.local.interface, 0u);
  harness.send_back_all();
  EXPECT_EQ(client.receive(), "who are you");
}

TEST_P(UdpBackendTest, OnTheIpv6WildcardTheAddressAskedIsKnownToo) {
  BackendHarness harness(GetParam(), {{wildcard(Family::ipv6)}});
  LoopbackClient client(loopback(Family::ipv6));
  client.connect(loopback(Family::ipv6, harness.server().port));
  client.send("who are you");
  harness.pump();
  ASSERT_EQ(harness.received.size(), 1u);
  EXPECT_EQ(harness.received[0].path.local.address, loopback(Family::ipv6).address);
  EXPECT_EQ(harness.received[0].path.local.interface, 0u);
  harness.send_back_all();
  EXPECT_EQ(client.receive(), "who are you");
}

TEST_P(UdpBackendTest, WithoutALocalAddressTheFirstSocketOfTheFamilySends) {
  BackendHarness harness(GetParam(), {{wildcard(Family::ipv6)}, {loopback(Family::ipv4)}});
  LoopbackClient client4(loopback(Family::ipv4));
  LoopbackClient client6(loopback(Family::ipv6));
  client4.connect(harness.server(1));
  client6.connect(loopback(Family::ipv6, harness.server(0).port));
  harness.queue({client4.local(), {}}, "four");
  harness.queue({client6.local(), {}}, "six");
  harness.queue({client4.local(), {}}, "four again");
  harness.send();
  EXPECT_EQ(client4.receive(), "four");
  EXPECT_EQ(client4.receive(), "four again");
  EXPECT_EQ(client6.receive(), "six");
}

TEST_P(UdpBackendTest, WithoutASocketOfTheFamilyADatagramIsDroppedAndCounted) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
  harness.queue({endpoint("[::1]:9"), {}}, "nowhere to go");
  harness.queue({endpoint("127.0.0.1:9"), through_socket(7)}, "no such socket");
  harness.send();
  EXPECT_EQ(harness.count(IoCounter::send_without_socket), 2u);
  EXPECT_EQ(harness.count(IoSum::sent), 0u);
}

TEST_P(UdpBackendTest, AnEmptyDatagramIsCountedAndDoesNotStopReception) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(harness.server());
  for (int round = 1; round <= 3; ++round) {
    client.send("");
    client.send("after an empty one");
    harness.pump();
    ASSERT_EQ(harness.received.size(), static_cast<size_t>(round));
  }
  EXPECT_EQ(harness.count(IoCounter::received_empty), 3u);
  EXPECT_EQ(harness.count(IoSum::received), 3u);
}

TEST_P(UdpBackendTest, ATooLongDatagramIsCountedAndDroppedAndTheLongestIsNot) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    BackendHarness harness(GetParam(), {{wildcard(family)}});
    LoopbackClient client(loopback(family));
    client.connect(loopback(family, harness.server().port));
    client.send(std::string(datagram_bytes_max + 1, 'x'));
    client.send(std::string(60000, 'x'));
    const std::string longest(datagram_bytes_max, 'y');
    client.send(longest);
    harness.pump();
    EXPECT_EQ(harness.count(IoCounter::received_too_long), 2u);
    ASSERT_EQ(harness.received.size(), 1u);
    EXPECT_EQ(harness.received[0].bytes, longest);
  }
}

TEST_P(UdpBackendTest, RefusedSendsAreCountedByKindAndDoNotStopTheOthers) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
  LoopbackClient client(loopback(Family::ipv4));
  client.connect(harness.server());
  harness.queue({client.local(), {}}, "before");
  harness.queue({client.local(), {}}, std::string(65508, 'x'));     // More than UDP can carry.
  harness.queue({endpoint("127.255.255.255:9"), {}}, "broadcast");  // Needs SO_BROADCAST.
  harness.queue({endpoint("127.0.0.1:0"), {}}, "port 0");
  harness.queue({endpoint("[::1]:9"), through_socket(0)}, "the other family");
  harness.queue({client.local(), {}}, "after");
  harness.send();
  EXPECT_EQ(client.receive(), "before");
  EXPECT_EQ(client.receive(), "after");
  harness.pump();  // io_uring reports failures in completions.
  EXPECT_EQ(harness.count(IoSum::sent), 6u);
  EXPECT_EQ(harness.count(IoCounter::send_too_long), 1u);
  EXPECT_EQ(harness.count(IoCounter::send_forbidden), 1u);
  EXPECT_EQ(harness.count(IoCounter::send_invalid), 2u);
  EXPECT_EQ(harness.count(IoCounter::send_failed), 0u);
}

TEST_P(UdpBackendTest, AnUnreachablePeerDoesNotStopReception) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
  const Endpoint nobody = own_loopback(own_port);
  harness.queue({nobody, {}}, "anyone?");  // Answered by an ICMP error.
  harness.send();
  LoopbackClient client(loopback(Family::ipv4));
  client.send_to(harness.server(), "still there?");
  harness.pump();
  EXPECT_EQ(harness.received.size(), 1u);
  EXPECT_EQ(harness.count(IoCounter::receive_failed), 0u);
}

TEST_P(UdpBackendTest, AWaitEndsByARingOfTheDoorbellEachTime) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
  for (int i = 0; i < 100; ++i) {
    harness.doorbell.ring();
    harness.chosen.backend->send_and_wait(harness.nothing, std::nullopt);
    harness.chosen.backend->receive(harness);
  }
}

TEST_P(UdpBackendTest, AWaitEndsByARingOfAnotherThread) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
  std::thread other([&] { harness.doorbell.ring(); });
  harness.chosen.backend->send_and_wait(harness.nothing, std::nullopt);
  other.join();
}

TEST_P(UdpBackendTest, AWaitEndsByADatagramAndByItsTimeout) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
  harness.chosen.backend->send_and_wait(harness.nothing, milliseconds(3));
  EXPECT_EQ(harness.chosen.backend->receive(harness), 0u);
  LoopbackClient client(loopback(Family::ipv4));
  client.send_to(harness.server(), "wake up");
  harness.chosen.backend->send_and_wait(harness.nothing, std::nullopt);
  harness.pump();
  EXPECT_EQ(harness.received.size(), 1u);
}

TEST_P(UdpBackendTest, AnAbsentSocketKeepsTheIndicesOfTheOthers) {
  with_refused_system_call(SYS_socket, {{0, AF_INET6}}, EAFNOSUPPORT, [&] {
    BackendHarness harness(
        GetParam(), {{wildcard(Family::ipv6), IfFamilyMissing::skip}, {loopback(Family::ipv4)}});
    LoopbackClient client(loopback(Family::ipv4));
    client.connect(harness.server(1));
    client.send("hello");
    harness.pump();
    ASSERT_EQ(harness.received.size(), 1u);
    EXPECT_EQ(harness.received[0].path.local.socket, 1);
    harness.send_back_all();
    EXPECT_EQ(client.receive(), "hello");
  });
}

TEST_P(UdpBackendTest, StoppingFreesThePortAtOnce) {
  const Endpoint server = own_loopback(own_port);
  for (int i = 0; i < 50; ++i) {
    BackendHarness harness(GetParam(), {{server}});
    LoopbackClient client(loopback(Family::ipv4));
    client.send_to(server, "one is taken");
    harness.pump();
    client.send_to(server, "one is left");
  }
}

TEST(UdpBackend, CountsErrnosUnderTheirKind) {
  const std::vector<std::pair<int, IoCounter>> kinds = {
      {EAGAIN, IoCounter::send_would_block},        {ENOBUFS, IoCounter::send_would_block},
      {ENOMEM, IoCounter::send_would_block},        {EPERM, IoCounter::send_forbidden},
      {EACCES, IoCounter::send_forbidden},          {EMSGSIZE, IoCounter::send_too_long},
      {ENETUNREACH, IoCounter::send_unreachable},   {EHOSTUNREACH, IoCounter::send_unreachable},
      {ENETDOWN, IoCounter::send_unreachable},      {ENODEV, IoCounter::send_unreachable},
      {EADDRNOTAVAIL, IoCounter::send_unreachable}, {EINVAL, IoCounter::send_invalid},
      {EAFNOSUPPORT, IoCounter::send_invalid},      {EIO, IoCounter::send_failed}};
  for (const auto& [error_number, counter] : kinds) {
    IoCounters counters;
    count_send_error(counters, error_number);
    EXPECT_EQ(counters.read(counter), 1u) << error_number;
  }
}

TEST(EpollBackend, WhatTheHostRefusesIsAnErrorThatSaysWhat) {
  const std::vector<std::pair<long, std::string>> refusals = {
      {SYS_epoll_create1, "cannot make an epoll instance: Too many open files"},
      {SYS_epoll_ctl, "cannot watch a socket with epoll: Too many open files"}};
  for (const auto& [call, sentence] : refusals) {
    with_refused_system_call(call, std::nullopt, EMFILE, [&] {
      const ShardSockets sockets = open_for_one_shard({{loopback(Family::ipv4)}});
      const Doorbell doorbell;
      IoCounters counters;
      ChosenBackend chosen;
      const auto error = choose_backend(IoChoice::epoll, {}, sockets, doorbell, counters, &chosen);
      ASSERT_TRUE(error) << sentence;
      EXPECT_EQ(error->sentence, sentence);
      EXPECT_EQ(error->error_number, EMFILE);
      EXPECT_EQ(chosen.backend, nullptr);
    });
  }
}

TEST(EpollBackend, WaitsWithMillisecondsWhereTheKernelIsOlder) {
  with_refused_system_call(SYS_epoll_pwait2, std::nullopt, ENOSYS, [] {
    BackendHarness harness(IoChoice::epoll, {{loopback(Family::ipv4)}});
    harness.chosen.backend->send_and_wait(harness.nothing, microseconds(10));
    LoopbackClient client(loopback(Family::ipv4));
    client.send_to(harness.server(), "hello");
    harness.chosen.backend->send_and_wait(harness.nothing, std::nullopt);
    harness.pump();
    EXPECT_EQ(harness.received.size(), 1u);
  });
}

}  // namespace
}  // namespace xord
