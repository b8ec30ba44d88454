#include "node/server/node_doors.h"

#include <utility>

#include "node/server/api/api.h"
#include "node/server/control/control_commands.h"

namespace xord {

Doors node_doors() {
  return {answer_control, control_refusal,
          [](Admin& admin, const ServerHooks& hooks,
             std::vector<std::string> addresses) -> std::unique_ptr<HttpApi> {
            return std::make_unique<Api>(admin, hooks, std::move(addresses));
          }};
}

}  // namespace xord
