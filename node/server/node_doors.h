// The doors of a node: its commands and its API, for Admin (node/server/doors.h).
#pragma once

#include "node/server/doors.h"

namespace xord {

Doors node_doors();

}  // namespace xord
