// How many datagrams the kernel dropped at a socket before they could be received: the receive
// buffer was full, the filter of sources did not let them pass (reactor/source_filter.h), or their
// checksum was wrong. The kernel counts all three together, in 32 bits, from the opening of the
// socket on: sock_diag(7), SK_MEMINFO_DROPS, read by SO_MEMINFO.
#pragma once

#include <cstdint>
#include <optional>

namespace xord {

// What the kernel has counted at the socket `fd` so far; empty if it does not tell (before Linux
// 4.12). One system call, which waits for nobody.
std::optional<uint32_t> read_kernel_drops(int fd);

// The count of one socket, and how much of it was taken. A socket that is opened again begins with
// a new one, as the kernel does.
class KernelDrops {
 public:
  // The datagrams dropped since the last call, when the kernel has counted `counted`: at most 2^32
  // less one, so it must be called before as many more are dropped.
  uint32_t take(uint32_t counted) {
    const uint32_t more = counted - taken_;  // Right across the wrap, too.
    taken_ = counted;
    return more;
  }

 private:
  uint32_t taken_ = 0;
};

}  // namespace xord
