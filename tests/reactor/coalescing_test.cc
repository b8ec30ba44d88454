// Datagrams that leave together (UDP_SEGMENT): which do, and that no receiver can tell.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "reactor/base/rng.h"
#include "reactor/message_header.h"
#include "reactor/send_groups.h"
#include "tests/own_namespace.h"
#include "tests/reactor/backend_harness.h"

namespace xord {
namespace {

class Coalescing : public OnBothBackends {};
ON_BOTH_BACKENDS(Coalescing);

std::string numbered(int number, size_t size) {
  std::string text = std::to_string(number);
  text.resize(size, '.');
  return text;
}

TEST_P(Coalescing, EqualLengthsAlongOnePathLeaveTogetherAndArriveOneByOne) {
  for (const Endpoint& listen : {loopback(Family::ipv4), wildcard(Family::ipv4),
                                 loopback(Family::ipv6), wildcard(Family::ipv6)}) {
    BackendHarness harness(GetParam(), {{listen}});
    const Family family = listen.is_ipv4() ? Family::ipv4 : Family::ipv6;
    LoopbackClient client(loopback(family));
    client.connect(loopback(family, harness.server().port));  // Hears only the address it asked.
    constexpr int count = 150;                                // More than a batch.
    for (int i = 0; i < count; ++i) client.send(numbered(i, 600));
    harness.pump();
    ASSERT_EQ(harness.received.size(), static_cast<size_t>(count));
    harness.send_back_all();
    for (int i = 0; i < count; ++i) ASSERT_EQ(client.receive(), numbered(i, 600));
    EXPECT_EQ(client.receive_if_there(), std::nullopt);
    EXPECT_EQ(harness.count(IoSum::sent), uint64_t{count});
    EXPECT_EQ(harness.count(IoSum::sent_bytes), uint64_t{count} * 600);
    EXPECT_EQ(harness.count(IoCounter::sent_coalesced), uint64_t{count});
    EXPECT_EQ(harness.count(IoCounter::coalescing_refused), 0u);
  }
}

// Random replies to several peers over two sockets.
TEST_P(Coalescing, EachPeerHearsExactlyWhatWasMeantForIt) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    BackendHarness harness(GetParam(), {{wildcard(Family::ipv4)}, {loopback(Family::ipv4)}});
    std::vector<std::unique_ptr<LoopbackClient>> clients;
    for (int i = 0; i < 5; ++i) {
      clients.push_back(std::make_unique<LoopbackClient>(loopback(Family::ipv4)));
    }
    const size_t sizes[] = {1, 43, 600, 1232, 1233, 3000};
    std::map<std::pair<size_t, size_t>, std::vector<std::string>> expected;  // By client and size.
    std::vector<size_t> count(clients.size());
    for (int i = 0; i < 300; ++i) {
      const size_t to = rng.bounded(clients.size());
      const size_t size = sizes[rng.bounded(std::size(sizes))];
      Path path{clients[to]->local(), {}};
      path.local.socket = static_cast<uint8_t>(rng.bounded(2));
      const std::string text = numbered(i, size);
      expected[{to, size}].push_back(text);
      ++count[to];
      harness.queue(path, text);
      if (rng.chance(0.02)) harness.send();
    }
    harness.send();
    for (size_t to = 0; to < clients.size(); ++to) {
      for (size_t i = 0; i < count[to]; ++i) {
        const std::string text = clients[to]->receive();
        auto& texts = expected[{to, text.size()}];
        // In any order: find it among those left.
        const auto found = std::find(texts.begin(), texts.end(), text);
        ASSERT_NE(found, texts.end()) << "to " << to << ", " << text.size() << " bytes";
        texts.erase(found);
      }
      EXPECT_EQ(clients[to]->receive_if_there(), std::nullopt);
    }
    EXPECT_GT(harness.count(IoCounter::sent_coalesced), 0u);
    EXPECT_LT(harness.count(IoCounter::sent_coalesced), harness.count(IoSum::sent));
  }
}

