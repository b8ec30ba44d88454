// A log-linear histogram of latencies. Each power of two is divided into 128 equal parts, so a
// percentile is at most 1/128 above the true one, over the whole range of 64 bits, in 59 KB.
// Recording takes two shifts and an addition and never allocates. (Idea: Tene's HdrHistogram.)
#pragma once

#include <cstdint>
#include <vector>

#include "reactor/base/instant.h"

namespace xord {

class Histogram {
 public:
  Histogram() : counts_(counts_size, 0) {}

  void record(Duration latency);  // A negative one counts as 0.
  void clear();

  uint64_t count() const { return count_; }
  Duration max() const { return max_; }
  double mean_nanoseconds() const;
  // The smallest latency that at least `percent` (0 to 100) of the recorded ones do not exceed; 0
  // if none are recorded. Rounded up to the end of its part, but never above the maximum.
  Duration percentile(double percent) const;

  // Calls visit(Duration upper_end, uint64_t count) for each nonempty part, in ascending order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (uint32_t i = 0; i < counts_size; ++i) {
      if (counts_[i] > 0) visit(nanoseconds(upper_end(i)), counts_[i]);
    }
  }

 private:
  static constexpr uint32_t part_bits = 7;
  static constexpr uint32_t parts = 1u << part_bits;
  static constexpr uint32_t counts_size = (64 - part_bits) * parts;
  static_assert(counts_size * sizeof(uint64_t) <= 59'000);

  static uint32_t index_of(uint64_t value);
  static int64_t upper_end(uint32_t index);

  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  double sum_ = 0;
  Duration max_;
};

}  // namespace xord
