// The I/O counters of one shard. Readable from any thread (reactor/base/counters.h); the names are
// the metric names.
#pragma once

#include <cstdint>
#include <span>

#include "reactor/base/counters.h"
#include "reactor/base/histogram.h"

namespace xord {

#define XORD_IO_COUNTERS(X)                                                                        \
  X(received_ipv4, counter, "Datagrams handed to the node that came over IPv4.")                   \
  X(received_ipv4_bytes, counter, "Their payload.")                                                \
  X(received_ipv6, counter, "Datagrams handed to the node that came over IPv6.")                   \
  X(received_ipv6_bytes, counter, "Their payload.")                                                \
  X(receive_dropped, counter,                                                                      \
    "Datagrams that the kernel dropped at our sockets: the receive buffer was full.")              \
  X(receive_thinned, counter,                                                                      \
    "The same while a filter of sources was attached, which drops on purpose.")                    \
  X(received_empty, counter, "Datagrams dropped: no payload.")                                     \
  X(received_too_long, counter, "Datagrams dropped: longer than datagram_bytes_max (MSG_TRUNC).")  \
  X(receive_failed, counter, "Receives that failed, other than by an exhaustion below.")           \
  X(receive_rearmed, counter,                                                                      \
    "io_uring: multishot receives that had ended and were started again.")                         \
  X(buffers_exhausted, counter, "io_uring: times that all receive buffers were in use (ENOBUFS).") \
  X(completions_overflowed, counter, "io_uring: times that the completion queue was full.")        \
  X(sent_ipv4, counter,                                                                            \
    "Datagrams given to the kernel over IPv4; those it refused are counted again below.")          \
  X(sent_ipv4_bytes, counter, "Their payload.")                                                    \
  X(sent_ipv6, counter, "The same over IPv6.")                                                     \
  X(sent_ipv6_bytes, counter, "Their payload.")                                                    \
  X(sent_coalesced, counter, "Datagrams sent together with others in one send.")                   \
  X(coalescing_refused, counter, "Sends of several that the kernel refused: sent singly instead.") \
  X(send_would_block, counter,                                                                     \
    "Refused: EAGAIN, ENOBUFS, ENOMEM: the queue of the socket or device is full.")                \
  X(send_forbidden, counter, "Refused: EPERM, EACCES: a firewall rule, or a broadcast address.")   \
  X(send_too_long, counter, "Refused: EMSGSIZE.")                                                  \
  X(send_unreachable, counter, "Refused: no route, or no such source address.")                    \
  X(send_invalid, counter, "Refused: EINVAL, EAFNOSUPPORT: port 0, or the wrong address family.")  \
  X(send_failed, counter, "Refused: any other error.")                                             \
  X(send_without_socket, counter, "Dropped by us: no open socket for the path.")                   \
  X(turns, counter, "Turns of the loop.")                                                          \
  X(sleeps, counter, "Turns that began by waiting.")                                               \
  X(busy_nanoseconds, counter, "Processor time of the loop's thread, in the kernel too.")          \
  X(frames, counter, "Frames taken out of mailboxes.")                                             \
  X(outbox_flushes, counter, "Times that an outbox had to be sent in the middle of a turn.")       \
  X(steering_refused, counter, "Addresses whose datagrams the kernel does not steer.")             \
  X(filters_set, counter, "Times that a socket's filter of sources was replaced or removed.")      \
  X(filters_refused, counter, "Times that the kernel refused to.")                                 \
  X(stalls, counter, "Turns longer than the threshold.")                                           \
  X(stall_longest_nanoseconds, greatest, "The longest turn.")

enum class IoCounter : uint8_t { XORD_IO_COUNTERS(XORD_COUNT_ENUMERATOR) count };

// In the order of the enum.
inline std::span<const CountInfo> info_of(IoCounter) {
  static constexpr CountInfo infos[] = {XORD_IO_COUNTERS(XORD_COUNT_INFO)};
  return infos;
}

using IoCounters = Counters<IoCounter>;

// What is summed over both families when it is read.
#define XORD_IO_SUMS(X)                                                                  \
  X(received, counter, "Datagrams handed to the node.")                                  \
  X(received_bytes, counter, "Their payload.")                                           \
  X(sent, counter, "Datagrams given to the kernel; those it refused are counted again.") \
  X(sent_bytes, counter, "Their payload.")

enum class IoSum : uint8_t { XORD_IO_SUMS(XORD_COUNT_ENUMERATOR) count };

inline std::span<const CountInfo> info_of(IoSum) {
  static constexpr CountInfo infos[] = {XORD_IO_SUMS(XORD_COUNT_INFO)};
  return infos;
}
uint64_t sum_of(const IoCounters& counters, IoSum which);

// Most turns take less than the first bound; the last is ten times what counts as a stall.
inline constexpr auto turn_bounds =
    bounds_in_microseconds({100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000,
                            250'000, 500'000, 1'000'000});

#define XORD_IO_HISTOGRAMS(X)                    \
  X(turn_duration_seconds, seconds, turn_bounds, \
    "How long turns of the loop took, from the end of their wait.")

enum class IoHistogram : uint8_t { XORD_IO_HISTOGRAMS(XORD_HISTOGRAM_ENUMERATOR) count };

// In the order of the enum.
inline std::span<const HistogramInfo> info_of(IoHistogram) {
  static constexpr HistogramInfo infos[] = {XORD_IO_HISTOGRAMS(XORD_HISTOGRAM_INFO)};
  return infos;
}

// Counts datagrams handed to the node, or given to the kernel, and their payload.
inline void count_received(IoCounters& counters, bool is_ipv4, uint64_t bytes) {
  counters.add(is_ipv4 ? IoCounter::received_ipv4 : IoCounter::received_ipv6);
  counters.add(is_ipv4 ? IoCounter::received_ipv4_bytes : IoCounter::received_ipv6_bytes, bytes);
}
inline void count_sent(IoCounters& counters, bool is_ipv4, uint64_t datagrams, uint64_t bytes) {
  counters.add(is_ipv4 ? IoCounter::sent_ipv4 : IoCounter::sent_ipv6, datagrams);
  counters.add(is_ipv4 ? IoCounter::sent_ipv4_bytes : IoCounter::sent_ipv6_bytes, bytes);
}

// Counts a refused send of `datagrams` datagrams under the counter for its errno.
void count_send_error(IoCounters& counters, int error_number, uint32_t datagrams = 1);

}  // namespace xord
