// Counters indexed by an enum whose last enumerator is `count`. One thread adds; any thread may
// read. Relaxed order is enough: a reader wants a recent figure, not an order between figures.
// Adding is a load and a store, not a locked instruction, because there is one writer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "reactor/base/check.h"

namespace xord {

// What a figure is, and how those of several shards or networks make one.
enum class CountKind : uint8_t {
  counter,   // Only grows since the start of the process. Summed.
  gauge,     // Goes up and down. Summed.
  least,     // A gauge that every shard has for the whole node: the least.
  greatest,  // Of durations: the greatest.
};

struct CountInfo {
  std::string_view name;  // In the statistics and the metrics.
  CountKind kind;
  std::string_view help;  // A sentence.
};

// A set of counters is one list, #define LIST(X) with X(name, kind, "help") a line: its enum is
// LIST(XORD_COUNT_ENUMERATOR), and what is shown of it LIST(XORD_COUNT_INFO).
#define XORD_COUNT_ENUMERATOR(name, kind, help) name,
#define XORD_COUNT_INFO(name, kind, help) {#name, CountKind::kind, help},

// One figure, as it is shown.
struct NamedCount {
  const CountInfo* info = nullptr;
  uint64_t value = 0;
};

template <class Enum>
class alignas(64) Counters {  // On cache lines of its own: no false sharing.
 public:
  static constexpr size_t size = static_cast<size_t>(Enum::count);
  static_assert(std::atomic<uint64_t>::is_always_lock_free);  // A shard never waits for a reader.

  void add(Enum which, uint64_t amount = 1) {
    DCHECK(which < Enum::count);
    std::atomic<uint64_t>& cell = cells_[static_cast<size_t>(which)];
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void set(Enum which, uint64_t value) {
    DCHECK(which < Enum::count);
    cells_[static_cast<size_t>(which)].store(value, std::memory_order_relaxed);
  }
  uint64_t read(Enum which) const {
    DCHECK(which < Enum::count);
    return cells_[static_cast<size_t>(which)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<uint64_t>, size> cells_{};
};

// A set of counters for each enumerator of `Row`, whose last is `count` as well: what became of the
// calls of each method.
template <class Row, class Enum>
class CounterTable {
 public:
  static constexpr size_t rows = static_cast<size_t>(Row::count);

  void add(Row row, Enum which) { rows_[index_of(row)].add(which); }
  uint64_t read(Row row, Enum which) const { return rows_[index_of(row)].read(which); }
  // Over all rows.
  uint64_t sum(Enum which) const {
    uint64_t all = 0;
    for (const Counters<Enum>& row : rows_) all += row.read(which);
    return all;
  }
  const Counters<Enum>& operator[](Row row) const { return rows_[index_of(row)]; }

 private:
  static size_t index_of(Row row) {
    DCHECK(row < Row::count);
    return static_cast<size_t>(row);
  }

  std::array<Counters<Enum>, rows> rows_;
};

}  // namespace xord
