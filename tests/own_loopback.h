// A loopback address that only this process uses: the process id in the low 22 bits of 127.64.0.0.
// Tests run in parallel, one process each. On its own address a test may release a port and take it
// again, and datagrams that another test's network still sends to an exited node do not arrive
// here.
#pragma once

#include <unistd.h>

#include <cstdint>

#include "reactor/base/endpoint.h"

namespace xord {

// For a test that takes a port twice. Below the range from which the kernel chooses free ports, so
// that no socket on a wildcard address gets it meanwhile.
inline constexpr uint16_t own_port = 18'468;

// Port 0 takes a free one.
inline Endpoint own_loopback(uint16_t port = 0) {
  return Endpoint::ipv4(0x7f400000 | (static_cast<uint32_t>(getpid()) & 0x3fffff), port);
}

}  // namespace xord
