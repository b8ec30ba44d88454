#include "tools/sim/workload.h"

#include <algorithm>
#include <numeric>

#include "reactor/base/check.h"
#include "tools/sim/draw.h"

namespace xord::sim {
namespace {

constexpr uint8_t bin8 = 0xc4;   // msgpack: bytes, with their count in one byte.
constexpr uint8_t bin16 = 0xc5;  // The same, with their count in two bytes.
constexpr std::string_view mark = "ours:";
// A node that has just started knows no other node, so its answers mean nothing.
constexpr Duration warm_up = minutes(2);

std::vector<uint8_t> packed(std::span<const uint8_t> bytes) {
  CHECK(bytes.size() <= UINT16_MAX);
  std::vector<uint8_t> value;
  if (bytes.size() < 256) {
    value = {bin8, static_cast<uint8_t>(bytes.size())};
  } else {
    value = {bin16, static_cast<uint8_t>(bytes.size() >> 8), static_cast<uint8_t>(bytes.size())};
  }
  value.insert(value.end(), bytes.begin(), bytes.end());
  return value;
}

}  // namespace

double Sample::mean() const {
  if (values_.empty()) return 0;
  return std::accumulate(values_.begin(), values_.end(), 0.0) / static_cast<double>(count());
}

double Sample::quantile(double share) const {
  CHECK(share >= 0 && share <= 1);
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(at), sorted.end());
  return sorted[at];
}

void OperationStats::add(const Outcome& outcome) {
  CHECK(ended() + cut_off + refused < begun);
  if (outcome.was_cut_off) {
    ++cut_off;
    return;
  }
  if (outcome.result.status == OperationStatus::refused) {
    ++refused;
    return;
  }
  CHECK(outcome.took >= Duration{});
  seconds.add(outcome.took.seconds());
  if (outcome.result.asked == 0) return;  // The value was held here.
  asked.add(outcome.result.asked);
  hops.add(outcome.result.hops);
}

Workload::Workload(World& world, Operations& operations, Checkers& checkers,
                   const WorkloadOptions& options)
    : world_(world),
      operations_(operations),
      checkers_(checkers),
      options_(options),
      census_(world),
      rng_(world.rng("workload")) {
  CHECK(options.value_size_max > 0);
}

void Workload::run_until(Instant until) {
  until_ = until;
  hosts_count_ = world_.hosts_count();
  repeat(&Workload::set_one, options_.set_every);
  repeat(&Workload::get_one, options_.get_every);
  repeat(&Workload::find_one, options_.find_every);
  repeat(&Workload::python_set_one, options_.python_set_every);
  repeat(&Workload::python_get_one, options_.python_get_every);
}

void Workload::repeat(Deed deed, Duration every) {
  world_.repeat(rng_, every, [this, deed] {
    if (world_.now() > until_) return false;
    (this->*deed)();
    return true;
  });
}

std::optional<uint32_t> Workload::member(HostKind kind) {
  CHECK(hosts_count_ > 0);  // run_until() comes first.
  for (int attempt = 0; attempt < 32; ++attempt) {
    const auto index = static_cast<uint32_t>(rng_.bounded(hosts_count_));
    const Host& host = world_.host(index);
    if (host.kind != kind || !host.is_up() || world_.now() - host.began < warm_up) continue;
    return index;
  }
  return std::nullopt;
}

bool Workload::is_ours(Bytes value) {
  if (value.size() < 3) return false;
  const Bytes content = value.subspan(value[0] == bin16 ? 3 : 2);
  return text_of(content).substr(0, mark.size()) == mark;
}

std::vector<uint8_t> Workload::new_value() {
  std::vector<uint8_t> bytes(mark.begin(), mark.end());
  bytes.resize(mark.size() + 8 + rng_.bounded(options_.value_size_max));
  rng_.fill(std::span(bytes).subspan(mark.size()));
  std::vector<uint8_t> value = packed(bytes);
  CHECK(is_ours(value));
  return value;
}

