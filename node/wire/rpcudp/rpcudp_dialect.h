// rpcudp for the node: node/wire/rpcudp/rpcudp.h behind the Dialect interface.
#pragma once

#include "node/wire/dialect.h"

namespace xord::rpcudp {

// The only object of this dialect; it lives as long as the program.
const Dialect& dialect();

}  // namespace xord::rpcudp
