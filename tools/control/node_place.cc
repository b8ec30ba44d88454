#include "tools/control/node_place.h"

#include "tools/control/admin_client.h"
#include "tools/control/admin_socket.h"
#include "tools/control/control_client.h"

namespace xord {

std::string NodePlace::text() const {
  return admin ? "the node at " + admin->text() : "the node on " + data_dir;
}

std::unique_ptr<NodeClient> open_node(const NodePlace& place) {
  if (place.admin) return std::make_unique<AdminClient>(*place.admin, place.token);
  return std::make_unique<ControlClient>(place.data_dir);
}

NodeSocket connect_to_http(const NodePlace& place, const Deadline& deadline) {
  return place.admin ? connect_to_admin(*place.admin, deadline)
                     : connect_to_control(place.data_dir);
}

}  // namespace xord
