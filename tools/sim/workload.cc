#include "tools/sim/workload.h"

#include <algorithm>
#include <numeric>

#include "tools/sim/draw.h"

namespace xord::sim {
namespace {

constexpr uint8_t bin8 = 0xc4;   // msgpack: bytes, their count in one byte...
constexpr uint8_t bin16 = 0xc5;  // ...or in two.
constexpr std::string_view mark = "ours:";
// A node that just started knows nobody: what it is asked then says nothing.
constexpr Duration warm_up = minutes(2);

std::vector<uint8_t> packed(std::span<const uint8_t> bytes) {
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
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(at), sorted.end());
  return sorted[at];
}

void OperationStats::add(const Outcome& outcome) {
  if (outcome.was_cut_off) {
    ++cut_off;
    return;
  }
  if (outcome.result.status == OperationStatus::refused) {
    ++refused;
    return;
  }
  seconds.add(outcome.took.seconds());
  if (outcome.result.asked == 0) return;  // It was held here.
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
      rng_(world.rng("workload")) {}

void Workload::run_until(Instant until) {
  until_ = until;
  repeat(&Workload::set_one, options_.set_every);
  repeat(&Workload::get_one, options_.get_every);
  repeat(&Workload::find_one, options_.find_every);
}

void Workload::repeat(Deed deed, Duration every) {
  if (every == Duration{}) return;
  world_.plan(exponential(rng_, every), [this, deed, every] {
    if (world_.now() > until_) return;
    (this->*deed)();
    repeat(deed, every);
  });
}

std::optional<uint32_t> Workload::member() {
  for (int attempt = 0; attempt < 32; ++attempt) {
    const auto host = static_cast<uint32_t>(rng_.bounded(world_.hosts_count()));
    if (world_.host(host).node == nullptr || world_.now() - world_.host(host).began < warm_up) {
      continue;
    }
    return host;
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
  return packed(bytes);
}

std::optional<Id> Workload::known_key() {
  if (keys_.empty()) return std::nullopt;
  return keys_[rng_.bounded(keys_.size())];
}

void Workload::set_one() {
  const auto host = member();
  if (!host) return;
  // Mostly a new key; now and then another value of one that exists.
  const bool is_new = records_.size() < options_.records_max && !rng_.chance(0.1);
  const auto known = known_key();
  if (!is_new && !known) return;
  set_as(*host, is_new ? random_id(rng_) : *known, new_value());
}

void Workload::set_new() {
  const auto host = member();
  if (host) set_as(*host, random_id(rng_), new_value());
}

void Workload::set_as(uint32_t host, const Id& key, std::vector<uint8_t> value) {
  ++sets_.begun;
  ever_set_[key].push_back(value);
  const bool is_kept = rng_.chance(options_.kept_share);
  const auto done = [this, key](const Outcome& outcome) {
    sets_.add(outcome);
    if (!outcome.is_done()) return;
    ++sets_.right;
    if (records_.insert(key).second) keys_.push_back(key);
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
  const auto host = member();
  const auto key = known_key();
  if (!host || !key) return;
  ++gets_.begun;
  operations_.get(*host, *key, [this, host, key](const Outcome& outcome) {
    gets_.add(outcome);
    if (!outcome.is_done()) return;
    if (!is_ours(outcome.value)) {
      ++gets_.poisoned;
      return;
    }
    ++gets_.right;
    const auto& set = ever_set_[*key];
    if (std::find(set.begin(), set.end(), outcome.value) != set.end()) return;
    if (options_.is_attacked) {
      --gets_.right;
      ++gets_.poisoned;
    } else {
      checkers_.violated(*host, "a get brought a value that was never set");
    }
  });
}

void Workload::find_one() {
  const auto host = member();
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
