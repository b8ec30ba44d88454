// A socket whose receive buffer is too small for what is sent to it, so that the kernel drops the
// rest.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "tests/reactor/loopback.h"

namespace xord {

// Makes the buffer of the socket as small as the kernel lets it be, and sends it `datagrams`.
inline void overfill(const BoundSocket& socket, uint32_t datagrams) {
  const int least = 0;
  EXPECT_EQ(setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &least, sizeof least), 0);
  LoopbackClient client(loopback(socket.bound.is_ipv4() ? Family::ipv4 : Family::ipv6));
  for (uint32_t i = 0; i < datagrams; ++i) client.send_to(socket.bound, std::string(100, 'x'));
}

// Takes what waits in the buffer, and returns how many datagrams that were.
inline uint32_t drain(const BoundSocket& socket) {
  uint32_t waiting = 0;
  char byte = 0;
  while (recv(socket.fd(), &byte, 1, MSG_DONTWAIT) >= 0) ++waiting;
  return waiting;
}

}  // namespace xord
