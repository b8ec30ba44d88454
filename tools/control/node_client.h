// A running node as the commands ask it: the requests and results of its control socket
// (docs/CONTROL.md), whichever way they go.
#pragma once

#include <nlohmann/json.hpp>

#include "reactor/base/instant.h"

namespace xord {

class NodeClient {
 public:
  using Json = nlohmann::ordered_json;

  virtual ~NodeClient() = default;
  NodeClient() = default;
  NodeClient(const NodeClient&) = delete;
  NodeClient& operator=(const NodeClient&) = delete;

  // Returns the node's result of `request`, {"command": ...}. Failure: with the node's own sentence
  // and code if it refused; (environment) if it cannot be reached, hangs up, gives no answer within
  // `timeout`, or one that is not understood; (interrupted) if an Interrupt is live and a signal
  // came: the node still completes the request.
  Json ask(const Json& request, Duration timeout = minutes(1)) { return answer(request, timeout); }

 private:
  virtual Json answer(const Json& request, Duration timeout) = 0;
};

}  // namespace xord
