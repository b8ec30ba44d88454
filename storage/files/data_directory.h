// The data directory: made if missing, proven to be ours, and held by one process. It blocks:
// start-up only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "reactor/io_error.h"

namespace xord {

enum class NetworkFileSystem : uint8_t { refused, forced };

// Whose magic number (statfs(2), f_type) is a network file system's: its name, else null.
const char* network_file_system_name(uint64_t magic);

// An error when `path` belongs to another user, or others may write there: whoever can could put
// links and files of their own in the place of ours. `what` names it in the sentence.
std::optional<IoError> check_is_private(const std::string& what, const std::string& path);

class DataDirectory {
 public:
  // Makes `path` (mode 0700, parents too) if it is not there, and locks it. An error, in a sentence
  // and with nothing changed: no permission, not a directory, another user's or open for others to
  // write, not empty and not ours (no `identity`), held by another process, on a network file
  // system unless forced.
  static std::variant<std::unique_ptr<DataDirectory>, IoError> open(const std::string& path,
                                                                    NetworkFileSystem network);
  // The directory as it is, for a tool that only reads: locked against nodes where it has a LOCK
  // (a snapshot has none), nothing made and nothing written. An error as above, or that nothing of
  // xord's is there; errno EWOULDBLOCK says that a process holds it.
  static std::variant<std::unique_ptr<DataDirectory>, IoError> open_to_read(
      const std::string& path);
  // Unlocks. The lock also ends with the process, however it ends.
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

}  // namespace xord
