// A second dialect, for tests: as small as one can be, and unlike rpcudp where Mainline is, too.
// Transactions have four bytes, and every reply names its sender. Proves that the seam holds.
//
//   request: 0, transaction, method, sender, target, value
//   reply:   1, transaction, sender, body: nothing, a bool, 'v' value, or 'c' contacts of 38 bytes
#pragma once

#include "node/wire/dialect.h"

namespace xord::testing {

// The one object; it lives as long as the program.
const Dialect& echo_dialect();

}  // namespace xord::testing
