// Between a Path and the kernel's msghdr: who sent a datagram and which of our addresses it asked
// for, and the way back. Both backends receive and send through these functions, so both treat
// addresses alike. recvmsg(2), ip(7) IP_PKTINFO, ipv6(7) IPV6_PKTINFO.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstdint>
#include <optional>

#include "reactor/base/datagram.h"
#include "reactor/socket_address.h"
#include "reactor/sockets.h"
#include "reactor/udp_backend.h"

namespace xord {

// The path of a datagram that socket `index` of `sockets` received, from the name and the control
// messages in `received`. An address asked that is not one of ours (multicast) is left unspecified.
Path path_of(const msghdr& received, const ShardSockets& sockets, uint8_t index);

// The index of the socket that `path` leaves by: the one it names, or the first of the remote's
// family. Empty: there is none, or it is not open.
std::optional<uint8_t> socket_for(const Path& path, const ShardSockets& sockets);

// Everything that one send borrows until the kernel took it. Not to be moved once prepared.
struct SendSlot {
  SocketAddress to;
  socklen_t to_size;
  iovec payload;
  alignas(cmsghdr) uint8_t control[receive_control_size];
  msghdr message;
};

enum class SourceAddress : uint8_t { chosen_by_kernel, in_control };

// Fills `slot` to send `bytes` along `path` by `socket`. in_control: the message names the source
// address, which only sendmsg can carry; needed on a wildcard socket when the path has one.
SourceAddress prepare_send(const Path& path, Bytes bytes, const BoundSocket& socket,
                           SendSlot* slot);

}  // namespace xord
