#include "reactor/socket_address.h"

#include <cstring>

namespace xord {

socklen_t write_socket_address(const Endpoint& endpoint, SocketAddress* out) {
  static_assert(sizeof out->v4.sin_addr == 4 &&
                sizeof out->v6.sin6_addr == sizeof IpAddress::bytes);
  if (endpoint.is_ipv4()) {
    out->v4 = {};
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(endpoint.port);
    std::memcpy(&out->v4.sin_addr, &endpoint.address.bytes[12], 4);
    return sizeof out->v4;
  }
  out->v6 = {};
  out->v6.sin6_family = AF_INET6;
  out->v6.sin6_port = htons(endpoint.port);
  std::memcpy(&out->v6.sin6_addr, endpoint.address.bytes.data(), 16);
  out->v6.sin6_scope_id = endpoint.scope;
  return sizeof out->v6;
}

Endpoint endpoint_of(const SocketAddress& address) {
  switch (address.any.sa_family) {
    case AF_INET:
      return {address_of(address.v4.sin_addr), 0, ntohs(address.v4.sin_port)};
    case AF_INET6:
      return {address_of(address.v6.sin6_addr), address.v6.sin6_scope_id,
              ntohs(address.v6.sin6_port)};
    default:
      return {};
  }
}

IpAddress address_of(const in_addr& address) {
  return IpAddress::ipv4(ntohl(address.s_addr));
}

IpAddress address_of(const in6_addr& address) {
  IpAddress copy;
  std::memcpy(copy.bytes.data(), &address, 16);
  return copy;
}

}  // namespace xord
