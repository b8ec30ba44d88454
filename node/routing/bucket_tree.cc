#include "node/routing/bucket_tree.h"

#include <algorithm>

namespace xord {
namespace {

void set_bit(Id& id, uint32_t bit, bool is_set) {
  DCHECK(bit < id_bits);
  const auto mask = static_cast<uint8_t>(0x80 >> bit % 8);
  uint8_t& byte = id.bytes[bit / 8];
  byte = static_cast<uint8_t>(is_set ? byte | mask : byte & ~mask);
}

}  // namespace

BucketTree::BucketTree(const Id& self, uint32_t buckets_max)
    : self_(self), buckets_max_(buckets_max), ranges_(id_bits) {
  CHECK(buckets_max < no_bucket);
  buckets_.reserve(buckets_max);
  for (Range& range : ranges_) range.fill(no_bucket);
}

// The bits after the first one in which `id` differs from ours, as a number.
uint32_t BucketTree::part_of(const Id& id, uint32_t range) {
  uint32_t part = 0;
  for (uint32_t bit = range + 1; bit <= range + split_bits; ++bit) {
    part = part << 1 | (bit < id_bits && id.bit(bit) ? 1 : 0);
  }
  DCHECK(part < buckets_a_range);
  return part;
}

const Bucket* BucketTree::find(const Id& id) const {
  const uint32_t range = range_of(id);
  if (range == id_bits) return nullptr;
  const uint16_t index = ranges_[range][part_of(id, range)];
  DCHECK(index == no_bucket || at(index).range == range);
  return index == no_bucket ? nullptr : &buckets_[index];
}

uint32_t BucketTree::block_bits(const Id& id) const {
  const uint32_t range = range_of(id);
  if (range == id_bits) return id_bits;
  const Bucket* bucket = find(id);
  const uint32_t bits = range + 1 + (bucket == nullptr ? 0 : bucket->depth);
  DCHECK(bits <= id_bits);
  return bits;
}

bool BucketTree::has_bucket(uint32_t range) const {
  CHECK(range < id_bits);
  return ranges_[range][0] != no_bucket;
}

Bucket* BucketTree::make(uint32_t range) {
  CHECK(range < id_bits && !has_bucket(range));
  if (count() == buckets_max_) return nullptr;
  Bucket& bucket = buckets_.emplace_back();
  bucket.range = static_cast<uint8_t>(range);
  place(bucket);
  return &bucket;
}

void BucketTree::place(const Bucket& bucket) {
  CHECK(bucket.depth <= split_bits && bucket.prefix >> bucket.depth == 0);
  const uint32_t width = buckets_a_range >> bucket.depth;
  std::fill_n(ranges_[bucket.range].begin() + bucket.prefix * width, width,
              static_cast<uint16_t>(index_of(bucket)));
}

bool BucketTree::can_split(const Bucket& bucket) const {
  return bucket.depth < split_bits && bucket.range + bucket.depth + 1u < id_bits &&
         count() <= buckets_max_ / 2;
}

Bucket& BucketTree::split(Bucket& bucket, const ContactBook& book) {
  CHECK(can_split(bucket));
  CHECK(count() < buckets_max_);  // `bucket` does not move.
  Bucket& upper = buckets_.emplace_back();
  upper.range = bucket.range;
  upper.refresh_at = bucket.refresh_at;
  upper.depth = ++bucket.depth;
  bucket.prefix = static_cast<uint8_t>(bucket.prefix << 1);
  upper.prefix = bucket.prefix | 1;
  place(upper);
  const uint32_t bit = uint32_t{bucket.range} + bucket.depth;
  for (size_t i = 0; i < bucket.contacts().size();) {
    FiledContact& filed = bucket.contacts()[i];
    if (!book.id(filed.handle).bit(bit)) {
      ++i;
      continue;
    }
    upper.append(filed);
    bucket.remove(filed);
  }
  for (size_t i = 0; i < bucket.spares().size();) {
    SpareContact& spare = bucket.spares()[i];
    if (!book.id(spare.handle).bit(bit)) {
      ++i;
      continue;
    }
    const ContactHandle dropped = upper.append_spare(spare);
    CHECK(dropped == no_contact);  // Half of them always fit.
    bucket.remove_spare(spare);
  }
  return upper;
}

Id BucketTree::random_id_in(const Bucket& bucket, Rng& rng) const {
  Id id = random_id_in_range(self_, bucket.range, rng);
  for (uint32_t i = 1; i <= bucket.depth; ++i) {
    set_bit(id, bucket.range + i, (bucket.prefix >> (bucket.depth - i)) & 1);
  }
  DCHECK(find(id) == &bucket);
  return id;
}

void BucketTree::check_invariants() const {
  CHECK(count() <= buckets_max_);
  std::vector<uint32_t> parts(count());
  for (uint32_t range = 0; range < id_bits; ++range) {
    for (uint32_t part = 0; part < buckets_a_range; ++part) {
      const uint16_t index = ranges_[range][part];
      CHECK((index != no_bucket) == has_bucket(range));  // All parts of a range have one, or none.
      if (index == no_bucket) continue;
      CHECK(index < count() && at(index).range == range);
      CHECK(part >> (split_bits - at(index).depth) == at(index).prefix);
      ++parts[index];
    }
  }
  for (uint32_t i = 0; i < count(); ++i) CHECK(parts[i] == buckets_a_range >> at(i).depth);
}

Id random_id_in_range(const Id& self, uint32_t range, Rng& rng) {
  CHECK(range < id_bits);
  Id id;
  rng.fill(id.bytes);
  for (uint32_t bit = 0; bit <= range; ++bit) set_bit(id, bit, self.bit(bit) != (bit == range));
  DCHECK(shared_prefix(self, id) == range);
  return id;
}

}  // namespace xord
