// Counters indexed by an enum whose last enumerator is `count`. One thread adds; any thread may
// read. Relaxed order is enough: a reader wants a recent figure, not an order between figures.
// Adding is a load and a store, not a locked instruction, because there is one writer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace xord {

template <class Enum>
class alignas(64) Counters {  // On cache lines of its own: no false sharing.
 public:
  static constexpr size_t size = static_cast<size_t>(Enum::count);

  void add(Enum which, uint64_t amount = 1) {
    std::atomic<uint64_t>& cell = cells_[static_cast<size_t>(which)];
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void set(Enum which, uint64_t value) {
    cells_[static_cast<size_t>(which)].store(value, std::memory_order_relaxed);
  }
  uint64_t read(Enum which) const {
    return cells_[static_cast<size_t>(which)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<uint64_t>, size> cells_{};
};

}  // namespace xord
