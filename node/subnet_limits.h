// Limits on how many contacts of one /24 (IPv4) or /64 (IPv6) a bucket and the whole table file and
// a lookup follows, so that the owner of one subnet cannot own a bucket or the neighbourhood of a
// key (not in the paper; docs/DECISIONS.md, "A lookup follows the five nearest contacts of a
// subnet"). Addresses of one machine or site are exempt unless configured otherwise, so that a
// network there works.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "node/budget.h"
#include "node/endpoint_hash.h"
#include "reactor/base/check.h"
#include "reactor/base/endpoint.h"

namespace xord {

enum class LocalSubnets : uint8_t { exempt, limited };

struct SubnetLimits {
  uint32_t per_bucket_max = 2;
  uint32_t per_table_max = 10;
  uint32_t per_lookup_max = lookup_subnet_max;
  LocalSubnets local = LocalSubnets::exempt;

  bool apply_to(const IpAddress& address) const {
    return local == LocalSubnets::limited || !address.is_local();
  }
};

static_assert(SubnetLimits{}.per_table_max < UINT8_MAX, "SubnetCounts can tell that it is reached");

inline bool same_subnet(const IpAddress& a, const IpAddress& b) {
  if (a.is_ipv4() != b.is_ipv4()) return false;
  return std::memcmp(a.bytes.data(), b.bytes.data(), a.is_ipv4() ? 15 : 8) == 0;
}

// The number of contacts in each subnet, as a sketch of two one-byte cells per contact: never less
// than the true number, and more only where both cells are shared with other subnets. With one
// contact per cell that happens to one subnet in millions at a limit of 10. A cell that has reached
// 255 stays there.
class SubnetCounts {
 public:
  SubnetCounts(uint32_t contacts_max, uint64_t seed)
      : seed_(seed), cells_(size_t{2} * std::bit_ceil(std::max(contacts_max, 64u))) {}

  void add(const IpAddress& address) {
    for (uint8_t* cell : cells_of(address)) *cell = static_cast<uint8_t>(*cell + (*cell < 255));
  }
  // `address` must have been added.
  void remove(const IpAddress& address) {
    DCHECK(count(address) > 0);
    for (uint8_t* cell : cells_of(address)) *cell = static_cast<uint8_t>(*cell - (*cell < 255));
  }
  uint32_t count(const IpAddress& address) const {
    const auto cells = const_cast<SubnetCounts*>(this)->cells_of(address);
    return std::min(*cells[0], *cells[1]);
  }

 private:
  std::array<uint8_t*, 2> cells_of(const IpAddress& address) {
    const uint64_t hash = prefix_hash(address, seed_);
    const size_t row_size = cells_.size() / 2;
    return {&cells_[hash & (row_size - 1)], &cells_[row_size + ((hash >> 32) & (row_size - 1))]};
  }

  uint64_t seed_;
  std::vector<uint8_t> cells_;  // Two rows of cells. Sized at construction.
};

}  // namespace xord
