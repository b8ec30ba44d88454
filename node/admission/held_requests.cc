#include "node/admission/held_requests.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "node/endpoint_hash.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// What a request is charged: the smallest slots it would fill.
uint32_t charge_of(size_t size) {
  return static_cast<uint32_t>(std::max<size_t>(1, (size + held_small_size - 1) / held_small_size));
}

}  // namespace

HeldRequests::HeldRequests(const Budget& budget, size_t ping_size, uint64_t seed, Ledger& ledger)
    : ping_size_(ping_size),
      seed_(seed),
      ledger_(&ledger),
      requests_(budget.held_max()),
      sources_(budget.held_max()),
      buckets_(std::bit_ceil(budget.held_max()), none) {
  CHECK(ping_size > 0);
  classes_[0].slot_size = held_small_size;
  classes_[0].slots = budget.held_small;
  classes_[1].slot_size = held_medium_size;
  classes_[1].slots = budget.held_medium;
  classes_[2].slot_size = held_large_size;
  classes_[2].slots = budget.held_large;
  uint32_t first = 0;
  uint64_t bytes = 0;
  for (SizeClass& kind : classes_) {
    kind.first = first;
    kind.bytes_at = bytes;
    first += kind.slots;
    bytes += uint64_t{kind.slots} * kind.slot_size;
    for (uint32_t request = first; request > kind.first;) {
      --request;
      requests_[request].newer = kind.free;
      kind.free = request;
    }
  }
  CHECK(first == requests_.size());
  bytes_ = std::make_unique_for_overwrite<uint8_t[]>(bytes);
}

HoldResult HeldRequests::hold(Instant now, const Datagram& in, ReplyBudget& budget) {
  HoldResult result;
  auto source = find(in.path.remote);
  if (!source) {
    if (!budget.spend(ping_size_)) return result;
    result.should_ping = true;
  } else if (sources_[*source].held_count == held_per_source_max) {
    return result;
  }
  const SizeClass* kind = class_for(in.bytes.size());
  if (kind == nullptr) return result;
  const uint32_t request = take_slot(now, classes_[static_cast<size_t>(kind - classes_.data())],
                                     in.path.remote, &result.displaced);
  if (request == none) return result;
  if (!source) source = attach(now, in.path.remote);
  copy_in(now, in, request);
  append(*source, request);
  ledger_->charge(now, in.path.remote.address, Charge::held, charge_of(in.bytes.size()));
  result.is_held = true;
  return result;
}

uint32_t HeldRequests::drop(const Endpoint& source) {
  return release(source, [](const Datagram&, Instant) {});
}

uint32_t HeldRequests::advance(Instant now) {
  uint32_t dropped = 0;
  for (const Source* source = sources_.find(oldest_); source && source->drop_at <= now;
       source = sources_.find(oldest_)) {
    const Endpoint endpoint = source->endpoint;
    const uint32_t held_count = drop(endpoint);
    CHECK(held_count > 0);  // Else the oldest would remain for ever.
    dropped += held_count;
  }
  return dropped;
}

std::optional<Instant> HeldRequests::next_wakeup() const {
  const Source* source = sources_.find(oldest_);
  return source ? std::optional<Instant>(source->drop_at) : std::nullopt;
}

uint32_t HeldRequests::held_count() const {
  uint32_t count = 0;
  for (const SizeClass& kind : classes_) count += kind.taken;
  return count;
}

std::optional<PoolHandle> HeldRequests::find(const Endpoint& endpoint) const {
  for (uint32_t index = buckets_[bucket_of(endpoint)]; index != none;) {
    const auto handle = sources_.taken_at(index);
    CHECK(handle.has_value());
    const Source& source = sources_[*handle];
    if (source.endpoint == endpoint) return handle;
    index = source.chain;
  }
  return std::nullopt;
}

// ---- Slots.

const HeldRequests::SizeClass* HeldRequests::class_for(size_t size) const {
  const auto fits = [&](const SizeClass& kind) { return size <= kind.slot_size; };
  const auto kind = std::find_if(classes_.begin(), classes_.end(), fits);
  return kind == classes_.end() ? nullptr : &*kind;
}

