// Converts between Endpoint, which holds IPv4 as v4-mapped IPv6, and the kernel's sockaddr. The
// only place that does; ip(7), ipv6(7).
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "reactor/base/endpoint.h"

namespace xord {

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

// Writes `endpoint` in its own family (v4-mapped is IPv4) and returns the length.
socklen_t write_socket_address(const Endpoint& endpoint, SocketAddress* out);
// The other way. Any other family gives the default Endpoint, whose port is 0.
Endpoint endpoint_of(const SocketAddress& address);

IpAddress address_of(const in_addr& address);
IpAddress address_of(const in6_addr& address);

}  // namespace xord
