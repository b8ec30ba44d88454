// The kernel's reports of datagrams that reached a closed port. A host answers such a datagram with
// an ICMP message, which an unconnected socket receives only if it asks for it (ip(7), IP_RECVERR).
#pragma once

#include <optional>

#include "reactor/sockets.h"

namespace xord {

class PortErrors {
 public:
  // Starts the reports on each of `sockets` that is open. `sockets` must outlive this object.
  explicit PortErrors(const ShardSockets& sockets);
  PortErrors(const PortErrors&) = delete;
  PortErrors& operator=(const PortErrors&) = delete;

  // The destination of a datagram that found the port closed; empty if there is no further report.
  std::optional<Endpoint> next();
  // Ends the reports. A report that is still queued would make the next, unrelated send fail.
  void stop();

 private:
  void report(bool on);

  const ShardSockets& sockets_;
  bool is_on_ = true;
};

}  // namespace xord
