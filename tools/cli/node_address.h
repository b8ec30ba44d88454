// An address as a user types it or copies it from the ready line of the log: of a node, or of its
// admin port.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "node/server/names/resolve.h"

namespace xord {

constexpr uint16_t port_default = 8468;  // For `xord run` and addresses without a port.

// Parses HOST, HOST:PORT, or an IPv6 address with or without brackets, each with an optional
// `scheme` ("rpcudp://") before it. Without a port, it is `port`; the wildcard addresses 0.0.0.0
// and ::, which a node binds but nobody can send to, mean this host. Failure (usage) on anything
// else, including 1:2::3:4, which may or may not end in a port.
HostPort parse_address(const std::string& text, std::string_view scheme, uint16_t port);
// The same for rpcudp:// and port 8468.
HostPort parse_node_address(const std::string& text);

// The form that parse_host_port() reads: IPv6 in brackets.
std::string text_of(const HostPort& address);

}  // namespace xord
