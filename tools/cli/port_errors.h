// What the kernel reports of datagrams that found nobody: a host answers one to a port on which no
// program listens by an ICMP message, which a socket that is not connected hears only when it asks
// for it (ip(7), IP_RECVERR).
#pragma once

#include <optional>

#include "reactor/sockets.h"

namespace xord {

class PortErrors {
 public:
  // Reports begin at once, on each of `sockets` that is open; they are borrowed.
  explicit PortErrors(const ShardSockets& sockets);
  PortErrors(const PortErrors&) = delete;
  PortErrors& operator=(const PortErrors&) = delete;

  // Where a datagram was sent that found the port closed; empty when there is no further report.
  std::optional<Endpoint> next();
  // No more reports. A report that waits makes the next send fail that has nothing to do with it.
  void stop();

 private:
  void report(bool on);

  const ShardSockets& sockets_;
  bool is_on_ = true;
};

}  // namespace xord
