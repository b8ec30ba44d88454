#include "storage/rocks/lost_ranges.h"

#include <utility>

#include "reactor/base/check.h"

namespace xord {

void LostRanges::add(StoreId store, RowRange range) {
  CHECK(range.first < range.end && range.end <= UINT16_MAX + 1);
  if (!ranges_.empty() && ranges_.back().store == store) {
    RowRange& last = ranges_.back().range;
    CHECK(last.end <= range.first);
    if (last.end == range.first || ranges_.size() >= ranges_max) {
      last.end = range.end;
      return;
    }
  }
  ranges_.push_back({store, range});
}

std::vector<LostRanges::Lost> LostRanges::take() {
  return std::exchange(ranges_, {});
}

uint32_t LostRanges::prefixes_of(StoreId store) const {
  uint32_t prefixes = 0;
  for (const Lost& lost : ranges_) {
    if (lost.store == store) prefixes += lost.range.end - lost.range.first;
  }
  return prefixes;
}

void LostRanges::check_invariants() const {
  size_t lists = 0;
  for (size_t i = 0; i < ranges_.size(); ++i) {
    const auto& [store, range] = ranges_[i];
    CHECK(range.first < range.end && range.end <= UINT16_MAX + 1);
    const bool begins_list = i == 0 || ranges_[i - 1].store != store;
    CHECK(begins_list || ranges_[i - 1].range.end < range.first);  // In order, and not adjacent.
    lists += begins_list ? 1 : 0;
  }
  CHECK(ranges_.size() < ranges_max + lists);
}

}  // namespace xord
