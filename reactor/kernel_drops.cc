#include "reactor/kernel_drops.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

namespace xord {

std::optional<uint32_t> read_kernel_drops(int fd) {
  uint32_t info[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof info;
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) != 0) return std::nullopt;
  if (size <= SK_MEMINFO_DROPS * sizeof info[0]) return std::nullopt;
  return info[SK_MEMINFO_DROPS];
}

}  // namespace xord
