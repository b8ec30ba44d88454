// Room for values in transit, shared by all lookups of a shard: a lookup needs some only once a
// value is found, so thousands of lookups do not reserve 8 KiB each. Bounded; when it is full a
// value is not kept, and the lookup says so.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "node/budget.h"
#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/base/fixed_pool.h"

namespace xord {

class ValuePool {
 public:
  explicit ValuePool(uint32_t values_max) : slots_(values_max) {}

  // A copy of `value`; empty when the pool is full or the value is longer than value_size_max.
  [[nodiscard]] std::optional<PoolHandle> keep(Bytes value) {
    if (value.size() > value_size_max) return std::nullopt;
    const auto handle = slots_.take();
    if (!handle) return std::nullopt;
    Slot& slot = slots_[*handle];
    if (!value.empty()) std::memcpy(slot.bytes.data(), value.data(), value.size());
    slot.size = static_cast<uint32_t>(value.size());
    return handle;
  }
  // Valid until the handle is released. The handle must be current.
  Bytes bytes(PoolHandle handle) const {
    const Slot& slot = slots_[handle];
    DCHECK(slot.size <= slot.bytes.size());
    return {slot.bytes.data(), slot.size};
  }
  void give_back(PoolHandle handle) { slots_.give_back(handle); }
  uint32_t kept_count() const { return slots_.taken_count(); }

 private:
  struct Slot {
    uint32_t size = 0;
    std::array<uint8_t, value_size_max> bytes;
  };
  FixedPool<Slot> slots_;
};

}  // namespace xord
