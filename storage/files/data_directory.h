// The data directory: created if missing, verified to be ours, and locked by one process. It
// blocks: start-up only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "reactor/base/check.h"
#include "reactor/io_error.h"

namespace xord {

enum class NetworkFileSystem : uint8_t { refused, forced };

// The name of the network file system with this magic number (statfs(2), f_type), else null.
const char* network_file_system_name(uint64_t magic);

// An error when `path` belongs to another user or is writable by others, who could replace our
// files and links with their own. `what` names the path in the message.
std::optional<IoError> check_is_private(const std::string& what, const std::string& path);

class DataDirectory {
 public:
  // Creates `path` (mode 0700, with its parents) if it does not exist, and locks it. Returns an
  // error message, with nothing changed, if: permission is denied, it is not a directory, it
  // belongs to another user or is writable by others, it is not empty and not ours (no `identity`),
  // another process holds it, or it is on a network file system and not forced.
  static std::variant<std::unique_ptr<DataDirectory>, IoError> open(const std::string& path,
                                                                    NetworkFileSystem network);
  // Opens the directory as it is, for a tool that only reads: locked against nodes if it has a LOCK
  // (a snapshot has none); nothing is created or written. Errors as above, or that nothing of
  // xord's exists there; errno EWOULDBLOCK means that a process holds it.
  static std::variant<std::unique_ptr<DataDirectory>, IoError> open_to_read(
      const std::string& path);
  // Unlocks. The kernel also unlocks it when the process ends, however it ends.
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {
    CHECK(!path_.empty());
  }
  std::string path_;
  int lock_;
};

}  // namespace xord
