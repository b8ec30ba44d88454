// How much room there is on the disk of a directory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace xord {

struct DiskSpace {
  uint64_t free = 0;  // Bytes, without those kept for root.
  uint64_t size = 0;
};

// Empty if the file system does not tell. Waits for the disk if it hangs.
std::optional<DiskSpace> disk_space_of(const std::string& directory);

}  // namespace xord
