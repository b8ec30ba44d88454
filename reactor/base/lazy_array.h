// A zero-filled array of fixed size. Its address space is reserved at once and its memory taken
// page by page as it is touched (mmap(2) with MAP_NORESERVE), so room for ten million records costs
// nothing until they come, and growing never stalls. Small arrays come from the heap. Each begins
// at a cache line. Trivial types only.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#include "reactor/base/check.h"

namespace xord {

// An array filled from its beginning gets pages of 2 MiB where the kernel has them, which saves the
// page-table miss, one of the two cache misses of a random access (madvise(2) MADV_HUGEPAGE; 10 M
// timers: 71 ns without, 57 ns with). An array touched anywhere would then take all its memory at
// once.
enum class Filled : uint8_t { anywhere, from_the_beginning };

// Whether this much can be reserved now: an address-space limit, or a kernel that does not
// overcommit, refuses it. Checked at start, so that the arrays below need not.
inline bool can_reserve(size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return false;
  munmap(at, bytes);
  return true;
}

template <class T>
class LazyArray {
  static constexpr size_t cache_line = 64;
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  static_assert(alignof(T) <= cache_line);

 public:
  explicit LazyArray(size_t count, Filled filled = Filled::anywhere) : count_(count) {
    CHECK(count <= SIZE_MAX / sizeof(T));
    const size_t bytes = count * sizeof(T);
    if (bytes >= mapped_from) {
      void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (at == MAP_FAILED) internal::out_of_memory(bytes);
      if (filled == Filled::from_the_beginning) madvise(at, bytes, MADV_HUGEPAGE);
      elements_ = static_cast<T*>(at);
    } else if (bytes > 0) {
      void* at = std::aligned_alloc(cache_line, (bytes + cache_line - 1) / cache_line * cache_line);
      if (at == nullptr) internal::out_of_memory(bytes);
      std::memset(at, 0, bytes);
      elements_ = static_cast<T*>(at);
    }
  }
  ~LazyArray() {
    if (count_ * sizeof(T) >= mapped_from) {
      munmap(elements_, count_ * sizeof(T));
    } else {
      std::free(elements_);
    }
  }
  LazyArray(LazyArray&& other) noexcept
      : count_(std::exchange(other.count_, 0)),
        elements_(std::exchange(other.elements_, nullptr)) {}
  LazyArray(const LazyArray&) = delete;
  LazyArray& operator=(const LazyArray&) = delete;

  size_t size() const { return count_; }
  T* data() { return elements_; }
  const T* data() const { return elements_; }
  T& operator[](size_t index) {
    DCHECK(index < count_);
    return elements_[index];
  }
  const T& operator[](size_t index) const {
    DCHECK(index < count_);
    return elements_[index];
  }

 private:
  static constexpr size_t mapped_from = 256 << 10;

  size_t count_;
  T* elements_ = nullptr;
};

}  // namespace xord
