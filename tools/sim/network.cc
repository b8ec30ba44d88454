#include "tools/sim/network.h"

#include <algorithm>

#include "tools/sim/draw.h"

namespace xord::sim {

void Network::add_host(bool is_behind_nat) {
  groups_.push_back(0);
  is_behind_nat_.push_back(is_behind_nat);
  CHECK(groups_.size() == is_behind_nat_.size());
}

Duration Network::delay(uint32_t from, uint32_t to) {
  // Each link has a factor from 0.5 to 2, the same both ways: hosts are near or far.
  const uint64_t mixed = (uint64_t{from} ^ to) * 0x9e3779b97f4a7c15u + uint64_t{from} + to;
  const double factor = 0.5 + 1.5 * static_cast<double>((mixed * 0xd6e8feb86659fd93u) >> 54) / 1024;
  DCHECK(factor >= 0.5 && factor <= 2);
  const Duration mean = scaled(options_.delay_mean, factor);
  Duration after =
      options_.delay_min + std::min(exponential(rng_, mean), scaled(mean, options_.delay_most));
  if (options_.straggling > 0 && rng_.chance(options_.straggling)) {
    after = after + exponential(rng_, options_.straggling_mean);
  }
  CHECK(after >= options_.delay_min);
  return after;
}

Network::Fate Network::fate(Instant now, uint32_t from, uint32_t to) {
  CHECK(from < groups_.size() && to < groups_.size() && from != to);
  if (is_behind_nat_[from]) holes_[link(from, to)] = now + nat_lifetime;
  Fate fate;
  if (is_cut_[groups_[from]][groups_[to]]) return fate;
  if (options_.loss > 0 && rng_.chance(options_.loss)) return fate;
  fate.copies = options_.duplicate > 0 && rng_.chance(options_.duplicate) ? 2 : 1;
  for (uint32_t i = 0; i < fate.copies; ++i) fate.after[i] = delay(from, to);
  return fate;
}

bool Network::lets_in(Instant now, uint32_t from, uint32_t to) const {
  CHECK(from < groups_.size() && to < groups_.size());
  if (!is_behind_nat_[to]) return true;
  const auto hole = holes_.find(link(to, from));
  return hole != holes_.end() && hole->second > now;
}

void Network::heal() {
  heal_partitions();
  options_.loss = options_.duplicate = options_.straggling = 0;
  options_.delay_mean = std::min(options_.delay_mean, calm_delay_mean);
  options_.delay_most = 2;
  options_.queue_max = std::max(options_.queue_max, calm_queue_max);
}

}  // namespace xord::sim
