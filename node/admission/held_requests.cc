#include "node/admission/held_requests.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "node/endpoint_hash.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr uint32_t no_source = UINT32_MAX;

}  // namespace

HeldRequests::HeldRequests(const Budget& budget, size_t ping_size, uint64_t seed)
    : ping_size_(ping_size),
      seed_(seed),
      ping_interval_(seconds(1) / budget.held_pings_a_second),
      sources_(budget.held_sources),
      small_(budget.held_small),
      large_(budget.held_large),
      buckets_(std::bit_ceil(budget.held_sources), no_source),
      prefix_paid_to_(std::bit_ceil(budget.held_prefixes), Instant::min()) {
  CHECK(ping_interval_ > Duration{});
}

HoldResult HeldRequests::hold(Instant now, const Datagram& in, ReplyBudget& budget) {
  const auto handle = find(in.path.remote);
  if (!handle) return hold_first(now, in, budget);
  return add_to(sources_[*handle], now, in) ? HoldResult::held_already_pinged
                                            : HoldResult::refused_full;
}

HoldResult HeldRequests::hold_first(Instant now, const Datagram& in, ReplyBudget& budget) {
  if (sources_.is_full()) return HoldResult::refused_full;
  if (!budget.fits(ping_size_)) return HoldResult::refused_unpayable;
  Instant& paid_to =
      prefix_paid_to_[prefix_hash(in.path.remote.address, seed_) & (prefix_paid_to_.size() - 1)];
  // GCRA: a prefix may run ahead of its pace by one second's worth of pings.
  const Instant after = std::max(paid_to, now) + ping_interval_;
  if (after > now + seconds(1)) return HoldResult::refused_paced;

  const PoolHandle handle = *sources_.take();
  Source& source = sources_[handle];
  source.endpoint = in.path.remote;
  source.drop_at = now + held_lifetime;
  source.held_count = 0;
  if (!add_to(source, now, in)) {
    sources_.give_back(handle);
    return HoldResult::refused_full;
  }
  attach(handle);
  paid_to = after;
  CHECK(budget.spend(ping_size_));
  return HoldResult::held_and_ping;
}

bool HeldRequests::add_to(Source& source, Instant now, const Datagram& in) {
  if (source.held_count == held_per_source_max) return false;
  const auto held = keep(now, in);
  if (!held) return false;
  source.held[source.held_count++] = *held;
  return true;
}

uint32_t HeldRequests::drop(const Endpoint& source) {
  const auto handle = find(source);
  if (!handle) return 0;
  const Source detached = detach(*handle);
  for (uint32_t i = 0; i < detached.held_count; ++i) give_back(detached.held[i]);
  return detached.held_count;
}

uint32_t HeldRequests::advance(Instant now) {
  uint32_t dropped = 0;
  for (const Source* source = sources_.find(oldest_); source && source->drop_at <= now;
       source = sources_.find(oldest_)) {
    const uint32_t held_count = drop(source->endpoint);
    CHECK(held_count > 0);  // Else the oldest would remain for ever.
    dropped += held_count;
  }
  return dropped;
}

std::optional<Instant> HeldRequests::next_wakeup() const {
  const Source* source = sources_.find(oldest_);
  return source ? std::optional<Instant>(source->drop_at) : std::nullopt;
}

std::optional<PoolHandle> HeldRequests::find(const Endpoint& endpoint) const {
  for (uint32_t index = buckets_[bucket_of(endpoint)]; index != no_source;) {
    const auto handle = sources_.taken_at(index);
    CHECK(handle.has_value());
    const Source& source = sources_[*handle];
    if (source.endpoint == endpoint) return handle;
    index = source.chain;
  }
  return std::nullopt;
}

std::optional<HeldRequests::Held> HeldRequests::keep(Instant now, const Datagram& in) {
  if (in.bytes.size() > held_large_size) return std::nullopt;
  const SlotKind kind = in.bytes.size() <= held_small_size ? SlotKind::small : SlotKind::large;
  const auto handle = kind == SlotKind::small ? copy_into(small_, in) : copy_into(large_, in);
  if (!handle) return std::nullopt;
  return Held{kind, *handle, now};
}