const HeldRequests::SizeClass& HeldRequests::class_of(uint32_t request) const {
  DCHECK(request < requests_.size());
  size_t kind = classes_count - 1;
  while (request < classes_[kind].first) --kind;
  return classes_[kind];
}

HeldRequests::SizeClass& HeldRequests::class_of(uint32_t request) {
  return const_cast<SizeClass&>(std::as_const(*this).class_of(request));
}

uint8_t* HeldRequests::bytes_of_slot(uint32_t request) const {
  const SizeClass& kind = class_of(request);
  return &bytes_[kind.bytes_at + uint64_t{request - kind.first} * kind.slot_size];
}

Datagram HeldRequests::datagram(const Source& source, uint32_t request) const {
  const Request& held = requests_[request];
  DCHECK(held.size <= class_of(request).slot_size);
  return {{source.endpoint, held.local}, {bytes_of_slot(request), held.size}};
}

uint32_t HeldRequests::take_slot(Instant now, SizeClass& kind, const Endpoint& keep,
                                 uint32_t* displaced) {
  if (kind.free == none) {
    const uint32_t request = request_to_displace(now, kind, keep);
    if (request == none) return none;
    displace(request);
    ++*displaced;
  }
  const uint32_t request = kind.free;
  CHECK(request != none && kind.taken < kind.slots);
  kind.free = requests_[request].newer;
  ++kind.taken;
  return request;
}

// Among the oldest, that of the greatest load; of equal ones the oldest.
uint32_t HeldRequests::request_to_displace(Instant now, const SizeClass& kind,
                                           const Endpoint& keep) const {
  uint32_t chosen = none;
  uint32_t greatest = 0;
  uint32_t at = kind.oldest;
  for (uint32_t i = 0; i < compared_max && at != none; ++i, at = requests_[at].newer) {
    const Endpoint& source = sources_[*sources_.taken_at(requests_[at].source)].endpoint;
    if (source == keep) continue;  // Else it would be pinged for nothing.
    const uint32_t load = ledger_->load(now, source.address, Charge::held);
    if (chosen != none && load <= greatest) continue;
    chosen = at;
    greatest = load;
  }
  return chosen;
}

void HeldRequests::displace(uint32_t request) {
  const PoolHandle handle = *sources_.taken_at(requests_[request].source);
  Source& source = sources_[handle];
  if (source.held_count == 1) {
    detach(handle);
    return give_back(request);
  }
  uint32_t* next = &source.first;
  uint32_t before = none;
  while (*next != request) {
    CHECK(*next != none);
    before = *next;
    next = &requests_[before].next_of_source;
  }
  *next = requests_[request].next_of_source;
  if (source.last == request) source.last = before;
  --source.held_count;
  leave_queue(request);
  give_back(request);
}

// Of a request that has left its queue.
void HeldRequests::give_back(uint32_t request) {
  SizeClass& kind = class_of(request);
  CHECK(kind.taken > 0);
  requests_[request].source = none;
  requests_[request].newer = kind.free;
  kind.free = request;
  --kind.taken;
}

void HeldRequests::copy_in(Instant now, const Datagram& in, uint32_t request) {
  DCHECK(in.bytes.size() <= class_of(request).slot_size);
  Request& held = requests_[request];
  held.local = in.path.local;
  held.came = now;
  held.size = static_cast<uint32_t>(in.bytes.size());
  if (held.size > 0) std::memcpy(bytes_of_slot(request), in.bytes.data(), held.size);
}

// Puts the request last in its source's list and in its queue.
void HeldRequests::append(PoolHandle handle, uint32_t request) {
  Source& source = sources_[handle];
  DCHECK(source.held_count < held_per_source_max);
  Request& held = requests_[request];
  held.source = handle.index;
  held.next_of_source = none;
  (source.held_count == 0 ? source.first : requests_[source.last].next_of_source) = request;
  source.last = request;
  ++source.held_count;
  SizeClass& kind = class_of(request);
  held.older = kind.newest;
  held.newer = none;
  (kind.newest == none ? kind.oldest : requests_[kind.newest].newer) = request;
  kind.newest = request;
}

