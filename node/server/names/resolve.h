// Resolves "name:port" to endpoints, with getaddrinfo(3). It blocks for as long as the resolver
// does: called at start-up and from the admin thread, never on a shard.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/endpoint.h"

namespace xord {

struct HostPort {
  std::string host;  // A name, or a numeric address without brackets; IPv6 may have a %zone.
  uint16_t port = 0;

  bool operator==(const HostPort&) const = default;
};

// "name:port", "192.0.2.1:port" or "[2001:db8::1]:port" with port 1..65535. Empty otherwise,
// including for an IPv6 address without brackets, whose last group could be a port.
std::optional<HostPort> parse_host_port(std::string_view text);

struct Resolved {
  std::vector<Endpoint> endpoints;  // In the resolver's order, no two equal; empty on failure.
  std::string error;                // The resolver's message, when endpoints is empty.
};
Resolved resolve(const HostPort& host_port);

}  // namespace xord
