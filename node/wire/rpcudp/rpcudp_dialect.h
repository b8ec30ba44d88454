// rpcudp as the node meets it: node/wire/rpcudp/rpcudp.h behind the interface of dialects.
#pragma once

#include "node/wire/dialect.h"

namespace xord::rpcudp {

// The one object; it lives as long as the program.
const Dialect& dialect();

}  // namespace xord::rpcudp
