// Converts between a Path and the kernel's msghdr: who sent a datagram and which of our addresses
// it was sent to, and the way back. Both backends receive and send through these functions, so both
// treat addresses alike. recvmsg(2), ip(7) IP_PKTINFO, ipv6(7) IPV6_PKTINFO.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <span>

#include "reactor/base/datagram.h"
#include "reactor/socket_address.h"
#include "reactor/sockets.h"
#include "reactor/udp_backend.h"

namespace xord {

// The path of a datagram that socket `index` of `sockets` received, from the name and the control
// messages in `received`. A destination that is not one of our addresses (multicast) is left
// unspecified.
Path path_of(const msghdr& received, const ShardSockets& sockets, uint8_t index);

// The index of the socket that `path` leaves by: the one it names, or the first of the remote's
// family. Empty: no such socket exists, or it is not open.
std::optional<uint8_t> socket_for(const Path& path, const ShardSockets& sockets);

// Everything that one send borrows until the kernel has taken it. Must not be moved once prepared.
constexpr size_t segment_control_size = CMSG_SPACE(sizeof(uint16_t));
struct SendSlot {
  SocketAddress to;
  socklen_t to_size;
  iovec payload;
  alignas(cmsghdr) uint8_t control[receive_control_size + segment_control_size];
  msghdr message;
};

enum class SourceAddress : uint8_t { chosen_by_kernel, in_control };

// Fills `slot` to send `bytes` along `path` by `socket`. in_control: the message names the source
// address, which only sendmsg can carry; needed on a wildcard socket when the path has one.
SourceAddress prepare_send(const Path& path, Bytes bytes, const BoundSocket& socket,
                           SendSlot* slot);

// Fills `slot` to send all `payloads`, each a multiple of `segment_size` bytes, as datagrams of
// `segment_size` bytes (udp(7) UDP_SEGMENT). `payloads` are borrowed as long as `slot` is.
void prepare_segments(const Path& path, std::span<iovec> payloads, uint16_t segment_size,
                      const BoundSocket& socket, SendSlot* slot);
// Fills `slot` to send one datagram of the group that prepare_segments() filled `group` for.
void prepare_segment_alone(const SendSlot& group, iovec payload, SendSlot* slot);
// Whether this error may come from segmentation: the device cannot segment, or its MTU is too
// small. The same datagrams may succeed one by one.
bool may_refuse_segments(int error_number);

}  // namespace xord
