#include "node/admission/proven.h"

#include <algorithm>
#include <bit>

#include "node/budget.h"
#include "node/endpoint_hash.h"
#include "reactor/base/check.h"

namespace xord {

ProvenSources::ProvenSources(uint32_t sources_max, uint64_t seed, std::span<const Subnet> trusted,
                             Ledger& ledger)
    : seed_(seed),
      set_mask_(std::bit_ceil((uint64_t{sources_max} * 2 + ways - 1) / ways) - 1),
      trusted_(trusted.begin(), trusted.end()),
      sets_(set_mask_ + 1),
      ledger_(ledger) {}

void ProvenSources::prove(const Endpoint& source, Instant now) {
  DCHECK(source.port != 0);  // That of an empty row.
  const auto sets = sets_of(source);
  Row* place = row_of(source, sets);
  const bool is_news = place == nullptr || place->until <= now + proven_lifetime / 2;
  if (is_news) ledger_.charge(now, source.address, Charge::proofs, 1);
  if (place == nullptr) place = &row_to_replace(sets, now);
  *place = {source, now + proven_lifetime};
}

ProvenSources::Row* ProvenSources::row_of(const Endpoint& source,
                                          const std::array<uint64_t, 2>& sets) {
  for (const uint64_t set : sets) {
    for (Row& row : sets_[set].rows) {
      if (row.source == source) return &row;
    }
  }
  return nullptr;
}

ProvenSources::Row& ProvenSources::row_to_replace(const std::array<uint64_t, 2>& sets,
                                                  Instant now) {
  const uint32_t second = used_count(sets[1], now) < used_count(sets[0], now);
  Row* chosen = nullptr;
  for (Row& row : sets_[sets[second]].rows) {
    if (row.until <= now && (chosen == nullptr || row.until < chosen->until)) chosen = &row;
  }
  if (chosen != nullptr) return *chosen;
  uint32_t greatest = 0;
  for (const uint64_t set : sets) {
    for (Row& row : sets_[set].rows) {
      DCHECK(row.until > now);  // Both are full: this one is not the emptier.
      const uint32_t load = ledger_.load(now, row.source.address, Charge::proofs);
      const bool is_worse =
          chosen == nullptr || load > greatest || (load == greatest && row.until < chosen->until);
      if (!is_worse) continue;
      chosen = &row;
      greatest = load;
    }
  }
  CHECK(chosen != nullptr);
  return *chosen;
}

bool ProvenSources::is_proven(const Endpoint& source, Instant now) const {
  for (const uint64_t index : sets_of(source)) {
    for (const Row& row : sets_[index].rows) {
      if (row.source == source && row.until > now) return true;
    }
  }
  return is_in_any(trusted_, source.address);
}

void ProvenSources::fetch_ahead(const Endpoint& source) const {
  for (const uint64_t index : sets_of(source)) {
    __builtin_prefetch(&sets_[index]);
    __builtin_prefetch(&sets_[index].rows[ways / 2]);
  }
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
