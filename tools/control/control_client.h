// Asking the node that runs on a data directory of this host, over its control socket
// (docs/CONTROL.md).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "reactor/base/instant.h"

namespace xord {

// A connection to it, for several requests one after the other.
class ControlClient {
 public:
  // Failure (environment) when the node's socket is not there or is not to be opened.
  explicit ControlClient(const std::string& data_dir);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  // As ask_control() below.
  nlohmann::ordered_json ask(const nlohmann::ordered_json& request, Duration timeout = minutes(1));

 private:
  std::string answer_to(std::string line, Duration timeout);
  void receive_some(std::string& answer, Duration most);

  const std::string path_;
  int socket_;
};

// The "result" of the node's answer to `request`, which comes within `timeout`. Failure: with the
// node's own sentence and code when it refused; (environment) when its socket is not there, is not
// to be opened, or does not answer; (interrupted) while an Interrupt lives: the node goes on with
// what it was asked.
nlohmann::ordered_json ask_control(const std::string& data_dir,
                                   const nlohmann::ordered_json& request,
                                   Duration timeout = minutes(1));

}  // namespace xord
