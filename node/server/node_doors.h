// The doors of a node: its commands and its API, for Admin (node/server/admin/doors.h).
#pragma once

#include "node/server/admin/doors.h"

namespace xord {

Doors node_doors();

}  // namespace xord
