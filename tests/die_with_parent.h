// To be called first in a process that a test makes: it ends when the test does, however that ends.
#pragma once

#include <signal.h>
#include <sys/prctl.h>

#include "reactor/base/check.h"

namespace xord {

// The signal is tied to the thread that made this process, which must outlive it.
inline void die_with_parent() {
  CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
}

}  // namespace xord
