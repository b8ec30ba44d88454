// What answers those who ask a running node from outside: the commands of the control socket, and
// the API of the admin port. Both ask Admin, so they know it; but Admin opens and closes these two
// doors, at its own places in start and shutdown. To keep includes running one way, it knows what
// lies behind them only as the functions below, which Server passes in
// (node/server/node_doors.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "node/server/admin/admin_port.h"
#include "node/server/config/server_hooks.h"

namespace xord {

class Admin;

struct Doors {
  // The control socket's answer to a line, and to one that cannot be served now
  // (ControlSocket::Handler, ControlSocket::Refusal).
  std::string (*answer)(Admin& admin, std::string_view line) = nullptr;
  std::string (*refusal)(const std::string& sentence) = nullptr;
  // `admin` is borrowed until the admin port has ended. `addresses`: of the admin port.
  std::unique_ptr<HttpApi> (*make_api)(Admin& admin, const ServerHooks& hooks,
                                       std::vector<std::string> addresses) = nullptr;
};

}  // namespace xord
