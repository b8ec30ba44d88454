// Which sources are proven: they answered a transaction of ours in the last ten minutes, so the
// address is not forged. A fixed table without timers: rows lapse by themselves. When it is full,
// the row of the source whose prefixes proved most lately makes room, so that many endpoints of one
// prefix push out each other; only proven sources can take a row, and the seed is a secret.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "node/admission/ledger.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord {

class ProvenSources {
 public:
  // Room for `sources_max` endpoints at half load, 32 bytes per row. Sources in `trusted` subnets
  // need no proof (--trusted-net). `seed` is a secret. `ledger` is borrowed.
  ProvenSources(uint32_t sources_max, uint64_t seed, std::span<const Subnet> trusted,
                Ledger& ledger);

  // Other subnets need no proof from now on; `other` gets those that needed none before.
  void swap_trusted(std::vector<Subnet>& other) { trusted_.swap(other); }

  // `source` answered a transaction of ours, here or (by message) on another shard. Charged to it
  // (Charge::proofs) when it takes a row, or renews one after half of its life.
  void prove(const Endpoint& source, Instant now);
  // Whether `source` is proven or trusted.
  bool is_proven(const Endpoint& source, Instant now) const;
  // For reports: visit(const Endpoint&, Instant until) for each proven endpoint at `address`.
  // Visits every row.
  template <class Visit>
  void for_each_at(const IpAddress& address, Instant now, Visit&& visit) const {
    for (const Set& set : sets_) {
      for (const Row& row : set.rows) {
        if (row.until > now && row.source.address == address) visit(row.source, row.until);
      }
    }
  }
  // A hint that is_proven() of this source will be called soon.
  void fetch_ahead(const Endpoint& source) const;

 private:
  static constexpr uint32_t ways = 4;
  struct Row {
    Endpoint source;
    Instant until = Instant::min();
  };
  static_assert(sizeof(Row) == 32);
  struct alignas(64) Set {
    std::array<Row, ways> rows;
  };
  static_assert(sizeof(Set) == 128);

  // Each endpoint may be in either of two sets, and goes into the emptier: at half load none
  // overflows (Azar et al. 1994).
  std::array<uint64_t, 2> sets_of(const Endpoint& source) const;
  Row* row_of(const Endpoint& source, const std::array<uint64_t, 2>& sets);
  // The row that makes room: one that has lapsed, else that of the greatest load; of equal ones
  // the one that lapses first.
  Row& row_to_replace(const std::array<uint64_t, 2>& sets, Instant now);
  uint32_t used_count(uint64_t set, Instant now) const;

  uint64_t seed_;
  uint64_t set_mask_;
  std::vector<Subnet> trusted_;
  std::vector<Set> sets_;
  Ledger& ledger_;
};

}  // namespace xord
