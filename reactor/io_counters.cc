#include "reactor/io_counters.h"

#include <cerrno>

namespace xord {
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

uint64_t sum_of(const IoCounters& counters, IoSum which) {
  using enum IoCounter;
  switch (which) {
    case IoSum::received:
      return counters.read(received_ipv4) + counters.read(received_ipv6);
    case IoSum::received_bytes:
      return counters.read(received_ipv4_bytes) + counters.read(received_ipv6_bytes);
    case IoSum::sent:
      return counters.read(sent_ipv4) + counters.read(sent_ipv6);
    case IoSum::sent_bytes:
      return counters.read(sent_ipv4_bytes) + counters.read(sent_ipv6_bytes);
    case IoSum::count:
      break;
  }
  CHECK(false);
  return 0;
}

}  // namespace xord
