// The only reader of the kernel's random bytes (getrandom(2)). Called at start-up for seeds and
// secrets, never on the datagram path.
#pragma once

#include <cstdint>

#include "reactor/base/bytes.h"

namespace xord {

// Fills `out`. Early in a boot, waits until the kernel's pool is seeded; aborts if getrandom does
// not exist, since nothing could be kept secret then.
void fill_with_entropy(MutableBytes out);
uint64_t entropy_word();

}  // namespace xord
