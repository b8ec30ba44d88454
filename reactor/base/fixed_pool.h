// A fixed number of objects, addressed by index and generation. It never grows and nothing is
// allocated after construction: when it is full, the caller refuses and counts. A stale handle is
// detected, so tables may refer to one another without owning.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "reactor/base/check.h"

namespace xord {

struct PoolHandle {
  uint32_t index = UINT32_MAX;
  uint32_t generation = 0;

  auto operator<=>(const PoolHandle&) const = default;
  // The handle as one word; of() turns it back.
  uint64_t word() const { return uint64_t{generation} << 32 | index; }
  static PoolHandle of(uint64_t word) {
    return {static_cast<uint32_t>(word), static_cast<uint32_t>(word >> 32)};
  }
};

// Default-initialises, as `T object;` does: bytes without an initial value are not written, so that
// room for a value takes no memory until it holds one.
template <class T>
struct DefaultInit : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = DefaultInit<U>;
  };
  template <class U>
  void construct(U* at) {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    std::construct_at(at, std::forward<Arguments>(arguments)...);
  }
};

template <class T>
class FixedPool {
 public:
  // Constructs every object at once, each from `arguments`; they live as long as the pool. Members
  // without an initial value stay uninitialised.
  template <class... Arguments>
  explicit FixedPool(uint32_t slots_max, const Arguments&... arguments) : generations_(slots_max) {
    CHECK(slots_max < UINT32_MAX);
    objects_.reserve(slots_max);
    free_.reserve(slots_max);
    for (uint32_t i = 0; i < slots_max; ++i) objects_.emplace_back(arguments...);
    for (uint32_t i = slots_max; i > 0; --i) free_.push_back(i - 1);
  }

  // A free object, as its last holder left it; empty when all are taken. The last one given back
  // comes first, because it is warm.
  std::optional<PoolHandle> take() {
    if (free_.empty()) return std::nullopt;
    const uint32_t index = free_.back();
    free_.pop_back();
    DCHECK(generations_[index] % 2 == 0);
    return PoolHandle{index, ++generations_[index]};  // Odd: taken.
  }
  // The object, or null when the handle is stale, was never given out, or is the default one. (A
  // slot taken 2^31 times since looks current again.)
  T* find(PoolHandle handle) { return is_current(handle) ? &objects_[handle.index] : nullptr; }
  const T* find(PoolHandle handle) const {
    return is_current(handle) ? &objects_[handle.index] : nullptr;
  }
  // For a handle that is known to be current.
  T& operator[](PoolHandle handle) {
    CHECK(is_current(handle));
    return objects_[handle.index];
  }
  const T& operator[](PoolHandle handle) const {
    CHECK(is_current(handle));
    return objects_[handle.index];
  }
  // The handle must be current; it and its copies are stale from here on.
  void give_back(PoolHandle handle) {
    CHECK(is_current(handle));
    DCHECK(free_.size() < slots_max());
    ++generations_[handle.index];
    free_.push_back(handle.index);
  }
  // The current handle of slot `index` if it is taken: for walks over all slots.
  std::optional<PoolHandle> taken_at(uint32_t index) const {
    if (index >= generations_.size() || generations_[index] % 2 == 0) return std::nullopt;
    return PoolHandle{index, generations_[index]};
  }

  uint32_t slots_max() const { return static_cast<uint32_t>(generations_.size()); }
  uint32_t taken_count() const { return slots_max() - static_cast<uint32_t>(free_.size()); }
  bool is_full() const { return free_.empty(); }

 private:
  bool is_current(PoolHandle handle) const {
    return handle.index < generations_.size() && handle.generation % 2 == 1 &&
           generations_[handle.index] == handle.generation;
  }

  std::vector<uint32_t> generations_;       // Odd while taken; counts both takes and returns.
  std::vector<T, DefaultInit<T>> objects_;  // Never resized.
  std::vector<uint32_t> free_;              // A stack, reserved at construction.
};

}  // namespace xord
