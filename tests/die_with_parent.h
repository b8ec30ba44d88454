// For the first thing in a process that a test makes: it ends when the test does, however that
// ends.
#pragma once

#include <signal.h>
#include <sys/prctl.h>

#include "reactor/base/check.h"

namespace xord {

// The kernel goes by the thread that made this process: it has to outlive it.
inline void die_with_parent() {
  CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
}

}  // namespace xord
