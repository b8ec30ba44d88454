// Histograms indexed by an enum whose last enumerator is `count`: how many of the values observed
// fell into each bucket, and their sum. The bounds of the buckets are constants. One thread
// observes; any thread may read, and needs no order between figures (reactor/base/counters.h). A
// histogram takes 128 bytes; observing is a short search and two stores, and nothing allocates.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/base/instant.h"

namespace xord {

// What is observed, and so how bounds and sum are shown.
enum class HistogramUnit : uint8_t {
  seconds,  // Durations: bounds and sum are nanoseconds here, and shown as seconds.
  number,
};

// The most bounds that a histogram has. What is larger than the last falls into one more bucket.
constexpr size_t histogram_bounds_max = 13;

struct HistogramInfo {
  std::string_view name;  // In the statistics and the metrics.
  HistogramUnit unit;
  std::span<const uint64_t> bounds;  // Ascending: each is the largest value of its bucket.
  std::string_view help;             // A sentence.
};

// A set of histograms is one list, #define LIST(X) with X(name, unit, bounds, "help") a line: its
// enum is LIST(XORD_HISTOGRAM_ENUMERATOR), and what is shown of it LIST(XORD_HISTOGRAM_INFO).
#define XORD_HISTOGRAM_ENUMERATOR(name, unit, bounds, help) name,
#define XORD_HISTOGRAM_INFO(name, unit, bounds, help) {#name, HistogramUnit::unit, bounds, help},

// One histogram, as it is shown. Prometheus wants the sums of the first counts: they are made when
// they are written.
struct NamedHistogram {
  const HistogramInfo* info = nullptr;
  std::vector<uint64_t> counts;  // One more than bounds.
  uint64_t sum = 0;

  uint64_t count() const {
    uint64_t all = 0;
    for (const uint64_t each : counts) all += each;
    return all;
  }
};

template <size_t count>
constexpr std::array<uint64_t, count> bounds_in_microseconds(const uint64_t (&bounds)[count]) {
  std::array<uint64_t, count> in_nanoseconds{};
  for (size_t i = 0; i < count; ++i) in_nanoseconds[i] = bounds[i] * 1000;
  return in_nanoseconds;
}

template <class Enum>
class alignas(64) Histograms {  // On cache lines of its own: no false sharing.
 public:
  static constexpr size_t size = static_cast<size_t>(Enum::count);

  void observe(Enum which, uint64_t value) {
    Cells& cells = cells_[index_of(which)];
    const std::span<const uint64_t> bounds = info_of(which)[index_of(which)].bounds;
    DCHECK(bounds.size() <= histogram_bounds_max);
    size_t bucket = 0;
    while (bucket < bounds.size() && value > bounds[bucket]) ++bucket;
    add(cells.counts[bucket], 1);
    add(cells.sum, value);
  }
  void observe(Enum which, Duration took) {
    DCHECK(info_of(which)[index_of(which)].unit == HistogramUnit::seconds);
    CHECK(took >= Duration{});
    observe(which, static_cast<uint64_t>(took.nanoseconds));
  }

  // How many values were at most bounds[bucket] and above the bound before it.
  uint64_t count_in(Enum which, size_t bucket) const {
    DCHECK(bucket <= info_of(which)[index_of(which)].bounds.size());
    return cells_[index_of(which)].counts[bucket].load(std::memory_order_relaxed);
  }
  uint64_t count(Enum which) const {
    uint64_t all = 0;
    for (const auto& each : cells_[index_of(which)].counts) {
      all += each.load(std::memory_order_relaxed);
    }
    return all;
  }
  uint64_t sum(Enum which) const {
    return cells_[index_of(which)].sum.load(std::memory_order_relaxed);
  }

 private:
  struct Cells {
    std::array<std::atomic<uint64_t>, histogram_bounds_max + 1> counts{};
    std::atomic<uint64_t> sum = 0;
  };

  static size_t index_of(Enum which) {
    DCHECK(which < Enum::count);
    return static_cast<size_t>(which);
  }
  // Not a locked instruction: there is one writer.
  static void add(std::atomic<uint64_t>& cell, uint64_t amount) {
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  std::array<Cells, size> cells_{};
};

}  // namespace xord
