// For SetUp() of tests that run on both backends: where the host refuses io_uring, its half is
// skipped and reported, instead of running on epoll under another name.
#pragma once

#include <gtest/gtest.h>

#include "reactor/udp_backend.h"

namespace xord {

// Whether the test is skipped now: SetUp() should then return.
inline bool skip_if_refused(IoChoice io) {
  if (io != IoChoice::uring) return false;
  Doorbell doorbell;
  IoCounters counters;
  ShardSockets none;
  ChosenBackend chosen;
  const auto refused = choose_backend(io, {}, none, doorbell, counters, &chosen);
  if (!refused) return false;
  [&] { GTEST_SKIP() << refused->sentence; }();
  return true;
}

}  // namespace xord
