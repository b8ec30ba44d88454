#include "reactor/io_counters.h"

#include <array>
#include <cerrno>

namespace xord {
namespace {

// In the order of the enum.
constexpr std::array names = std::to_array<std::string_view>({
    "received",
    "received_bytes",
    "received_empty",
    "received_too_long",
    "receive_failed",
    "receive_rearmed",
    "buffers_exhausted",
    "completions_overflowed",
    "sent",
    "sent_bytes",
    "sent_coalesced",
    "coalescing_refused",
    "send_would_block",
    "send_forbidden",
    "send_too_long",
    "send_unreachable",
    "send_invalid",
    "send_failed",
    "send_without_socket",
    "turns",
    "sleeps",
    "frames",
    "outbox_flushes",
    "steering_refused",
    "stalls",
    "stall_longest_nanoseconds",
});
static_assert(names.size() == IoCounters::size);

}  // namespace

std::string_view name_of(IoCounter counter) {
  return names[static_cast<size_t>(counter)];
}

namespace {

IoCounter counter_of(int error_number) {
  switch (error_number) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
      return IoCounter::send_would_block;
    case EPERM:
    case EACCES:
      return IoCounter::send_forbidden;
    case EMSGSIZE:
      return IoCounter::send_too_long;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENODEV:
    case EADDRNOTAVAIL:
      return IoCounter::send_unreachable;
    case EINVAL:
    case EAFNOSUPPORT:
      return IoCounter::send_invalid;
    default:
      return IoCounter::send_failed;
  }
}

}  // namespace

void count_send_error(IoCounters& counters, int error_number, uint32_t datagrams) {
  counters.add(counter_of(error_number), datagrams);
}

}  // namespace xord
