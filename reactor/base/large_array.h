// An array whose size is fixed at construction, for tables that may be hundreds of megabytes and
// are read at random. Large ones are aligned to huge pages and the kernel is asked for them
// (madvise(2) MADV_HUGEPAGE, a hint that may be refused): otherwise most of a random access to 160
// MB is address translation (10 M timers: 71 ns without, 57 ns with). Never grows.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "reactor/base/check.h"

namespace xord {

template <class T>
class LargeArray {
 public:
  static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= 64);

  // `count` values, each T{}.
  explicit LargeArray(size_t count) : count_(count) {
    CHECK(count <= (SIZE_MAX - huge_page) / sizeof(T));
    const bool is_large = count * sizeof(T) >= 2 * huge_page;
    const size_t alignment = is_large ? huge_page : 64;
    const size_t size = (count * sizeof(T) + alignment) / alignment * alignment;
    void* memory = ::operator new (size, std::align_val_t{alignment});
    if (is_large) madvise(memory, size, MADV_HUGEPAGE);
    values_ = std::unique_ptr<T, Free>(static_cast<T*>(memory), Free{alignment});
    std::uninitialized_value_construct_n(values_.get(), count);
  }

  T& operator[](size_t index) {
    DCHECK(index < count_);
    return values_.get()[index];
  }
  const T& operator[](size_t index) const {
    DCHECK(index < count_);
    return values_.get()[index];
  }
  size_t size() const { return count_; }

 private:
  static constexpr size_t huge_page = size_t{2} << 20;
  struct Free {
    size_t alignment = 64;
    void operator()(T* memory) const { ::operator delete (memory, std::align_val_t{alignment}); }
  };

  size_t count_;
  std::unique_ptr<T, Free> values_;
};

}  // namespace xord