std::optional<Id> Workload::known_key() {
  CHECK(keys_.size() == records_.size());
  if (keys_.empty()) return std::nullopt;
  return keys_[rng_.bounded(keys_.size())];
}

void Workload::set_one() {
  if (const auto host = member(HostKind::xord)) set_as(*host, sets_);
}

void Workload::set_new() {
  const auto host = member(HostKind::xord);
  if (!host) return;
  const std::vector<uint8_t> value = new_value();
  set_key(*host, random_id(rng_), value, sets_, {});
}

void Workload::python_set_one() {
  if (const auto host = member(HostKind::python)) set_as(*host, python_.sets);
}

bool Workload::set_as(uint32_t host, OperationStats& stats, const Ended& ended) {
  // Usually a new key; now and then another value for an existing one.
  const bool is_new = records_.size() < options_.records_max && !rng_.chance(0.1);
  const auto known = known_key();
  if (!is_new && !known) return false;
  const std::vector<uint8_t> value = new_value();
  set_key(host, is_new ? random_id(rng_) : *known, value, stats, ended);
  return true;
}

void Workload::set_key(uint32_t host, const Id& key, const std::vector<uint8_t>& value,
                       OperationStats& stats, const Ended& ended) {
  ++stats.begun;
  ever_set_[key].push_back(value);
  const bool is_kept = rng_.chance(options_.kept_share) && world_.host(host).node != nullptr;
  const auto done = [this, key, &stats, ended](const Outcome& outcome) {
    stats.add(outcome);
    if (outcome.is_done()) {
      ++stats.right;
      if (records_.insert(key).second) keys_.push_back(key);
    }
    if (ended && !outcome.was_cut_off) ended();
  };
  if (is_kept) {
    checkers_.note_kept(host, key, value);
    operations_.keep(host, key, value, done);
  } else {
    checkers_.note_own_copy(host, key, value);
    operations_.set(host, key, value, done);
  }
}

void Workload::get_one() {
  const auto host = member(HostKind::xord);
  const auto key = known_key();
  if (host && key) get_key(*host, *key, gets_, {});
}

void Workload::python_get_one() {
  if (const auto host = member(HostKind::python)) get_as(*host, python_.gets);
}

bool Workload::get_as(uint32_t host, OperationStats& stats, const Ended& ended) {
  const auto key = known_key();
  if (key) get_key(host, *key, stats, ended);
  return key.has_value();
}

void Workload::get_key(uint32_t host, const Id& key, OperationStats& stats, const Ended& ended) {
  ++stats.begun;
  operations_.get(host, key, [this, host, key, &stats, ended](const Outcome& outcome) {
    stats.add(outcome);
    judge_get(host, key, stats, outcome);
    if (ended && !outcome.was_cut_off) ended();
  });
}

void Workload::judge_get(uint32_t host, const Id& key, OperationStats& stats,
                         const Outcome& outcome) {
  if (!outcome.is_done()) return;
  if (!is_ours(outcome.value)) {
    ++stats.poisoned;
    return;
  }
  const auto& set = ever_set_[key];
  CHECK(!set.empty());
  if (std::find(set.begin(), set.end(), outcome.value) != set.end()) {
    ++stats.right;
  } else if (options_.is_attacked) {
    ++stats.poisoned;
  } else {
    checkers_.violated(host, "a get returned a value that was never set");
  }
}

void Workload::find_one() {
  const auto host = member(HostKind::xord);
  if (!host) return;
  ++finds_.begun;
  const Id target = random_id(rng_);
  operations_.find(*host, target, [this, host, target](const Outcome& outcome) {
    finds_.add(outcome);
    if (outcome.is_done() && census_.is_exact(census_.members(), *host, target, outcome.contacts)) {
      ++finds_.right;
    }
  });
}

}  // namespace xord::sim
