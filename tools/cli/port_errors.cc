#include "tools/cli/port_errors.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "reactor/socket_address.h"

namespace xord {
namespace {

constexpr size_t reports_max = 64;  // Read in one call, so that a flood of reports delays nothing.

bool is_closed_port(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    const bool is_v4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR;
    const bool is_v6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR;
    if (!is_v4 && !is_v6) continue;
    sock_extended_err error;
    std::memcpy(&error, CMSG_DATA(part), sizeof error);
    return error.ee_errno == ECONNREFUSED;
  }
  return false;
}

}  // namespace

PortErrors::PortErrors(const ShardSockets& sockets) : sockets_(sockets) {
  report(true);
}

void PortErrors::report(bool on) {
  const int value = on ? 1 : 0;
  for (const BoundSocket& socket : sockets_) {
    if (!socket.is_open()) continue;
    const bool is_v4 = socket.bound.is_ipv4();
    setsockopt(socket.fd(), is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_RECVERR : IPV6_RECVERR,
               &value, sizeof value);
  }
}

std::optional<Endpoint> PortErrors::next() {
  if (!is_on_) return std::nullopt;
  for (const BoundSocket& socket : sockets_) {
    for (size_t i = 0; socket.is_open() && i < reports_max; ++i) {
      SocketAddress sent_to{};
      alignas(cmsghdr) std::array<uint8_t, 256> control;
      static_assert(sizeof control >= CMSG_SPACE(sizeof(sock_extended_err) + sizeof(sockaddr_in6)));
      std::array<uint8_t, 64> payload;
      iovec part{payload.data(), payload.size()};
      msghdr message{};
      message.msg_name = &sent_to;
      message.msg_namelen = sizeof sent_to;
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      if (recvmsg(socket.fd(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
      if (is_closed_port(message)) return endpoint_of(sent_to);
    }
  }
  return std::nullopt;
}

void PortErrors::stop() {
  if (!is_on_) return;
  is_on_ = false;
  report(false);
  for (const BoundSocket& socket : sockets_) {
    int pending = 0;  // Reading the error clears it.
    socklen_t size = sizeof pending;
    if (socket.is_open()) getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &pending, &size);
  }
}

}  // namespace xord
