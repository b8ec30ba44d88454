#include "node/server/names/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

#include "reactor/base/check.h"

namespace xord {
namespace {

std::optional<Endpoint> endpoint_of(const addrinfo& found, uint16_t port) {
  if (found.ai_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, found.ai_addr, sizeof v4);
    return Endpoint::ipv4(ntohl(v4.sin_addr.s_addr), port);
  }
  if (found.ai_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6;
  std::memcpy(&v6, found.ai_addr, sizeof v6);
  Endpoint endpoint{IpAddress{}, v6.sin6_scope_id, port};
  static_assert(sizeof v6.sin6_addr == sizeof endpoint.address.bytes);
  std::memcpy(endpoint.address.bytes.data(), &v6.sin6_addr, endpoint.address.bytes.size());
  return endpoint;
}

}  // namespace

std::optional<HostPort> parse_host_port(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const std::string_view digits = text.substr(colon + 1);
  HostPort result;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
  if (error != std::errc{} || end != digits.data() + digits.size() || result.port == 0) {
    return std::nullopt;
  }
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;
  if (host.find_first_of("[]/ \t") != std::string_view::npos) return std::nullopt;
  result.host = host;
  CHECK(!result.host.empty() && result.port != 0);
  return result;
}

Resolved resolve(const HostPort& host_port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  Resolved resolved;
  const int code = getaddrinfo(host_port.host.c_str(), nullptr, &hints, &list);
  if (code != 0) {
    resolved.error = code == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(code);
    return resolved;
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  for (const addrinfo* found = list; found != nullptr; found = found->ai_next) {
    const auto endpoint = endpoint_of(*found, host_port.port);
    auto& known = resolved.endpoints;
    if (!endpoint || std::find(known.begin(), known.end(), *endpoint) != known.end()) continue;
    known.push_back(*endpoint);
  }
  if (resolved.endpoints.empty()) resolved.error = "it has no IPv4 or IPv6 address";
  CHECK(resolved.endpoints.empty() != resolved.error.empty());
  return resolved;
}

}  // namespace xord
