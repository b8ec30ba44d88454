// A loopback address of this process alone: the process id in the low 22 bits of 127.64.0.0. Tests
// run in parallel, a process each: on its own address a test may leave a port and take it again,
// and what another test's network still sends to somebody who is gone reaches nobody here.
#pragma once

#include <unistd.h>

#include <cstdint>

#include "reactor/base/endpoint.h"

namespace xord {

// For a test that takes a port twice. Below those that the kernel gives out as free ones, so that
// no socket on a wildcard address gets it meanwhile.
inline constexpr uint16_t own_port = 18'468;

// Port 0 takes a free one.
inline Endpoint own_loopback(uint16_t port = 0) {
  return Endpoint::ipv4(0x7f400000 | (static_cast<uint32_t>(getpid()) & 0x3fffff), port);
}

}  // namespace xord
