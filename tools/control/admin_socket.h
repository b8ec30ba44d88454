// Connects to the admin port of a node: resolves its name, and tries each address.
#pragma once

#include "tools/control/admin_url.h"
#include "tools/control/node_socket.h"

namespace xord {

// Failure: NodeGone if nothing listens there; (environment) if the name has no address, the port
// cannot be reached by `deadline`, or another user's process listens on the Unix socket;
// (interrupted) as stop_if_interrupted().
[[nodiscard]] NodeSocket connect_to_admin(const AdminUrl& url, const Deadline& deadline);

// Throws Failure (environment): what answers there is not a node.
[[noreturn]] void fail_not_http(const AdminUrl& url);

}  // namespace xord
