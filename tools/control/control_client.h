// Sends requests to the node that runs on a data directory of this host, over its control socket
// (docs/CONTROL.md).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "reactor/base/instant.h"

namespace xord {

// Returns a socket that is connected to the node, which the caller closes. Failure (environment) if
// the node's socket does not exist or cannot be opened, or another user's process listens there.
[[nodiscard]] int connect_to_control(const std::string& data_dir);

// A connection to the node, for several requests one after the other.
class ControlClient {
 public:
  // Failure (environment): as connect_to_control().
  explicit ControlClient(const std::string& data_dir);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  // The same as ask_control() below.
  nlohmann::ordered_json ask(const nlohmann::ordered_json& request, Duration timeout = minutes(1));

 private:
  std::string answer_to(std::string line, Duration timeout);
  void receive_some(std::string& answer, Duration most);

  const std::string path_;
  int socket_;
};

// Returns the "result" of the node's answer to `request`. Failure: with the node's own sentence and
// code if it refused; (environment) if its socket does not exist, cannot be opened, or gives no
// answer within `timeout`; (interrupted) if an Interrupt is live and a signal came: the node still
// completes the request.
nlohmann::ordered_json ask_control(const std::string& data_dir,
                                   const nlohmann::ordered_json& request,
                                   Duration timeout = minutes(1));

}  // namespace xord
