// The backend over epoll(7), recvmmsg(2) and sendmmsg(2): for hosts and containers that refuse
// io_uring, and as fast (docs/DECISIONS.md). Three system calls a busy turn.
#pragma once

#include <memory>
#include <optional>

#include "reactor/udp_backend.h"

namespace xord {

// Like choose_backend(), for this backend only.
[[nodiscard]] std::optional<IoError> make_epoll_backend(const ShardSockets& sockets,
                                                        const Doorbell& doorbell,
                                                        IoCounters& counters,
                                                        std::unique_ptr<UdpBackend>* out);

}  // namespace xord
