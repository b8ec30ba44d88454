// Which records are due when: a ring of coarse buckets, a doubly linked list of records in each.
// Filing and taking out are O(1); what lies beyond the ring waits in its last bucket and is filed
// again. A record comes due up to one bucket late, and early only if it was filed beyond
// the ring or time jumped: whoever takes it looks again. Bytes are 8 a record (the links
// are in it) and 4 a bucket. It knows nothing of why a record is due.
#pragma once

#include <vector>

#include "storage/record.h"

namespace xord {

class ExpiryRing {
 public:
  // `horizon`: how far ahead a record is usually filed. Buckets are as wide as that needs, at least
  // a second. `records` outlives the ring.
  ExpiryRing(Records& records, NodeSeconds horizon);

  // Files the record, or moves it if it is filed. What is due already comes with the next tick.
  void file(RecordHandle record, NodeSeconds now, NodeSeconds due);
  // Takes the record out; it may not be filed.
  void take_out(RecordHandle record);
  // A record whose bucket has passed, taken out; no_record when there is none.
  RecordHandle take_due(NodeSeconds now);
  // When take_due() next has something to give, at the latest; 0 when nothing is filed.
  NodeSeconds next_due() const;
  NodeSeconds bucket_seconds() const { return bucket_seconds_; }

 private:
  void begin(NodeSeconds now);
  uint32_t bucket_of(uint64_t tick) const { return static_cast<uint32_t>(tick % heads_.size()); }
  // The first tick from `tick` on whose bucket holds something; the ring is not empty.
  uint64_t occupied_from(uint64_t tick) const;

  Records& records_;
  NodeSeconds bucket_seconds_;
  uint64_t cursor_ = 0;  // The first tick (seconds / bucket_seconds_) whose bucket is not emptied.
  // Of what is filed, the first tick whose bucket holds something: kept, because a loop asks for
  // the next wake-up several times a turn and looking through the bitmap takes 60 ns.
  uint64_t first_ = 0;
  uint32_t filed_ = 0;
  std::vector<RecordHandle> heads_;
  std::vector<uint64_t> occupied_;  // A bit a bucket.
};

}  // namespace xord