template <class Pool>
std::optional<PoolHandle> HeldRequests::copy_into(Pool& pool, const Datagram& in) {
  const auto handle = pool.take();
  if (!handle) return std::nullopt;
  auto& slot = pool[*handle];
  DCHECK(in.bytes.size() <= slot.bytes.size());
  slot.path = in.path;
  slot.size = static_cast<uint32_t>(in.bytes.size());
  if (!in.bytes.empty()) std::memcpy(slot.bytes.data(), in.bytes.data(), in.bytes.size());
  return handle;
}

void HeldRequests::give_back(const Held& held) {
  held.kind == SlotKind::small ? small_.give_back(held.handle) : large_.give_back(held.handle);
}

Datagram HeldRequests::datagram(const Held& held) const {
  const auto view = [](const auto& slot) {
    DCHECK(slot.size <= slot.bytes.size());
    return Datagram{slot.path, {slot.bytes.data(), slot.size}};
  };
  return held.kind == SlotKind::small ? view(small_[held.handle]) : view(large_[held.handle]);
}

void HeldRequests::attach(PoolHandle handle) {
  Source& source = sources_[handle];
  DCHECK(source.held_count > 0);  // Else nothing would ever be served or dropped.
  DCHECK(!find(source.endpoint).has_value());
  uint32_t& bucket = buckets_[bucket_of(source.endpoint)];
  source.chain = bucket;
  bucket = handle.index;
  source.older = newest_;
  source.newer = {};
  if (Source* older = sources_.find(newest_)) {
    older->newer = handle;
  } else {
    oldest_ = handle;
  }
  newest_ = handle;
}

HeldRequests::Source HeldRequests::detach(PoolHandle handle) {
  const Source source = sources_[handle];
  uint32_t* index = &buckets_[bucket_of(source.endpoint)];
  while (*index != handle.index) {
    CHECK(*index != no_source);
    index = &sources_[*sources_.taken_at(*index)].chain;
  }
  *index = source.chain;
  Source* older = sources_.find(source.older);
  Source* newer = sources_.find(source.newer);
  (older ? older->newer : oldest_) = source.newer;
  (newer ? newer->older : newest_) = source.older;
  sources_.give_back(handle);
  DCHECK((sources_.find(oldest_) == nullptr) == (sources_.taken_count() == 0));
  return source;
}

void HeldRequests::check_invariants() const {
  uint32_t small = 0;
  uint32_t large = 0;
  uint32_t listed = 0;
  PoolHandle older;
  for (PoolHandle at = oldest_; const Source* source = sources_.find(at); at = source->newer) {
    CHECK(source->older == older && find(source->endpoint) == at);
    CHECK(older == PoolHandle{} || sources_[older].drop_at <= source->drop_at);
    CHECK(source->held_count > 0 && source->held_count <= held_per_source_max);
    // Its first request was pinged for; the others came meanwhile.
    CHECK(source->held[0].came + held_lifetime == source->drop_at);
    for (uint32_t i = 0; i < source->held_count; ++i) {
      CHECK(i == 0 || source->held[i - 1].came <= source->held[i].came);
      CHECK(datagram(source->held[i]).path.remote == source->endpoint);
      const bool is_small = source->held[i].kind == SlotKind::small;
      CHECK(is_small == (datagram(source->held[i]).bytes.size() <= held_small_size));
      ++(is_small ? small : large);
    }
    CHECK(listed < sources_count());
    ++listed;
    older = at;
  }
  // Every source is in the order, and every slot belongs to a source.
  CHECK(newest_ == older && listed == sources_count());
  CHECK(small == small_.taken_count() && large == large_.taken_count());
}

size_t HeldRequests::bucket_of(const Endpoint& endpoint) const {
  return endpoint_hash(endpoint, seed_) & (buckets_.size() - 1);
}

}  // namespace xord
