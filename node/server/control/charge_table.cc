#include "node/server/control/charge_table.h"

#include <algorithm>

#include "node/admission/ledger.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

uint32_t factor_of(const Subnet& prefix) {
  for (size_t level = 0; level < prefix_levels; ++level) {
    const Prefix at_level = Prefix::of(prefix.address, static_cast<PrefixLevel>(level));
    if (at_level.subnet() == prefix) return level_factors[level];
  }
  CHECK(false);  // A ledger has no other prefixes.
  return 1;
}

double taken_of(const NodeCharges& charges, Charge by) {
  return static_cast<double>(charges.charged[static_cast<size_t>(by)]) / factor_of(charges.prefix);
}

// The greatest part of a limit that is in use.
double part_of(const NodeCharges& charges) {
  double greatest = 0;
  for (size_t i = 0; i < limited_charges; ++i) {
    const auto most = static_cast<double>(std::max<uint64_t>(charges.most[i], 1));
    greatest = std::max(greatest, static_cast<double>(charges.charged[i]) / most);
  }
  return greatest;
}

}  // namespace

ChargeTable::ChargeTable(uint32_t shards) : shards_(shards) {
  CHECK(shards > 0);
}

void ChargeTable::add(NetworkIndex network, const ChargedPrefix& report) {
  const Subnet prefix = report.subnet();
  auto at = std::find_if(all_.begin(), all_.end(), [&](const NodeCharges& each) {
    return each.network == network && each.prefix == prefix;
  });
  if (at == all_.end()) {
    at = all_.insert(all_.end(), NodeCharges{});
    at->network = network;
    at->prefix = prefix;
  }
  CHECK(report.prefix_bits <= 128);
  const bool is_limited = report.refused != decltype(report.refused){};
  DCHECK(!is_limited || report.since >= report.last);
  if (is_limited) {
    at->since = std::max(at->since, report.since);
    at->last = at->is_limited() ? std::min(at->last, report.last) : report.last;
  }
  for (size_t i = 0; i < charges_count; ++i) at->charged[i] += report.charged[i];
  for (size_t i = 0; i < limited_charges; ++i) {
    // Each shard has an equal share, those that do not report the prefix as well.
    at->most[i] = uint64_t{report.most[i]} * shards_;
    at->refused[i] += report.refused[i];
    at->until[i] = std::max(at->until[i], report.until[i]);
  }
}

std::vector<NodeCharges> ChargeTable::top(size_t count, std::optional<Charge> by) const {
  const auto rank = [by](const NodeCharges& each) {
    return by ? taken_of(each, *by) : part_of(each);
  };
  std::vector<NodeCharges> sorted;
  for (const NodeCharges& each : all_) {
    if (rank(each) > 0) sorted.push_back(each);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const NodeCharges& a, const NodeCharges& b) { return rank(a) > rank(b); });
  if (sorted.size() > count) sorted.resize(count);
  DCHECK(sorted.size() <= all_.size());
  return sorted;
}

}  // namespace xord