void HeldRequests::leave_queue(uint32_t request) {
  SizeClass& kind = class_of(request);
  const Request& held = requests_[request];
  DCHECK((held.older == none) == (kind.oldest == request));
  (held.older == none ? kind.oldest : requests_[held.older].newer) = held.newer;
  (held.newer == none ? kind.newest : requests_[held.newer].older) = held.older;
}

// ---- Sources.

PoolHandle HeldRequests::attach(Instant now, const Endpoint& endpoint) {
  const auto handle = sources_.take();
  CHECK(handle.has_value());  // Each of the others holds a slot, and one was free.
  Source& source = sources_[*handle];
  source.endpoint = endpoint;
  source.drop_at = now + held_lifetime;
  source.first = source.last = none;
  source.held_count = 0;
  uint32_t& bucket = buckets_[bucket_of(endpoint)];
  source.chain = bucket;
  bucket = handle->index;
  source.older = newest_;
  source.newer = {};
  if (Source* older = sources_.find(newest_)) {
    older->newer = *handle;
  } else {
    oldest_ = *handle;
  }
  newest_ = *handle;
  return *handle;
}

HeldRequests::Source HeldRequests::detach(PoolHandle handle) {
  const Source source = sources_[handle];
  for (uint32_t at = source.first; at != none; at = requests_[at].next_of_source) leave_queue(at);
  uint32_t* index = &buckets_[bucket_of(source.endpoint)];
  while (*index != handle.index) {
    CHECK(*index != none);
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

uint32_t HeldRequests::held_count(const IpAddress& address) const {
  uint32_t held = 0;
  for (const Source* source = sources_.find(oldest_); source != nullptr;
       source = sources_.find(source->newer)) {
    if (source->endpoint.address == address) held += source->held_count;
  }
  DCHECK(held <= held_count());
  return held;
}

void HeldRequests::check_invariants() const {
  uint32_t held_by_sources = 0;
  uint32_t listed = 0;
  PoolHandle older;
  for (PoolHandle at = oldest_; const Source* source = sources_.find(at); at = source->newer) {
    CHECK(source->older == older && find(source->endpoint) == at);
    CHECK(older == PoolHandle{} || sources_[older].drop_at <= source->drop_at);
    CHECK(source->held_count > 0 && source->held_count <= held_per_source_max);
    uint32_t count = 0;
    Instant came = source->drop_at - held_lifetime;  // When it was pinged; no request is older.
    for (uint32_t i = source->first; i != none; i = requests_[i].next_of_source, ++count) {
      CHECK(count < source->held_count && requests_[i].source == at.index);
      CHECK(came <= requests_[i].came);
      came = requests_[i].came;
      if (requests_[i].next_of_source == none) CHECK(source->last == i);
    }
    CHECK(count == source->held_count && listed < sources_count());
    held_by_sources += count;
    ++listed;
    older = at;
  }
  // Every source is in the order, and every slot in use belongs to a source.
  CHECK(newest_ == older && listed == sources_count());
  CHECK(held_by_sources == held_count());
  for (const SizeClass& kind : classes_) {
    uint32_t queued = 0;
    uint32_t before = none;
    for (uint32_t at = kind.oldest; at != none; at = requests_[at].newer, ++queued) {
      CHECK(requests_[at].older == before && class_for(requests_[at].size) == &kind);
      CHECK(before == none || requests_[before].came <= requests_[at].came);
      CHECK(queued < kind.taken && requests_[at].source != none);
      before = at;
    }
    CHECK(queued == kind.taken && kind.newest == before);
  }
}

size_t HeldRequests::bucket_of(const Endpoint& endpoint) const {
  return endpoint_hash(endpoint, seed_) & (buckets_.size() - 1);
}

}  // namespace xord
