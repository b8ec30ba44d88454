// Converts the addresses of --admin from text and back: "ADDR:PORT[?]", numeric, or "unix:PATH". An
// address with a question mark is optional (AdminAddress::is_optional).
#pragma once

#include <string>

#include "node/server/config/server_config.h"

namespace xord {

// Throws BadValue (tools/run/settings.h) on a name instead of an address, a missing or bad port, an
// address that no socket can have, or a path that is empty or longer than 107 bytes.
AdminAddress parse_admin(const std::string& text);
std::string show_admin(const AdminAddress& address);

}  // namespace xord
