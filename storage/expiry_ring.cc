#include "storage/expiry_ring.h"

#include <algorithm>
#include <bit>

namespace xord {
namespace {

constexpr size_t buckets_max = 8192;
static_assert(buckets_max < not_filed);  // A record names its bucket in 16 bits.

// Enough that a bucket of a week's ring is 75 s wide; fewer for few records, since a simulated node
// holds hundreds. A multiple of 64, for the bitmap.
uint32_t bucket_count(size_t records) {
  return static_cast<uint32_t>(std::clamp<size_t>(std::bit_ceil(records / 4), 64, buckets_max));
}

}  // namespace

ExpiryRing::ExpiryRing(Records& records, NodeSeconds horizon)
    : records_(records),
      // Two buckets of slack: one for the bucket being emptied, one for rounding.
      bucket_seconds_(1 + horizon / (bucket_count(records.size()) - 2)),
      heads_(bucket_count(records.size()), no_record),
      occupied_(heads_.size() / 64) {}

// The ring starts at the time of the first call that brings one.
void ExpiryRing::begin(NodeSeconds now) {
  if (filed_ == 0) cursor_ = std::max<uint64_t>(cursor_, now / bucket_seconds_);
}

void ExpiryRing::file(RecordHandle record, NodeSeconds now, NodeSeconds due) {
  begin(now);
  if (records_[record].due_bucket != not_filed) take_out(record);
  // After a jump in time, `now` itself may lie beyond the ring. The record then comes due too early
  // and is filed again until the ring has caught up.
  const uint64_t last = cursor_ + heads_.size() - 1;
  const uint64_t first = std::clamp<uint64_t>(now / bucket_seconds_, cursor_, last);
  const uint64_t tick = std::clamp<uint64_t>(due / bucket_seconds_, first, last);
  const uint32_t bucket = bucket_of(tick);
  Record& filed = records_[record];
  DCHECK(filed_ == 0 || (first_ >= cursor_ && first_ <= last));
  filed.due_bucket = static_cast<uint16_t>(bucket);
  filed.due_previous = no_record;
  filed.due_next = heads_[bucket];
  if (filed.due_next != no_record) records_[filed.due_next].due_previous = record;
  heads_[bucket] = record;
  occupied_[bucket / 64] |= uint64_t{1} << (bucket % 64);
  first_ = filed_ == 0 ? tick : std::min(first_, tick);
  ++filed_;
}

void ExpiryRing::take_out(RecordHandle record) {
  Record& filed = records_[record];
  const uint32_t bucket = filed.due_bucket;
  if (bucket == not_filed) return;
  DCHECK(filed_ > 0 && is_occupied(bucket));
  DCHECK(filed.due_next == no_record || records_[filed.due_next].due_previous == record);
  DCHECK((filed.due_previous == no_record ? heads_[bucket]
                                          : records_[filed.due_previous].due_next) == record);
  if (filed.due_next != no_record) records_[filed.due_next].due_previous = filed.due_previous;
  if (filed.due_previous != no_record) {
    records_[filed.due_previous].due_next = filed.due_next;
  } else {
    heads_[bucket] = filed.due_next;
    if (filed.due_next == no_record) occupied_[bucket / 64] &= ~(uint64_t{1} << (bucket % 64));
  }
  filed.due_bucket = not_filed;
  --filed_;
  const bool was_the_last = heads_[bucket] == no_record;
  if (filed_ > 0 && was_the_last && bucket == bucket_of(first_)) first_ = occupied_from(first_);
}

uint64_t ExpiryRing::occupied_from(uint64_t tick) const {
  const uint32_t start = bucket_of(tick);
  const size_t words = occupied_.size();
  for (size_t i = 0; i <= words; ++i) {
    uint64_t word = occupied_[(start / 64 + i) % words];
    if (i == 0) word &= ~uint64_t{0} << (start % 64);
    if (word == 0) continue;
    const size_t bucket =
        (start / 64 + i) % words * 64 + static_cast<size_t>(std::countr_zero(word));
    return tick + (bucket + heads_.size() - start) % heads_.size();
  }
  CHECK(filed_ == 0);
  return tick;
}

RecordHandle ExpiryRing::take_due(NodeSeconds now) {
  if (filed_ == 0) return no_record;
  cursor_ = std::max(cursor_, std::min<uint64_t>(first_, now / bucket_seconds_));
  if (first_ >= now / bucket_seconds_) return no_record;
  const RecordHandle record = heads_[bucket_of(first_)];
  CHECK(record != no_record);
  take_out(record);
  return record;
}

NodeSeconds ExpiryRing::next_due() const {
  if (filed_ == 0) return 0;
  return static_cast<NodeSeconds>((first_ + 1) * bucket_seconds_);
}

void ExpiryRing::check_invariants() const {
  uint32_t filed = 0;
  for (uint32_t bucket = 0; bucket < heads_.size(); ++bucket) {
    CHECK(is_occupied(bucket) == (heads_[bucket] != no_record));
    RecordHandle previous = no_record;
    for (RecordHandle at = heads_[bucket]; at != no_record; at = records_[at].due_next) {
      CHECK(records_[at].due_bucket == bucket && records_[at].due_previous == previous);
      CHECK(filed < filed_);  // No more than were filed, so no list is a circle.
      ++filed;
      previous = at;
    }
  }
  CHECK(filed == filed_);
  if (filed_ == 0) return;
  // Nothing is filed before the cursor or a whole turn of the ring after it.
  CHECK(first_ >= cursor_ && first_ - cursor_ < heads_.size());
  CHECK(occupied_from(cursor_) == first_);
}

}  // namespace xord
