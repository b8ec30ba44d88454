// The address of a node as a person types it, or copies it from the ready line of its log.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "node/server/resolve.h"

namespace xord {

constexpr uint16_t port_default = 8468;  // Of `xord run`, and of every address without a port.

// What may be typed where a node is meant, for a sentence.
constexpr std::string_view node_address_forms =
    "write it like node.example, 192.0.2.1:8468 or [2001:db8::1]:8468";

// HOST, HOST:PORT, an IPv6 address with or without brackets, each with rpcudp:// before it if
// wanted. No port means 8468; the addresses that a node binds to be reached by any (0.0.0.0 and ::)
// mean this host. Failure (usage) on anything else; it says so of 1:2::3:4, which may or may not
// end in a port.
HostPort parse_node_address(const std::string& text);

// As parse_host_port() reads it: brackets around IPv6.
std::string text_of(const HostPort& address);

}  // namespace xord
