#include "reactor/message_header.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <cerrno>
#include <cstring>

#include "reactor/base/check.h"

namespace xord {
namespace {

static_assert(CMSG_SPACE(sizeof(in6_pktinfo)) == receive_control_size);
static_assert(sizeof(SocketAddress) <= receive_name_size);
static_assert(listens_max <= LocalAddress::any_socket);  // No socket has that index.

template <class Info>
Info info_in(const cmsghdr* control) {
  Info info;
  std::memcpy(&info, CMSG_DATA(control), sizeof info);
  return info;
}

void read_packet_info(const msghdr& received, LocalAddress* local) {
  // CMSG_NXTHDR takes a non-const pointer, but does not change the header.
  msghdr* header = const_cast<msghdr*>(&received);
  for (cmsghdr* at = CMSG_FIRSTHDR(header); at != nullptr; at = CMSG_NXTHDR(header, at)) {
    if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
      // ipi_spec_dst, not ipi_addr: for a broadcast it is our address to answer from.
      local->address = address_of(info_in<in_pktinfo>(at).ipi_spec_dst);
    } else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
      const auto info = info_in<in6_pktinfo>(at);
      const IpAddress asked = address_of(info.ipi6_addr);
      if (asked.is_multicast()) continue;
      local->address = asked;
      if (asked.is_link_local()) local->interface = info.ipi6_ifindex;
    }
  }
}

// Appends after any existing control messages.
template <class Info>
void append_control(int level, int type, const Info& info, SendSlot* slot) {
  DCHECK(slot->message.msg_controllen + CMSG_SPACE(sizeof info) <= sizeof slot->control);
  auto* control = reinterpret_cast<cmsghdr*>(slot->control + slot->message.msg_controllen);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(control), &info, sizeof info);
  slot->message.msg_control = slot->control;
  slot->message.msg_controllen += CMSG_SPACE(sizeof info);
}

void write_source_address(const LocalAddress& local, SendSlot* slot) {
  if (local.address.is_ipv4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, &local.address.bytes[12], 4);
    append_control(IPPROTO_IP, IP_PKTINFO, info, slot);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, local.address.bytes.data(), 16);
    info.ipi6_ifindex = local.interface;
    append_control(IPPROTO_IPV6, IPV6_PKTINFO, info, slot);
  }
}

}  // namespace

Path path_of(const msghdr& received, const ShardSockets& sockets, uint8_t index) {
  DCHECK(index < sockets.size());
  Path path;
  SocketAddress from;
  std::memcpy(&from, received.msg_name, sizeof from);
  path.remote = endpoint_of(from);
  path.local.socket = index;
  if (sockets[index].is_wildcard) {
    read_packet_info(received, &path.local);
  } else {
    path.local.address = sockets[index].bound.address;
    path.local.interface = sockets[index].bound.scope;
  }
  return path;
}

std::optional<uint8_t> socket_for(const Path& path, const ShardSockets& sockets) {
  const uint8_t named = path.local.socket;
  if (named != LocalAddress::any_socket) {
    if (named >= sockets.size() || !sockets[named].is_open()) return std::nullopt;
    return named;
  }
  for (uint8_t i = 0; i < sockets.size(); ++i) {
    if (sockets[i].is_open() && sockets[i].bound.is_ipv4() == path.remote.is_ipv4()) return i;
  }
  return std::nullopt;
}

namespace {

SourceAddress prepare(const Path& path, std::span<iovec> payloads, const BoundSocket& socket,
                      SendSlot* slot) {
  slot->to_size = write_socket_address(path.remote, &slot->to);
  slot->message = {};
  slot->message.msg_name = &slot->to;
  slot->message.msg_namelen = slot->to_size;
  slot->message.msg_iov = payloads.data();
  slot->message.msg_iovlen = payloads.size();
  const LocalAddress& local = path.local;
  const bool named = socket.is_wildcard && !local.address.is_unspecified() &&
                     local.address.is_ipv4() == socket.bound.is_ipv4();
  if (!named) return SourceAddress::chosen_by_kernel;
  write_source_address(local, slot);
  return SourceAddress::in_control;
}

}  // namespace

SourceAddress prepare_send(const Path& path, Bytes bytes, const BoundSocket& socket,
                           SendSlot* slot) {
  slot->payload = {const_cast<uint8_t*>(bytes.data()), bytes.size()};
  return prepare(path, {&slot->payload, 1}, socket, slot);
}

void prepare_segments(const Path& path, std::span<iovec> payloads, uint16_t segment_size,
                      const BoundSocket& socket, SendSlot* slot) {
  DCHECK(segment_size > 0 && !payloads.empty());
  prepare(path, payloads, socket, slot);
  append_control(SOL_UDP, UDP_SEGMENT, segment_size, slot);
}

void prepare_segment_alone(const SendSlot& group, iovec payload, SendSlot* slot) {
  DCHECK(group.message.msg_controllen >= segment_control_size);
  *slot = group;
  slot->payload = payload;
  slot->message.msg_name = &slot->to;
  slot->message.msg_iov = &slot->payload;
  slot->message.msg_iovlen = 1;
  slot->message.msg_control = slot->control;
  slot->message.msg_controllen -= segment_control_size;  // The last one there.
}

bool may_refuse_segments(int error_number) {
  switch (error_number) {
    case EMSGSIZE:
    case EINVAL:
    case EIO:  // No checksum offload, or IPsec on the way.
    case EOPNOTSUPP:
      return true;
    default:
      return false;
  }
}

}  // namespace xord
