#include "node/lookup/lookup.h"

#include <algorithm>
#include <bit>

#include "reactor/base/check.h"

namespace xord {

static_assert(lookup_paths_max <= 8, "a path is a bit of a byte");
static_assert(LookupPath::no_row == 0xff, "in_path() keeps all of a path's row");
static_assert((lookup_paths_max - 1) << 8 < 1u << Lookup::row_bits);

Lookup::Lookup(uint32_t rows_max, uint32_t paths_max) {
  CHECK(paths_max >= 1 && paths_max <= lookup_paths_max);
  paths_.reserve(paths_max);
  for (uint32_t i = 0; i < paths_max; ++i) paths_.emplace_back(rows_max);
}

void Lookup::start(const LookupPlan& plan, std::span<const Contact> known) {
  CHECK(candidates_count_ == 0);
  CHECK(plan.paths >= 1 && plan.paths <= paths_.size());
  plan_ = plan;
  lost_a_value_ = false;
  for (uint32_t i = 0; i < plan.paths; ++i) paths_[i].start(plan);
  for (const Contact& contact : known) {
    path_for(contact, known).add_known(contact);
  }
}

LookupPath& Lookup::path_for(const Contact& contact, std::span<const Contact> known) {
  if (plan_.paths == 1) return paths_[0];
  const auto rank = std::count_if(known.begin(), known.end(), [&](const Contact& other) {
    return nearer(plan_.target, other.id, contact.id);
  });
  return paths_[static_cast<size_t>(rank) % plan_.paths];
}

std::optional<Lookup::Row> Lookup::next() {
  for (uint32_t i = 0; i < plan_.paths; ++i) {
    while (const auto row = paths_[i].next()) {
      const LookupPath::Asked asked = asked_on_another(i, paths_[i].contact(*row).endpoint);
      if (asked == LookupPath::Asked::never) return row_of(i, *row);
      paths_[i].asked_elsewhere(*row, asked);
    }
  }
  return std::nullopt;
}

LookupPath::Asked Lookup::asked_on_another(uint32_t path, const Endpoint& endpoint) const {
  DCHECK(path < plan_.paths);
  for (uint32_t i = 0; i < plan_.paths; ++i) {
    if (i == path) continue;
    const LookupPath::Asked asked = paths_[i].asked_at(endpoint);
    if (asked != LookupPath::Asked::never) return asked;
  }
  return LookupPath::Asked::never;
}

void Lookup::answered_value(Row row, Bytes value, ValuePool& pool) {
  path_of(row).answered_value(in_path(row));
  const auto path = static_cast<uint8_t>(path_index(row));
  const auto bit = static_cast<uint8_t>(1u << path);
  uint32_t brought_count = 0;
  for (uint32_t i = 0; i < candidates_count_; ++i) {
    Candidate& candidate = candidates_[i];
    brought_count += candidate.brought == path;
    if (!equal(pool.bytes(candidate.value), value)) continue;
    ++candidate.votes;
    candidate.paths = static_cast<uint8_t>(candidate.paths | bit);
    return;
  }
  if (brought_count == value_candidates_max) return;
  CHECK(candidates_count_ < candidates_.size());
  if (const auto kept = pool.keep(value)) {
    candidates_[candidates_count_++] = {*kept, 1, bit, path};
  } else {
    lost_a_value_ = true;
  }
}

void Lookup::slow(Row row) {
  path_of(row).slow(in_path(row));
  for (uint32_t i = 0; i < plan_.paths; ++i) paths_[i].lost_elsewhere(contact(row).endpoint);
}

void Lookup::failed(Row row) {
  path_of(row).failed(in_path(row));
  for (uint32_t i = 0; i < plan_.paths; ++i) paths_[i].lost_elsewhere(contact(row).endpoint);
}

bool Lookup::is_finished() const {
  uint32_t answered_count = 0;
  uint32_t slow_count = 0;
  for (const LookupPath& path : paths()) {
    if (!path.is_settled()) return false;
    answered_count += path.answered_count();
    slow_count += path.slow_count();
  }
  // If no node has answered yet, ending before the slow calls had their 5 s would report an empty
  // network.
  return answered_count > 0 || slow_count == 0;
}

template <class Visit>
void Lookup::for_each_answered(Visit&& visit) const {
  std::array<uint32_t, lookup_paths_max> positions{};
  std::array<LookupPath::Row, lookup_paths_max> heads{};
  const auto advance = [&](uint32_t path) {
    heads[path] = paths_[path].next_answered(positions[path]);
  };
  for (uint32_t i = 0; i < plan_.paths; ++i) advance(i);
  while (true) {
    std::optional<uint32_t> nearest;
    for (uint32_t i = 0; i < plan_.paths; ++i) {
      if (heads[i] == LookupPath::no_row) continue;
      if (!nearest || nearer(plan_.target, paths_[i].contact(heads[i]).id,
                             paths_[*nearest].contact(heads[*nearest]).id)) {
        nearest = i;
      }
    }
    if (!nearest || !visit(row_of(*nearest, heads[*nearest]))) return;
    advance(*nearest);
  }
}

size_t Lookup::results(std::span<Contact> out) const {
  const size_t most = std::min<size_t>(out.size(), plan_.width);
  size_t count = 0;
  for_each_answered([&](Row row) {
    if (count == most) return false;
    const Contact& found = contact(row);
    const std::span<const Contact> before = out.first(count);
    DCHECK(count == 0 || !nearer(plan_.target, found.id, before.back().id));
    // Different paths may have been given different endpoints for one id, and each path allows a
    // subnet its own share.
    if (count > 0 && before.back().id == found.id) return true;
    const IpAddress& address = found.endpoint.address;
    const auto of_subnet = std::count_if(before.begin(), before.end(), [&](const Contact& other) {
      return same_subnet(other.endpoint.address, address);
    });
    if (named_by(row) && plan_.subnets.apply_to(address) &&
        of_subnet >= int64_t{plan_.subnets.per_lookup_max}) {
      return true;
    }
    if (named_by(row) && has_its_share(address, before)) return true;
    out[count++] = found;
    return true;
  });
  return count;
}

// Whether a wide prefix of `address` has its share in `before`, and those that answered are as many
// as are wanted with no more than a share of each.
bool Lookup::has_its_share(const IpAddress& address, std::span<const Contact> before) const {
  const SubnetLimits& limits = plan_.subnets;
  if (!limits.apply_to(address)) return false;
  DCHECK(before.size() <= plan_.width);
  bool has_share = false;
  for (size_t level = 1; level < subnet_levels(address); ++level) {
    const auto count = std::count_if(before.begin(), before.end(), [&](const Contact& other) {
      return same_prefix(address, other.endpoint.address, level);
    });
    has_share = has_share || count >= int64_t{limits.share_of_nearest};
  }
  if (!has_share) return false;
  PrefixSpread spread(0);
  for_each_answered([&](Row row) {
    spread.add(contact(row).endpoint.address);
    return true;
  });
  return spread.fill() >= plan_.width;
}

std::optional<Bytes> Lookup::value(const ValuePool& pool) const {
  const Candidate* best = nullptr;
  const auto weight = [](const Candidate& candidate) {
    return std::pair(std::popcount(candidate.paths), candidate.votes);
  };
  for (uint32_t i = 0; i < candidates_count_; ++i) {
    if (best == nullptr || weight(candidates_[i]) > weight(*best)) best = &candidates_[i];
  }
  if (best == nullptr) return std::nullopt;
  return pool.bytes(best->value);
}

std::optional<Contact> Lookup::nearest_without_value() const {
  std::optional<Contact> nearest;
  for_each_answered([&](Row row) {
    if (path_of(row).had_value(in_path(row))) return true;
    nearest = contact(row);
    return false;
  });
  return nearest;
}

void Lookup::release(ValuePool& pool) {
  for (uint32_t i = 0; i < candidates_count_; ++i) pool.give_back(candidates_[i].value);
  candidates_count_ = 0;
}

std::optional<Lookup::Row> Lookup::named_by(Row row) const {
  const auto by = path_of(row).named_by(in_path(row));
  return by ? std::optional(row_of(path_index(row), *by)) : std::nullopt;
}

uint32_t Lookup::asked_count() const {
  uint32_t count = 0;
  for (const LookupPath& path : paths()) count += path.asked_count();
  return count;
}

uint32_t Lookup::hops() const {
  uint32_t hops = 0;
  for_each_answered([&](Row row) {
    hops = path_of(row).hops(in_path(row));
    return false;
  });
  return hops;
}

void Lookup::check_invariants() const {
  for (const LookupPath& path : paths()) path.check_invariants();
  CHECK(candidates_count_ <= candidates_.size());
  std::array<uint32_t, lookup_paths_max> brought{};
  for (const Candidate& candidate : std::span(candidates_).first(candidates_count_)) {
    CHECK(candidate.brought < plan_.paths && (candidate.paths >> candidate.brought & 1) == 1);
    CHECK(candidate.votes >= static_cast<uint32_t>(std::popcount(candidate.paths)));
    ++brought[candidate.brought];
    CHECK(brought[candidate.brought] <= value_candidates_max);
  }
}

const LookupPath& Lookup::path_of(Row row) const {
  CHECK(path_index(row) < plan_.paths);
  return paths_[path_index(row)];
}

LookupPath& Lookup::path_of(Row row) {
  CHECK(path_index(row) < plan_.paths);
  return paths_[path_index(row)];
}

}  // namespace xord
