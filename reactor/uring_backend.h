// The backend over io_uring(7): one ring is the only waiting point. Multishot receives into a ring
// of provided buffers, sends as one batch a turn; one system call a busy turn. Needs Linux 6.1
// (DEFER_TASKRUN) and liburing 2.3. Ring memory counts against RLIMIT_MEMLOCK.
#pragma once

#include <memory>
#include <optional>

#include "reactor/udp_backend.h"

namespace xord {

// Like choose_backend(), for this backend only. Where the ring's memory is refused, a ring of half
// the size is tried, and so on; the error's sentence says why the last one was refused.
[[nodiscard]] std::optional<IoError> make_uring_backend(const BackendOptions& options,
                                                        const ShardSockets& sockets,
                                                        const Doorbell& doorbell,
                                                        IoCounters& counters,
                                                        std::unique_ptr<UdpBackend>* out);

}  // namespace xord
