// Sees the calls on which the life of a file over a power loss depends, fsync(2) and rename(2), in
// their order, and can make one of them fail. This program's own definitions of both take the place
// of the library's (disk_calls.cc). One object at a time; calls of all threads are seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace xord {

class DiskCalls {
 public:
  static constexpr size_t never = SIZE_MAX;

  // The `failing`-th call, counted from 0, ends with EIO and does nothing.
  explicit DiskCalls(size_t failing = never);
  ~DiskCalls();
  DiskCalls(const DiskCalls&) = delete;
  DiskCalls& operator=(const DiskCalls&) = delete;

  // "sync PATH, N bytes" of a file, "sync PATH" of a directory, "rename PATH to PATH".
  std::vector<std::string> seen() const;

  // Called by the definitions: false if this call shall fail.
  static bool admit(std::string call);
};

}  // namespace xord
