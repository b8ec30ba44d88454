// The addresses of --listen: "[SCHEME://]ADDR:PORT", numeric, as text and back.
#pragma once

#include <string>

#include "node/server/server_config.h"

namespace xord {

// Throws BadValue (tools/run/settings.h): no such scheme, a dialect that is not there yet, a name
// in place of an address, a missing or bad port.
ListenAddress parse_listen(const std::string& text);
// Always with its scheme; an IPv6 link-local address with its interface.
std::string show_listen(const ListenAddress& address);

}  // namespace xord
