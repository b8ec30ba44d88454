// Tracks which records are due when: a ring of coarse buckets, each a doubly linked list of
// records. Filing and removing are O(1); a record due beyond the ring waits in its last bucket and
// is filed again. A record comes due up to one bucket late, and early only if it was filed beyond
// the ring or time jumped, so the caller must check it again. Costs 8 bytes a record (the links are
// in it) and 4 a bucket. It does not know why a record is due.
#pragma once

#include <vector>

#include "storage/record.h"

namespace xord {

class ExpiryRing {
 public:
  // `horizon`: how far ahead a record is usually filed. Buckets are as wide as that requires, at
  // least a second. `records` outlives the ring.
  ExpiryRing(Records& records, NodeSeconds horizon);

  // Files the record, or moves it if already filed. A record already due comes with the next tick.
  void file(RecordHandle record, NodeSeconds now, NodeSeconds due);
  // Removes the record, which need not be filed.
  void take_out(RecordHandle record);
  // Removes and returns a record whose bucket has passed; no_record when there is none.
  RecordHandle take_due(NodeSeconds now);
  // When to call take_due() next, at the latest; 0 when nothing is filed.
  NodeSeconds next_due() const;
  NodeSeconds bucket_seconds() const { return bucket_seconds_; }

  uint32_t filed_count() const { return filed_; }
  // For tests and the simulator: aborts if an invariant is broken. Visits every bucket and record.
  void check_invariants() const;

 private:
  void begin(NodeSeconds now);
  uint32_t bucket_of(uint64_t tick) const { return static_cast<uint32_t>(tick % heads_.size()); }
  bool is_occupied(uint32_t bucket) const {
    return (occupied_[bucket / 64] >> (bucket % 64) & 1) != 0;
  }
  // The first tick from `tick` on whose bucket is not empty; the ring must not be empty.
  uint64_t occupied_from(uint64_t tick) const;

  Records& records_;
  NodeSeconds bucket_seconds_;
  uint64_t cursor_ = 0;  // First tick (seconds / bucket_seconds_) not yet emptied.
  // The first tick whose bucket is not empty. Kept because a loop asks for the next wake-up several
  // times a turn and searching the bitmap takes 60 ns.
  uint64_t first_ = 0;
  uint32_t filed_ = 0;
  std::vector<RecordHandle> heads_;
  std::vector<uint64_t> occupied_;  // One bit per bucket.
};

}  // namespace xord
