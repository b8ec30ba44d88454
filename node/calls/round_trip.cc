#include "node/calls/round_trip.h"

#include <algorithm>
#include <bit>

#include "node/budget.h"
#include "node/endpoint_hash.h"

namespace xord {

void RoundTrip::sample(Duration measured) {
  constexpr int64_t longest = transaction_lifetime.nanoseconds / 1000;
  static_assert(8 * longest <= UINT32_MAX, "no weighted sum overflows");
  const auto now = static_cast<uint32_t>(
      std::clamp<int64_t>(measured.nanoseconds / 1000, 1, longest));  // 0 means "not measured".
  if (srtt_ == 0) {
    srtt_ = now;
    rttvar_ = now / 2;
    return;
  }
  const uint32_t deviation = now > srtt_ ? now - srtt_ : srtt_ - now;
  rttvar_ = (3 * rttvar_ + deviation) / 4;      // RFC 6298 2.3: beta = 1/4,
  srtt_ = std::max(1u, (7 * srtt_ + now) / 8);  // alpha = 1/8.
}

Duration RoundTrip::timeout() const {
  if (!is_measured()) return adaptive_timeout_unmeasured;
  const Duration round_trip = microseconds(int64_t{srtt_} + 4 * int64_t{rttvar_});
  return std::clamp(round_trip * round_trips_of_a_call, adaptive_timeout_min, adaptive_timeout_max);
}

RoundTrips::RoundTrips(uint32_t contacts_max, uint64_t seed)
    : seed_(seed),
      set_mask_(std::bit_ceil((uint64_t{contacts_max} + ways - 1) / ways) - 1),
      sets_(set_mask_ + 1) {}

void RoundTrips::sample(const Endpoint& endpoint, Duration measured) {
  const uint64_t hash = hash_of(endpoint);
  Set& set = sets_[hash & set_mask_];
  uint32_t at = 0;
  while (at < ways - 1 && set.rows[at].tag != tag_of(hash)) ++at;  // Else the least recently used.
  Row row = set.rows[at];
  if (row.tag != tag_of(hash)) row = {tag_of(hash), RoundTrip{}};
  row.round_trip.sample(measured);
  std::copy_backward(set.rows.begin(), set.rows.begin() + at, set.rows.begin() + at + 1);
  set.rows[0] = row;
}

Duration RoundTrips::timeout(const Endpoint& endpoint) const {
  const RoundTrip* own = find(endpoint);
  return own != nullptr ? own->timeout()
                        : std::min(of_node_.timeout(), adaptive_timeout_unmeasured);
}

std::optional<Duration> RoundTrips::smoothed(const Endpoint& endpoint) const {
  const RoundTrip* own = find(endpoint);
  if (own == nullptr) return std::nullopt;
  DCHECK(own->is_measured());  // A row is made by a sample.
  return own->smoothed();
}

const RoundTrip* RoundTrips::find(const Endpoint& endpoint) const {
  const uint64_t hash = hash_of(endpoint);
  for (const Row& row : sets_[hash & set_mask_].rows) {
    if (row.tag == tag_of(hash)) return &row.round_trip;
  }
  return nullptr;
}

uint64_t RoundTrips::hash_of(const Endpoint& endpoint) const {
  return endpoint_hash(endpoint, seed_);
}

}  // namespace xord
