// The I/O counters of one shard. Readable from any thread (reactor/base/counters.h); the names are
// the metric names.
#pragma once

#include <cstdint>
#include <string_view>

#include "reactor/base/counters.h"

namespace xord {

enum class IoCounter : uint8_t {
  received,                // Datagrams handed to the handler.
  received_bytes,          // Payload bytes of those.
  received_empty,          // Dropped: no payload.
  received_too_long,       // Dropped: longer than datagram_bytes_max (MSG_TRUNC).
  receive_failed,          // Receives that failed, other than by the two exhaustions below.
  receive_rearmed,         // uring: multishot receives that had ended and were started again.
  buffers_exhausted,       // uring: times that all receive buffers were in use (ENOBUFS).
  completions_overflowed,  // uring: times that the completion queue was full.
  sent,                 // Datagrams given to the kernel. Those it refused are counted again below.
  sent_bytes,           // Payload bytes of those.
  sent_coalesced,       // Datagrams sent together with others in one send (reactor/send_groups.h).
  coalescing_refused,   // Sends of several that the kernel refused: sent singly instead.
  send_would_block,     // Refused: EAGAIN, ENOBUFS, ENOMEM: the socket's or device's queue is full.
  send_forbidden,       // Refused: EPERM, EACCES: a firewall rule, or a broadcast address.
  send_too_long,        // Refused: EMSGSIZE.
  send_unreachable,     // Refused: no route or no such source address.
  send_invalid,         // Refused: EINVAL: port 0, or the wrong address family.
  send_failed,          // Refused: anything else.
  send_without_socket,  // Dropped by us: no open socket for the path.
  turns,                // Turns of the loop.
  sleeps,               // Turns that began by waiting with nothing to do.
  frames,               // Frames taken out of mailboxes.
  outbox_flushes,       // Times that an outbox had to be sent in the middle of a turn.
  steering_refused,     // Addresses whose datagrams the kernel does not steer (reactor/steering.h).
  stalls,               // Turns longer than the threshold.
  stall_longest_nanoseconds,
  count,
};

std::string_view name_of(IoCounter counter);

using IoCounters = Counters<IoCounter>;

// Counts a refused send of `datagrams` datagrams under the counter for its errno.
void count_send_error(IoCounters& counters, int error_number, uint32_t datagrams = 1);

}  // namespace xord
