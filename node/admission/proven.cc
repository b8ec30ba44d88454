#include "node/admission/proven.h"

#include <algorithm>
#include <bit>

#include "node/budget.h"
#include "node/endpoint_hash.h"
#include "reactor/base/check.h"

namespace xord {

ProvenSources::ProvenSources(uint32_t sources_max, uint64_t seed, std::span<const Subnet> trusted)
    : seed_(seed),
      set_mask_(std::bit_ceil((uint64_t{sources_max} * 2 + ways - 1) / ways) - 1),
      trusted_(trusted.begin(), trusted.end()),
      sets_(set_mask_ + 1) {}

void ProvenSources::prove(const Endpoint& source, Instant now) {
  DCHECK(source.port != 0);  // That of an empty row.
  const auto candidates = sets_of(source);
  Row* place = nullptr;
  for (Row& row : sets_[candidates[0]].rows) {
    if (row.source == source) place = &row;
  }
  for (Row& row : sets_[candidates[1]].rows) {
    if (row.source == source) place = &row;
  }
  if (place == nullptr) {
    const uint32_t emptier = used_count(candidates[1], now) < used_count(candidates[0], now);
    auto& rows = sets_[candidates[emptier]].rows;
    const auto lapses_first = [](const Row& a, const Row& b) { return a.until < b.until; };
    place = &*std::min_element(rows.begin(), rows.end(), lapses_first);
  }
  *place = {source, now + proven_lifetime};
}

bool ProvenSources::is_proven(const Endpoint& source, Instant now) const {
  for (const uint64_t index : sets_of(source)) {
    for (const Row& row : sets_[index].rows) {
      if (row.source == source) return row.until > now || is_trusted(source.address);
    }
  }
  return is_trusted(source.address);
}

void ProvenSources::fetch_ahead(const Endpoint& source) const {
  for (const uint64_t index : sets_of(source)) {
    __builtin_prefetch(&sets_[index]);
    __builtin_prefetch(&sets_[index].rows[ways / 2]);
  }
}

bool ProvenSources::is_trusted(const IpAddress& address) const {
  return std::any_of(trusted_.begin(), trusted_.end(),
                     [&](const Subnet& subnet) { return subnet.contains(address); });
}

uint32_t ProvenSources::used_count(uint64_t set, Instant now) const {
  const auto& rows = sets_[set].rows;
  return static_cast<uint32_t>(
      std::count_if(rows.begin(), rows.end(), [&](const Row& row) { return row.until > now; }));
}

std::array<uint64_t, 2> ProvenSources::sets_of(const Endpoint& source) const {
  const uint64_t hash = endpoint_hash(source, seed_);
  return {hash & set_mask_, (hash >> 32) & set_mask_};
}

}  // namespace xord
