// Asking the node that runs on a data directory of this host, over its control socket
// (docs/CONTROL.md).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "reactor/base/instant.h"

namespace xord {

// The "result" of the node's answer to `request`, which comes within `timeout`. Failure: with the
// node's own sentence and code when it refused; (environment) when its socket is not there, is not
// to be opened, or does not answer; (interrupted) while an Interrupt lives: the node goes on with
// what it was asked.
nlohmann::ordered_json ask_control(const std::string& data_dir,
                                   const nlohmann::ordered_json& request,
                                   Duration timeout = minutes(1));

}  // namespace xord
