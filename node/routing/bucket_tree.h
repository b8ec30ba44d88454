// BucketTree: which bucket an id belongs to (paper 2.4, 4.2). The ranges along our own id exist
// from the start, one for each length of shared prefix, so that the shard that owns a bucket never
// changes: the paper's splitting of our own range leads to the same ranges, and keeps no contact
// that this layout would drop (checklist 34, 35). Within a range a full bucket is split by
// b - 1 = 4 further bits at most. Decides nothing about contacts. Fixed size: 1 KB per bucket.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "node/contact_book.h"
#include "node/routing/bucket.h"
#include "node/routing_config.h"
#include "reactor/base/check.h"
#include "reactor/base/id.h"
#include "reactor/base/rng.h"

namespace xord {

class BucketTree {
 public:
  static constexpr uint32_t split_bits = 4;  // b - 1.
  static_assert(buckets_a_range == 1u << split_bits);
  static_assert(split_bits <= 8, "a bucket's prefix is a byte");

  // `buckets_max` must be below 65,535.
  BucketTree(const Id& self, uint32_t buckets_max);

  // How many leading bits `id` shares with our own: 0..159, or 160 for our own id.
  uint32_t range_of(const Id& id) const { return shared_prefix(self_, id); }
  // The bucket of `id`; null if it has none yet, and for our own id.
  Bucket* find(const Id& id) { return const_cast<Bucket*>(std::as_const(*this).find(id)); }
  const Bucket* find(const Id& id) const;
  // How many leading bits the ids share that lie in the bucket of `id`, or, if it has none, in its
  // range.
  uint32_t block_bits(const Id& id) const;
  // Adds a bucket for a range that has none; null when all buckets are in use.
  Bucket* make(uint32_t range);
  bool has_bucket(uint32_t range) const;

  // False once half of the buckets are in use: the rest are for ranges nearer to us, each of which
  // needs one.
  bool can_split(const Bucket& bucket) const;
  // Moves the upper half of the bucket's range, with its contacts and spares, to the returned
  // bucket. Requires can_split().
  Bucket& split(Bucket& bucket, const ContactBook& book);

  uint32_t count() const { return static_cast<uint32_t>(buckets_.size()); }
  uint32_t index_of(const Bucket& bucket) const {
    const auto index = static_cast<uint32_t>(&bucket - buckets_.data());
    CHECK(index < count());
    return index;
  }
  Bucket& at(uint32_t index) { return const_cast<Bucket&>(std::as_const(*this).at(index)); }
  const Bucket& at(uint32_t index) const {
    DCHECK(index < count());
    return buckets_[index];
  }

  Id random_id_in(const Bucket& bucket, Rng& rng) const;
  // For tests: aborts if an invariant is broken.
  void check_invariants() const;

 private:
  static constexpr uint16_t no_bucket = UINT16_MAX;
  static_assert(id_bits * buckets_a_range < no_bucket, "the most that are possible have an index");
  // The bucket of each of a range's 16 finest parts: a coarser bucket appears several times.
  using Range = std::array<uint16_t, buckets_a_range>;

  static uint32_t part_of(const Id& id, uint32_t range);
  void place(const Bucket& bucket);

  Id self_;
  uint32_t buckets_max_;
  // Never released: there are at most 16 per range. Reserved at construction, so that none moves
  // and buckets never used take no memory.
  std::vector<Bucket> buckets_;
  std::vector<Range> ranges_;
};

// A random id that shares exactly `range` bits with `self`, 0..159.
Id random_id_in_range(const Id& self, uint32_t range, Rng& rng);

}  // namespace xord
