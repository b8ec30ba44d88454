// What the kernel's message header says of a path, both ways. Nothing is sent.
#include "reactor/message_header.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>
#include <vector>

#include "tests/reactor/loopback.h"

namespace xord {
namespace {

constexpr std::array<uint8_t, 3> payload{1, 2, 3};

BoundSocket bound_to(std::string_view text) {
  BoundSocket socket;
  socket.bound = endpoint(text);
  socket.is_wildcard = socket.bound.address.is_unspecified();
  return socket;
}

Path path(std::string_view remote, std::string_view local, uint32_t interface = 0) {
  Path path{endpoint(remote), {}};
  path.local.address = *IpAddress::parse(local);
  path.local.interface = interface;
  return path;
}

// The path of a datagram that came with the name and the control messages in `slot`.
Path read_back(const SendSlot& slot, std::string_view bound) {
  ShardSockets sockets;
  sockets.push_back(bound_to(bound));
  return path_of(slot.message, sockets, 0);
}

TEST(MessageHeader, AWildcardSocketNamesTheSourceAddressOfThePath) {
  struct Case {
    const char* bound;
    Path path;
  };
  const Case cases[] = {
      {"0.0.0.0:7", path("192.0.2.1:8468", "127.0.0.77")},
      {"[::]:7", path("[2001:db8::1]:8468", "2001:db8::2")},
      {"[::]:7", path("[2001:db8::1]:8468", "fe80::2", 9)},
  };
  for (const Case& each : cases) {
    SendSlot slot;
    EXPECT_EQ(prepare_send(each.path, payload, bound_to(each.bound), &slot),
              SourceAddress::in_control);
    const Path back = read_back(slot, each.bound);
    EXPECT_EQ(back.remote, each.path.remote);
    EXPECT_EQ(back.local.address, each.path.local.address) << each.path.local.address.text();
    EXPECT_EQ(back.local.interface, each.path.local.interface);
    ASSERT_EQ(slot.message.msg_iovlen, 1u);
    EXPECT_EQ(slot.message.msg_iov->iov_base, payload.data());
    EXPECT_EQ(slot.message.msg_iov->iov_len, payload.size());
  }
}

TEST(MessageHeader, TheKernelChoosesTheSourceAddressWhereThePathHasNoneThatTheSocketMayName) {
  struct Case {
    const char* bound;
    Path path;
  };
  const Case cases[] = {
      {"0.0.0.0:7", path("192.0.2.1:8468", "0.0.0.0")},
      {"0.0.0.0:7", path("192.0.2.1:8468", "::")},
      {"[::]:7", path("[2001:db8::1]:8468", "::")},
      // Of the other family.
      {"0.0.0.0:7", path("192.0.2.1:8468", "2001:db8::2")},
      {"[::]:7", path("[2001:db8::1]:8468", "127.0.0.77")},
      // A socket on one address has no other.
      {"127.0.0.77:7", path("127.0.0.1:8468", "127.0.0.77")},
      {"[2001:db8::2]:7", path("[2001:db8::1]:8468", "2001:db8::2")},
      {"127.0.0.77:7", path("127.0.0.1:8468", "127.0.0.78")},
  };
  for (const Case& each : cases) {
    SendSlot slot;
    EXPECT_EQ(prepare_send(each.path, payload, bound_to(each.bound), &slot),
              SourceAddress::chosen_by_kernel)
        << each.bound << " " << each.path.local.address.text();
    EXPECT_EQ(slot.message.msg_control, nullptr);
    EXPECT_EQ(slot.message.msg_controllen, 0u);
    EXPECT_EQ(read_back(slot, each.bound).remote, each.path.remote);
  }
}

TEST(MessageHeader, OneDatagramOfAGroupHasItsPathAndNoSegments) {
  std::vector<iovec> payloads(2);
  for (const bool is_named : {true, false}) {
    const Path along = path("192.0.2.1:8468", is_named ? "127.0.0.77" : "0.0.0.0");
    SendSlot group;
    prepare_segments(along, payloads, 3, bound_to("0.0.0.0:7"), &group);
    EXPECT_EQ(group.message.msg_iov, payloads.data());
    EXPECT_EQ(group.message.msg_iovlen, 2u);
    SendSlot alone;
    const iovec bytes{const_cast<uint8_t*>(payload.data()), payload.size()};
    prepare_segment_alone(group, bytes, &alone);
    group = {};  // What is sent alone borrows nothing of it.
    EXPECT_EQ(alone.message.msg_controllen, is_named ? CMSG_SPACE(sizeof(in_pktinfo)) : 0);
    const Path back = read_back(alone, "0.0.0.0:7");
    EXPECT_EQ(back.remote, along.remote);
    EXPECT_EQ(back.local.address, is_named ? along.local.address : IpAddress{});
    ASSERT_EQ(alone.message.msg_iovlen, 1u);
    EXPECT_EQ(alone.message.msg_iov->iov_base, payload.data());
  }
}

TEST(MessageHeader, ADatagramToASocketOnOneAddressWasSentToThatAddress) {
  SendSlot slot;
  prepare_send(path("192.0.2.1:8468", "127.0.0.77"), payload, bound_to("0.0.0.0:7"), &slot);
  Path back = read_back(slot, "127.0.0.78:7");
  EXPECT_EQ(back.local.address, *IpAddress::parse("127.0.0.78")) << "whatever the message says";
  EXPECT_EQ(back.local.socket, 0);
  ShardSockets sockets(2);
  sockets[1].bound = {*IpAddress::parse("fe80::2"), 9, 7};
  back = path_of(slot.message, sockets, 1);
  EXPECT_EQ(back.local.address, sockets[1].bound.address);
  EXPECT_EQ(back.local.interface, 9u);
  EXPECT_EQ(back.local.socket, 1);
}

TEST(MessageHeader, ADatagramToAGroupOfHostsNamesNoAddressOfOurs) {
  SendSlot slot;
  prepare_send(path("[2001:db8::1]:8468", "ff02::1"), payload, bound_to("[::]:7"), &slot);
  EXPECT_EQ(read_back(slot, "[::]:7").local.address, IpAddress{});
}

TEST(MessageHeader, APathLeavesByTheOpenSocketItNamesOrTheFirstOneOfItsFamily) {
  ShardSockets sockets = open_for_one_shard({{loopback(Family::ipv4)},
                                             {loopback(Family::ipv6)},
                                             {loopback(Family::ipv4)},
                                             {loopback(Family::ipv6)}});
  ASSERT_EQ(sockets.size(), 4u);
  const auto through = [&](std::string_view remote, uint8_t named) {
    Path path{endpoint(remote), {}};
    path.local.socket = named;
    return socket_for(path, sockets);
  };
  constexpr uint8_t any = LocalAddress::any_socket;
  EXPECT_EQ(through("192.0.2.1:1", any), 0);
  EXPECT_EQ(through("[2001:db8::1]:1", any), 1);
  EXPECT_EQ(through("192.0.2.1:1", 2), 2);
  EXPECT_EQ(through("192.0.2.1:1", 3), 3) << "it is the one that was asked";
  EXPECT_EQ(through("192.0.2.1:1", 4), std::nullopt);
  EXPECT_EQ(through("192.0.2.1:1", 254), std::nullopt);
  sockets[0].close();
  sockets[1].close();
  EXPECT_EQ(through("192.0.2.1:1", 0), std::nullopt);
  EXPECT_EQ(through("192.0.2.1:1", any), 2);
  EXPECT_EQ(through("[2001:db8::1]:1", any), 3);
  sockets[3].close();
  EXPECT_EQ(through("[2001:db8::1]:1", any), std::nullopt);
  EXPECT_EQ(through("192.0.2.1:1", 3), std::nullopt);
}

}  // namespace
}  // namespace xord
