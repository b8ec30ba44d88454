// Where a command asks a running node: by its data directory on this host, or at its admin port.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tools/control/admin_url.h"
#include "tools/control/node_client.h"
#include "tools/control/node_socket.h"

namespace xord {

struct NodePlace {
  std::string data_dir;  // Unless `admin` is set.
  std::optional<AdminUrl> admin;
  std::string token;  // For the admin port; empty: none.

  // "the node on /var/lib/xord", "the node at http://127.0.0.1:8470": for sentences.
  std::string text() const;
};

// Failure: as ControlClient, which connects at once; AdminClient does when it is asked.
[[nodiscard]] std::unique_ptr<NodeClient> open_node(const NodePlace& place);

// A connection on which the node takes a request of HTTP. Failure: as connect_to_control() or
// connect_to_admin().
[[nodiscard]] NodeSocket connect_to_http(const NodePlace& place, const Deadline& deadline);

}  // namespace xord
