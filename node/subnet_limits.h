// Limits on how many contacts of one prefix a bucket and the whole table file and a lookup follows,
// so that the owner of one prefix cannot own a bucket, the table or the neighbourhood of a key (not
// in the paper). The narrowest prefix, the subnet, is a /24 (IPv4) or a /64 (IPv6): its limits are
// numbers. Wider ones, /20 and /16, or /56, /48 and /32, have a share, while there are others to
// take its place (docs/DECISIONS.md, "A prefix has a tenth of the table and 4 of a key's 20").
// Addresses of one machine or site are exempt unless configured otherwise, so that a network there
// works; so are the fleet's, whose operator answers for them.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "node/budget.h"
#include "node/endpoint_hash.h"
#include "reactor/base/check.h"
#include "reactor/base/endpoint.h"

namespace xord {

enum class LocalSubnets : uint8_t { exempt, limited };

// Levels of prefixes, narrowest first: 0 is the subnet, the others are wide.
constexpr size_t subnet_levels_max = 4;
inline size_t subnet_levels(const IpAddress& address) {
  return address.is_ipv4() ? 3 : 4;
}
// Out of the 32 or 128 bits of the address. The ledger (node/admission/ledger.h) has lengths of its
// own: it begins at an IPv4 address and pairs a /24 with a /56, while here a /24 is one party as a
// /64 is, and the limits are argued for these.
inline uint32_t subnet_bits(const IpAddress& address, size_t level) {
  constexpr std::array<uint8_t, subnet_levels_max> ipv4 = {24, 20, 16, 16};
  constexpr std::array<uint8_t, subnet_levels_max> ipv6 = {64, 56, 48, 32};
  DCHECK(level < subnet_levels(address));
  return address.is_ipv4() ? ipv4[level] : ipv6[level];
}

// 4 of the k nearest to a key for one wide prefix.
constexpr uint32_t prefix_share_of_nearest = bucket_size / 5;
static_assert(prefix_share_of_nearest > 0 && prefix_share_of_nearest <= lookup_subnet_max);

struct SubnetLimits {
  uint32_t per_bucket_max = 2;
  uint32_t per_table_max = 10;
  uint32_t per_lookup_max = lookup_subnet_max;
  // A wide prefix's share of the k nearest to a key, in the table and in a lookup.
  uint32_t share_of_nearest = prefix_share_of_nearest;
  // Its share of the table: a tenth, but this many if that is more, so that small tables fill.
  uint32_t share_of_table_min = bucket_size;
  // The table's shares apply once its contacts of one family are of this many widest prefixes:
  // with ten, and a tenth each, it could hardly fill.
  uint32_t prefixes_min = 20;
  LocalSubnets local = LocalSubnets::exempt;
  std::span<const Subnet> fleet;  // --fleet-net: exempt. Borrowed.

  bool apply_to(const IpAddress& address) const {
    if (local != LocalSubnets::limited && address.is_local()) return false;
    return !is_in_any(fleet, address);
  }
  // The contacts of a wide prefix among `filed_count` of its family.
  uint32_t share_of_table(uint32_t filed_count) const {
    return std::max(share_of_table_min, filed_count / 10);
  }
};

static_assert(SubnetLimits{}.per_table_max < UINT8_MAX, "SubnetCounts can tell that it is reached");

// Whether two addresses of one family share the prefix of this level, which `a` has.
inline bool same_prefix(const IpAddress& a, const IpAddress& b, size_t level) {
  if (a.is_ipv4() != b.is_ipv4()) return false;
  const uint32_t bits = subnet_bits(a, level);
  if (a.is_ipv4()) return (load_be32(&a.bytes[12]) ^ load_be32(&b.bytes[12])) >> (32 - bits) == 0;
  return (load_be64(a.bytes.data()) ^ load_be64(b.bytes.data())) >> (64 - bits) == 0;
}

inline bool same_subnet(const IpAddress& a, const IpAddress& b) {
  return same_prefix(a, b, 0);
}

// The number of contacts in each prefix, as a sketch: never less than the true number, and more
// only where both cells of a prefix are shared with others. Subnets, whose limits are small, have
// two one-byte cells per contact; with one contact per cell a count is too high for one subnet in
// millions at a limit of 10. Wide prefixes, of all levels together, have two of two bytes for each
// second contact: their limits grow with the table. A cell that has reached its greatest value
// stays there.
class SubnetCounts {
 public:
  SubnetCounts(uint32_t contacts_max, uint64_t seed)
      : seed_(seed),
        cells_(size_t{2} * std::bit_ceil(std::max(contacts_max, 64u))),
        wide_cells_(size_t{2} * std::bit_ceil(std::max(contacts_max / 2, 64u))) {}

