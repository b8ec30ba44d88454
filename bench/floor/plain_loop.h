// The floor without the project's reactor: epoll, recvmmsg, sendmmsg and nothing in between. It
// shows that the reactor itself does not lower the floor.
#pragma once

#include <atomic>

#include "bench/floor/fixed_reply.h"
#include "reactor/sockets.h"

namespace xord {

// Serves until `stop` is set, which it checks at least ten times a second.
void run_plain_loop(const ShardSockets& sockets, const FixedReply& reply,
                    const std::atomic<bool>& stop);

}  // namespace xord
