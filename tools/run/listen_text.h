// Converts the addresses of --listen from text and back: "[SCHEME://]ADDR:PORT[?]", numeric. One
// with a question mark is optional: a host that lacks its address family skips it.
#pragma once

#include <string>

#include "node/server/config/server_config.h"

namespace xord {

// Throws BadValue (tools/run/settings.h) on an unknown scheme, a dialect that does not exist yet, a
// name instead of an address, or a missing or bad port.
ListenAddress parse_listen(const std::string& text);
// What parse_listen() reads back as the same. Always includes the scheme, and the interface of an
// IPv6 link-local address.
std::string show_listen(const ListenAddress& address);

}  // namespace xord
