// The one id under which all client commands of every xord answer pings, and under which a node is
// asked the first time. A xord node never files it, hands it out or stores at it; a Python node
// files it at most once (docs/DECISIONS.md, "Client commands use the id of the node that named the
// node they ask"). It is the SHA-1 of "xord client commands".
#pragma once

#include "reactor/base/id.h"

namespace xord {

constexpr Id client_id = {{0x38, 0xf8, 0x62, 0x3d, 0xb9, 0xb2, 0xed, 0xd8, 0x71, 0xd8,
                           0xca, 0x1e, 0x4d, 0xaa, 0x7c, 0x00, 0x55, 0xce, 0xc4, 0x32}};
}  // namespace xord
