#include "tools/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "reactor/base/check.h"

namespace xord {

// Values below 2 * parts are exact; above that only the top 8 bits and their position count.
uint32_t Histogram::index_of(uint64_t value) {
  const auto width = static_cast<uint32_t>(std::bit_width(value));
  const uint32_t shift = width > part_bits + 1 ? width - part_bits - 1 : 0;
  return shift * parts + static_cast<uint32_t>(value >> shift);
}

int64_t Histogram::upper_end(uint32_t index) {
  DCHECK(index < counts_size);
  if (index < 2 * parts) return index;
  const uint32_t shift = index / parts - 1;
  const uint64_t top = index % parts + parts;
  return static_cast<int64_t>(((top + 1) << shift) - 1);
}

void Histogram::record(Duration latency) {
  latency = std::max(latency, Duration{});
  const uint32_t index = index_of(static_cast<uint64_t>(latency.nanoseconds));
  DCHECK(index < counts_size && latency.nanoseconds <= upper_end(index));
  DCHECK(index == 0 || latency.nanoseconds > upper_end(index - 1));
  ++counts_[index];
  ++count_;
  sum_ += static_cast<double>(latency.nanoseconds);
  max_ = std::max(max_, latency);
}

void Histogram::clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  sum_ = 0;
  max_ = {};
}

double Histogram::mean_nanoseconds() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

Duration Histogram::percentile(double percent) const {
  CHECK(percent >= 0 && percent <= 100);
  if (count_ == 0) return {};
  const double wanted = std::ceil(percent / 100 * static_cast<double>(count_));
  const uint64_t rank = std::clamp<uint64_t>(static_cast<uint64_t>(wanted), 1, count_);
  uint64_t seen = 0;
  for (uint32_t i = 0; i < counts_size; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(nanoseconds(upper_end(i)), max_);
  }
  return max_;
}

}  // namespace xord
