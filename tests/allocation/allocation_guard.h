// Watches for allocations on the threads of shards. This program's malloc, calloc, realloc,
// aligned_alloc, posix_memalign, memalign and operator new replace glibc's own (__libc_*), for all
// libraries that it loads, so no call on a shard's thread is missed. They never fail and change
// nothing: a test checks what was seen. Not for the sanitizers, which replace malloc too.
#pragma once

#include <cstdint>
#include <string>

namespace xord {

class AllocationGuard {
 public:
  // Watches every thread named like a shard's ("xord-shard-0"), until destroyed. One at a time.
  AllocationGuard();
  ~AllocationGuard();
  AllocationGuard(const AllocationGuard&) = delete;
  AllocationGuard& operator=(const AllocationGuard&) = delete;

  // How many allocations such threads have made.
  uint64_t count() const;
  // The function and the call stack of the first one, for the message of a failing test; empty:
  // none.
  std::string first() const;
};

}  // namespace xord
