#include "node/calls/called_sources.h"

#include <algorithm>
#include <bit>

#include "node/endpoint_hash.h"
#include "reactor/base/check.h"

namespace xord {

CalledSources::CalledSources(uint32_t bits, uint64_t seed)
    : seed_(seed), mask_(bits - 1), present_(bits / 64), before_(bits / 64) {
  CHECK(std::has_single_bit(bits) && bits >= 64);
}

bool CalledSources::add(const Endpoint& source, Instant now) {
  const int64_t span = span_of(now);
  DCHECK(span >= span_);
  if (span != span_) {
    std::swap(present_, before_);
    std::fill(present_.begin(), present_.end(), 0);
    if (span != span_ + 1) std::fill(before_.begin(), before_.end(), 0);
    span_ = span;
  }
  const Bits bits = bits_of(source);
  if (contains(present_, bits)) return false;
  for (const uint64_t bit : bits.at) present_[bit / 64] |= uint64_t{1} << bit % 64;
  DCHECK(was_called(source, now));
  return true;
}

bool CalledSources::was_called(const Endpoint& source, Instant now) const {
  const int64_t passed = span_of(now) - span_;
  if (passed > 1) return false;
  const Bits bits = bits_of(source);
  if (contains(present_, bits)) return true;
  return passed == 0 && contains(before_, bits);
}

CalledSources::Bits CalledSources::bits_of(const Endpoint& source) const {
  const uint64_t hash = endpoint_hash(source, seed_);
  return {{hash & mask_, hash >> 32 & mask_}};
}

bool CalledSources::contains(const Filter& filter, const Bits& bits) {
  return std::all_of(bits.at.begin(), bits.at.end(), [&](uint64_t bit) {
    DCHECK(bit / 64 < filter.size());
    return (filter[bit / 64] >> bit % 64 & 1) != 0;
  });
}

}  // namespace xord