  void add(const IpAddress& address) {
    for (const size_t cell : cells_of(cells_.size(), address, 0)) up(cells_[cell]);
    for (size_t level = 1; level < subnet_levels(address); ++level) {
      for (const size_t cell : cells_of(wide_cells_.size(), address, level)) up(wide_cells_[cell]);
    }
  }
  // `address` must have been added.
  void remove(const IpAddress& address) {
    DCHECK(count(address) > 0);
    for (const size_t cell : cells_of(cells_.size(), address, 0)) down(cells_[cell]);
    for (size_t level = 1; level < subnet_levels(address); ++level) {
      DCHECK(count(address, level) > 0);
      for (const size_t cell : cells_of(wide_cells_.size(), address, level)) {
        down(wide_cells_[cell]);
      }
    }
  }
  uint32_t count(const IpAddress& address, size_t level = 0) const {
    const auto cells = cells_of(level == 0 ? cells_.size() : wide_cells_.size(), address, level);
    return level == 0 ? uint32_t{std::min(cells_[cells[0]], cells_[cells[1]])}
                      : uint32_t{std::min(wide_cells_[cells[0]], wide_cells_[cells[1]])};
  }

 private:
  // Which of `cells_count` cells belong to a prefix: one in each of the two rows.
  std::array<size_t, 2> cells_of(size_t cells_count, const IpAddress& address, size_t level) const {
    const uint64_t hash = prefix_hash(address, subnet_bits(address, level), seed_);
    const size_t row_size = cells_count / 2;
    DCHECK(std::has_single_bit(row_size));
    return {hash & (row_size - 1), row_size + ((hash >> 32) & (row_size - 1))};
  }
  template <class Cell>
  static void up(Cell& cell) {
    cell = static_cast<Cell>(cell + (cell < static_cast<Cell>(-1)));
  }
  template <class Cell>
  static void down(Cell& cell) {
    cell = static_cast<Cell>(cell - (cell < static_cast<Cell>(-1)));
  }

  uint64_t seed_;
  std::vector<uint8_t> cells_;        // Two rows of cells. Sized at construction.
  std::vector<uint16_t> wide_cells_;  // Likewise.
};

// How many prefixes of the widest level contacts of one family have, as far as it matters here: a
// sketch of 64 cells, in which two prefixes may look like one. Never more than the true number.
class PrefixSpread {
 public:
  explicit PrefixSpread(uint64_t seed) : seed_(seed) {}

  void add(const IpAddress& address) {
    uint32_t& cell = cell_of(address);
    prefixes_ += cell == 0;
    fill_ += cell < prefix_share_of_nearest;
    ++cell;
  }
  // `address` must have been added.
  void remove(const IpAddress& address) {
    uint32_t& cell = cell_of(address);
    CHECK(cell > 0);
    --cell;
    CHECK(prefixes_ > 0 && fill_ >= prefixes_);
    fill_ -= cell < prefix_share_of_nearest;
    prefixes_ -= cell == 0;
  }
  // The contacts, if no more than prefix_share_of_nearest of each prefix count.
  uint32_t fill() const { return fill_; }
  uint32_t prefixes() const { return prefixes_; }

 private:
  uint32_t& cell_of(const IpAddress& address) {
    const uint32_t bits = subnet_bits(address, subnet_levels(address) - 1);
    return cells_[prefix_hash(address, bits, seed_) % cells_.size()];
  }

  uint64_t seed_;
  uint32_t fill_ = 0;
  uint32_t prefixes_ = 0;
  std::array<uint32_t, 64> cells_{};
};

}  // namespace xord
