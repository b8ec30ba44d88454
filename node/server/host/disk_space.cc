#include "node/server/host/disk_space.h"

#include <sys/statvfs.h>

#include "reactor/base/check.h"

namespace xord {

std::optional<DiskSpace> disk_space_of(const std::string& directory) {
  CHECK(!directory.empty());
  struct statvfs status {};
  if (statvfs(directory.c_str(), &status) != 0 || status.f_blocks == 0) return std::nullopt;
  const auto block = uint64_t{status.f_frsize};
  CHECK(status.f_bavail <= status.f_blocks);
  return DiskSpace{status.f_bavail * block, status.f_blocks * block};
}

}  // namespace xord
