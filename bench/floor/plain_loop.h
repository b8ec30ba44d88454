// The floor without the project's reactor: epoll, recvmmsg, sendmmsg and nothing between them. It
// shows that the reactor itself does not make the floor low.
#pragma once

#include <atomic>

#include "bench/floor/fixed_reply.h"
#include "reactor/sockets.h"

namespace xord {

// Serves until `stop` is set, which it looks at ten times a second at least.
void run_plain_loop(const ShardSockets& sockets, const FixedReply& reply,
                    const std::atomic<bool>& stop);

}  // namespace xord
