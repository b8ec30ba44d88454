// Sends requests to the node that runs on a data directory of this host, over its control socket
// (docs/CONTROL.md).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/control/node_client.h"
#include "tools/control/node_socket.h"

namespace xord {

// Failure (environment) if the node's socket does not exist or cannot be opened, or another user's
// process listens there.
[[nodiscard]] NodeSocket connect_to_control(const std::string& data_dir);

// A connection to the node, for several requests one after the other.
class ControlClient final : public NodeClient {
 public:
  // Failure (environment): as connect_to_control().
  explicit ControlClient(const std::string& data_dir);

 private:
  Json answer(const Json& request, Duration timeout) override;

  const NodeSocket socket_;
};

// Asks once: as ControlClient, and its ask().
nlohmann::ordered_json ask_control(const std::string& data_dir,
                                   const nlohmann::ordered_json& request,
                                   Duration timeout = minutes(1));

}  // namespace xord
