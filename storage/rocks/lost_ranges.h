// The ranges of row keys that loading could not read, kept to be read again. Bounded: once
// ranges_max are kept, a further loss extends the last range of its list to cover it, so that at
// most one range for each further list is added. Reading a range again costs time and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/operation.h"
#include "storage/rocks/row.h"

namespace xord {

class LostRanges {
 public:
  static constexpr size_t ranges_max = 1024;

  struct Lost {
    StoreId store;
    RowRange range;
  };

  // The lists come one after another, and the ranges of each in order.
  void add(StoreId store, RowRange range);
  // Takes all of them out.
  std::vector<Lost> take();

  const std::vector<Lost>& all() const { return ranges_; }
  bool is_empty() const { return ranges_.empty(); }
  // The two-byte prefixes of one list that are lost.
  uint32_t prefixes_of(StoreId store) const;
  // Aborts if an invariant is broken.
  void check_invariants() const;

 private:
  std::vector<Lost> ranges_;
};

}  // namespace xord