// A peer may ask two of our addresses at once, and takes an answer only from the one that it asked.
TEST_P(Coalescing, EachAnswerLeavesFromTheAddressThatWasAsked) {
  for (const bool is_refused : {false, true}) {
    SCOPED_TRACE(is_refused ? "sent singly" : "sent together");
    BackendHarness harness(GetParam(), {{wildcard(Family::ipv4)}});
    const uint16_t port = harness.server().port;
    const Endpoint asked[] = {loopback(Family::ipv4, port), Endpoint::ipv4(0x7f000001, port),
                              Endpoint::ipv4(0x7f000002, port)};
    if (is_refused) {
      const int on = 1;
      ASSERT_EQ(setsockopt(harness.sockets[0].fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
    }
    LoopbackClient client(loopback(Family::ipv4));
    constexpr int count = 30;
    for (int i = 0; i < count; ++i) client.send_to(asked[i % 3], numbered(i, 100));
    harness.pump();
    ASSERT_EQ(harness.received.size(), static_cast<size_t>(count));
    harness.send_back_all();
    harness.pump();
    for (int i = 0; i < count; ++i) {
      Endpoint sender;
      const int number = std::stoi(client.receive_from(&sender));
      EXPECT_EQ(sender.text(), asked[number % 3].text()) << number;
    }
    EXPECT_EQ(client.receive_if_there(), std::nullopt);
    EXPECT_EQ(harness.count(IoCounter::sent_coalesced), uint64_t{count});
    EXPECT_EQ(harness.count(IoCounter::coalescing_refused), is_refused ? 3u : 0u);
  }
}

// A socket without checksums accepts no segments (EINVAL), nor does a device without them (EIO) or
// with a small MTU (EMSGSIZE).
TEST_P(Coalescing, WhatTheKernelRefusesTogetherGoesSingly) {
  for (const Endpoint& listen : {loopback(Family::ipv4), wildcard(Family::ipv4)}) {
    BackendHarness harness(GetParam(), {{listen}});
    const int on = 1;
    ASSERT_EQ(setsockopt(harness.sockets[0].fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
    LoopbackClient a(loopback(Family::ipv4));
    LoopbackClient b(loopback(Family::ipv4));
    LoopbackClient alone(loopback(Family::ipv4));
    for (int i = 0; i < 20; ++i) {
      harness.queue({a.local(), {}}, numbered(i, 100));
      harness.queue({b.local(), {}}, numbered(i, 200));
      if (i == 7) harness.queue({alone.local(), {}}, "alone");
    }
    harness.send();
    harness.pump();
    for (int i = 0; i < 20; ++i) ASSERT_EQ(a.receive(), numbered(i, 100));
    for (int i = 0; i < 20; ++i) ASSERT_EQ(b.receive(), numbered(i, 200));
    EXPECT_EQ(alone.receive(), "alone");
    EXPECT_EQ(harness.count(IoSum::sent), 41u);
    EXPECT_EQ(harness.count(IoCounter::coalescing_refused), 2u);
    EXPECT_EQ(harness.count(IoCounter::send_invalid), 0u);
    // Coalescing is retried only after a while.
    for (uint32_t i = 0; i < singly_after_refusal + 2 * batch_max; ++i) {
      harness.queue({a.local(), {}}, "again");
      if (i % 64 != 63) continue;
      harness.send();
      for (int n = 0; n < 64; ++n) ASSERT_EQ(a.receive(), "again");
      if (i < singly_after_refusal / 2) {
        ASSERT_EQ(harness.count(IoCounter::coalescing_refused), 2u);
      }
    }
    harness.pump();
    EXPECT_GT(harness.count(IoCounter::coalescing_refused), 2u);
  }
}

// Longer than the MTU, several are refused together (EMSGSIZE or EINVAL, by the kernel's age),
// while each by itself is sent in fragments.
TEST_P(Coalescing, WhatIsTooLongForASmallMtuGoesSingly) {
  const auto expect_all_arrive = [&] {
    BackendHarness harness(GetParam(), {{endpoint("127.0.0.1:0")}});
    LoopbackClient client(endpoint("127.0.0.1:0"));
    for (int i = 0; i < 20; ++i) harness.queue({client.local(), {}}, numbered(i, 1'000));
    harness.send();
    harness.pump();
    for (int i = 0; i < 20; ++i) ASSERT_EQ(client.receive(), numbered(i, 1'000));
    EXPECT_EQ(harness.count(IoSum::sent), 20u);
    EXPECT_EQ(harness.count(IoCounter::coalescing_refused), 1u);
    EXPECT_EQ(harness.count(IoCounter::send_too_long), 0u);
    EXPECT_EQ(harness.count(IoCounter::send_invalid), 0u);
  };
  if (!in_own_network(600, expect_all_arrive)) GTEST_SKIP() << no_namespace;
}

// Each datagram of a refused group is counted, and no other datagram is affected.
TEST_P(Coalescing, AGroupThatFailsForAnotherReasonIsCountedWhole) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
  LoopbackClient client(loopback(Family::ipv4));
  for (int i = 0; i < 10; ++i) {
    harness.queue({endpoint("127.255.255.255:9"), {}}, "broadcast");  // Needs SO_BROADCAST.
    harness.queue({client.local(), {}}, "unicast");
  }
  harness.send();
  harness.pump();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(client.receive(), "unicast");
  EXPECT_EQ(harness.count(IoCounter::send_forbidden), 10u);
  EXPECT_EQ(harness.count(IoCounter::coalescing_refused), 0u);
}

TEST_P(Coalescing, CanBeTurnedOff) {
  BackendHarness harness(GetParam(), {{loopback(Family::ipv4)}});
  harness.chosen.backend->set_coalescing(false);
  LoopbackClient client(loopback(Family::ipv4));
  for (int i = 0; i < 10; ++i) harness.queue({client.local(), {}}, "one by one");
  harness.send();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(client.receive(), "one by one");
  EXPECT_EQ(harness.count(IoCounter::sent_coalesced), 0u);
}

TEST(SendGroups, OfTheReasonsForARefusalOnlyThoseOfSegmentsAreTriedSingly) {
  for (const int error : {EMSGSIZE, EINVAL, EIO, EOPNOTSUPP}) {
    EXPECT_TRUE(may_refuse_segments(error)) << strerror(error);
  }
  for (const int error :
       {EAGAIN, ENOBUFS, ENOMEM, EPERM, EACCES, ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EBADF}) {
    EXPECT_FALSE(may_refuse_segments(error)) << strerror(error);
  }
}

// ---- The plan, against its rules.

IpAddress address_of_ours(uint64_t number) {
  return Endpoint::ipv4(0x7f000001 + static_cast<uint32_t>(number), 1).address;
}

const Outbox::Entry& entry_at(const Outbox& out, const uint8_t* begin) {
  const auto entries = out.entries();
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Outbox::Entry& entry) {
    return out.bytes(entry).data() == begin;
  });
  CHECK(found != entries.end());
  return *found;
}

TEST(SendGroups, PartitionABatchByPathAndLengthInOrder) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Outbox out(100, 200'000);
    const auto count = 1 + rng.bounded(100);
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t size = rng.chance(0.1) ? 1233 : 1230 + rng.bounded(3);
      out.reserve(size);
      Path path{Endpoint::ipv4(0x7f000001, static_cast<uint16_t>(1 + rng.bounded(3))), {}};
      path.local.socket = static_cast<uint8_t>(rng.bounded(2));
      path.local.address = address_of_ours(rng.bounded(2));
      path.local.interface = static_cast<uint32_t>(rng.bounded(2));
      out.commit(path, size);
    }
    SendGroups groups;
    const size_t planned = groups.plan(out.entries(), true);
    ASSERT_EQ(planned, std::min<size_t>(count, batch_max));
    std::vector<const uint8_t*> seen;  // Where each datagram's bytes begin.
    for (const SendGroups::Group& group : groups.groups()) {
      const Outbox::Entry& first = groups.entry(group.first);
      std::array<iovec, batch_max> room;
      size_t bytes = 0;
      const uint8_t* last = nullptr;
      for (const iovec& part : groups.gather(group, out, room)) {
        ASSERT_EQ(part.iov_len % first.size, 0u);
        for (size_t at = 0; at < part.iov_len; at += first.size) {
          const auto* begin = static_cast<const uint8_t*>(part.iov_base) + at;
          ASSERT_GT(begin, last) << "in order";
          const Outbox::Entry& entry = entry_at(out, begin);
          ASSERT_EQ(entry.size, first.size);
          ASSERT_EQ(entry.path.remote, first.path.remote);
          ASSERT_EQ(entry.path.local, first.path.local);
          seen.push_back(last = begin);
        }
        bytes += part.iov_len;
      }
      ASSERT_EQ(bytes, size_t{group.count} * first.size);
      ASSERT_LE(bytes, SendGroups::bytes_max);
      ASSERT_TRUE(group.count == 1 || first.size <= SendGroups::segment_size_max);
    }
    std::sort(seen.begin(), seen.end());
    ASSERT_EQ(seen.size(), planned);
    for (size_t i = 0; i < planned; ++i) ASSERT_EQ(seen[i], out.bytes(out.entries()[i]).data());
  }
}

}  // namespace
}  // namespace xord
