#include "node/routing_table.h"

#include <algorithm>

namespace xord {
namespace {

Duration backoff(uint8_t failures) {
  if (failures == 0) return Duration{};
  const Duration interval = backoff_min * (int64_t{1} << std::min<uint8_t>(failures - 1, 20));
  return std::min(interval, backoff_max);
}

}  // namespace

RoutingTable::RoutingTable(const RoutingConfig& config, const Id& self, ShardIndex shard,
                           uint32_t shards, ContactBook& book, Instant start)
    : config_(config),
      self_(self),
      shard_(shard),
      shards_(shards),
      book_(book),
      replica_(config.contacts_max, book, config.seed),
      buckets_(config.buckets_max),
      ranges_(id_bits),
      timers_(config.buckets_max, milliseconds(100), start),
      pinged_(config.recent_pings, config.seed) {
  CHECK(config.buckets_max < no_bucket && shard < shards);
  for (Range& range : ranges_) range.buckets.fill(no_bucket);
  changes_.reserve(changes_max);
}

ShardIndex RoutingTable::owner_of(const Id& id) const {
  return static_cast<ShardIndex>(range_of(id) % shards_);
}

bool RoutingTable::may_be_filed(const Contact& contact) const {
  return contact.id != self_ && contact.id != config_.client_id;
}

// ---- Buckets of a range.

// The bits behind the one in which `id` leaves our own path, as a number.
uint32_t RoutingTable::leaf_of(const Id& id, uint32_t range) {
  uint32_t leaf = 0;
  for (uint32_t i = 1; i <= split_bits; ++i) {
    leaf = leaf << 1 | (range + i < id_bits && id.bit(range + i) ? 1 : 0);
  }
  return leaf;
}

Bucket* RoutingTable::find_bucket(const Id& id) {
  const uint32_t range = range_of(id);
  if (range == id_bits) return nullptr;
  const uint16_t index = ranges_[range].buckets[leaf_of(id, range)];
  return index == no_bucket ? nullptr : &buckets_[*buckets_.taken_at(index)];
}

Bucket* RoutingTable::make_bucket(const Id& id, Instant now) {
  if (Bucket* bucket = find_bucket(id)) return bucket;
  const auto handle = buckets_.take();
  if (!handle) return nullptr;
  Bucket& bucket = buckets_[*handle];
  bucket = Bucket{};
  bucket.range = static_cast<uint8_t>(range_of(id));
  bucket.refresh_at = now + refresh_after;
  place(bucket, static_cast<uint16_t>(handle->index));
  return &bucket;
}

void RoutingTable::place(const Bucket& bucket, uint16_t index) {
  const uint32_t width = leaves >> bucket.depth;
  const uint32_t first = static_cast<uint32_t>(bucket.prefix) * width;
  std::fill_n(ranges_[bucket.range].buckets.begin() + first, width, index);
}

PoolHandle RoutingTable::handle_of(const Bucket& bucket) const {
  const uint32_t first = static_cast<uint32_t>(bucket.prefix) * (leaves >> bucket.depth);
  return *buckets_.taken_at(ranges_[bucket.range].buckets[first]);
}

// The second half of the range moves to a bucket of its own. False when it cannot be split.
bool RoutingTable::split(Bucket& bucket, Instant now) {
  if (bucket.depth == split_bits || bucket.range + bucket.depth + 1u >= id_bits) return false;
  const auto handle = buckets_.take();
  if (!handle) return false;
  Bucket& upper = buckets_[*handle];
  upper = Bucket{};
  upper.range = bucket.range;
  upper.refresh_at = bucket.refresh_at;
  upper.depth = ++bucket.depth;
  bucket.prefix = static_cast<uint8_t>(bucket.prefix << 1);
  upper.prefix = bucket.prefix | 1;
  place(upper, static_cast<uint16_t>(handle->index));
  const uint32_t bit = bucket.range + uint32_t{bucket.depth};
  for (size_t i = 0; i < bucket.contacts().size();) {
    FiledContact& filed = bucket.contacts()[i];
    if (!book_.id(filed.handle).bit(bit)) {
      ++i;
      continue;
    }
    upper.append(filed);
    bucket.remove(filed);
  }
  for (size_t i = 0; i < bucket.spares().size();) {
    SpareContact& spare = bucket.spares()[i];
    if (!book_.id(spare.handle).bit(bit)) {
      ++i;
      continue;
    }
    upper.append_spare(spare);
    bucket.remove_spare(spare);
  }
  while (promote_spare(bucket, nullptr, now)) {
  }
  while (promote_spare(upper, nullptr, now)) {
  }
  arm(bucket, now);
  arm(upper, now);
  return true;
}

FiledContact* RoutingTable::find(Bucket& bucket, const Id& id) {
  for (FiledContact& filed : bucket.contacts()) {
    if (book_.id(filed.handle) == id) return &filed;
  }
  return nullptr;
}

// ---- Admission.

TableAction RoutingTable::observe(const Contact& contact, Evidence evidence, Instant now) {
  CHECK(owner_of(contact.id) == shard_);
  if (!may_be_filed(contact) || evidence == Evidence::mentioned) return {};
  if (Bucket* bucket = find_bucket(contact.id)) {
    if (FiledContact* filed = find(*bucket, contact.id)) {
      return heard_of_filed(*bucket, *filed, contact, evidence, now);
    }
  }
  return heard_of_newcomer(contact, evidence, now);
}

TableAction RoutingTable::heard_of_filed(Bucket& bucket, FiledContact& filed,
                                         const Contact& contact, Evidence evidence, Instant now) {
  if (book_.endpoint(filed.handle) != contact.endpoint) {
    // The id from elsewhere. Whoever holds the place keeps it while it answers; only its silence
    // gives it to the newcomer, which waits as a spare once it ponged.
    if (evidence != Evidence::ponged) {
      return pinged_.is_first(contact, now)
                 ? TableAction{TableAction::Kind::ping_newcomer, contact, {}}
                 : TableAction{};
    }
    keep_as_spare(bucket, contact, now);
    filed.probed_until = now + probe_lifetime;
    filed.probes_failed = 0;
    return {TableAction::Kind::ping_oldest, book_.contact(filed.handle), {}};
  }
  if (evidence == Evidence::queried_us) {
    if (now - filed.answered < answer_fresh) bucket.move_to_tail(filed);
    return {};
  }
  filed.failures = filed.probes_failed = 0;
  filed.answered = now;
  filed.answered_in_this_run = true;
  filed.quiet_until = filed.probed_until = Instant::never();
  set_answerable(filed, true);
  bucket.move_to_tail(filed);
  arm(bucket, now);
  return {};
}

TableAction RoutingTable::heard_of_newcomer(const Contact& contact, Evidence evidence,
                                            Instant now) {
  if (evidence == Evidence::ponged) return admit(contact, now);
  const Bucket* bucket = find_bucket(contact.id);
  const bool is_wanted = bucket == nullptr || !bucket->is_full() || bucket->depth < split_bits ||
                         bucket->spares().size() < Bucket::spares_max ||
                         now - bucket->spares()[0].ponged > refresh_after;
  if (!is_wanted || !pinged_.is_first(contact, now)) return {};
  return {TableAction::Kind::ping_newcomer, contact, {}};
}

TableAction RoutingTable::admit(const Contact& contact, Instant now) {
  Bucket* bucket = make_bucket(contact.id, now);
  if (bucket == nullptr) return {};
  while (bucket->is_full() && split(*bucket, now)) bucket = find_bucket(contact.id);
  if (!bucket->is_full()) return file(*bucket, contact, now);
  for (FiledContact& filed : bucket->contacts()) {
    if (filed.failures < failures_max) continue;
    drop(*bucket, filed, now);  // Stale, and kept for want of another: here is one.
    if (!bucket->is_full()) return file(*bucket, contact, now);
    break;
  }
  return keep_as_spare(*bucket, contact, now);
}

TableAction RoutingTable::file(Bucket& bucket, const Contact& contact, Instant now) {
  // One entry an endpoint: a node that was started anew under another id has left the old one.
  const ContactHandle former = replica_.filed_at(contact.endpoint);
  const bool is_displacing = former != no_contact && book_.id(former) != contact.id;
  const Contact gone = is_displacing ? book_.contact(former) : Contact{};
  if (replica_.count() >= config_.contacts_max) return {};
  const ContactHandle handle = book_.acquire(contact);
  if (handle == no_contact) return {};
  FiledContact filed;
  filed.handle = handle;
  filed.answered = now;
  filed.answered_in_this_run = true;
  set_answerable(bucket.append(filed), true);
  ++version_;
  arm(bucket, now);
  if (!is_displacing) return {};
  return {TableAction::Kind::displaced, gone, {}};
}

TableAction RoutingTable::keep_as_spare(Bucket& bucket, const Contact& contact, Instant now) {
  for (SpareContact& spare : bucket.spares()) {
    if (book_.contact(spare.handle) != contact) continue;
    const ContactHandle handle = spare.handle;
    bucket.remove_spare(spare);
    bucket.append_spare({handle, now});
    return {};
  }
  const ContactHandle handle = book_.acquire(contact);
  if (handle == no_contact) return {};
  const ContactHandle dropped = bucket.append_spare({handle, now});
  if (dropped != no_contact) book_.release(dropped);
  if (!bucket.is_full()) return {};
  // The least recently seen that is not being probed already, unless it answered just now.
  FiledContact& oldest = bucket.contacts()[0];
  if (now - oldest.answered < oldest_trusted || oldest.probed_until > now) return {};
  oldest.probed_until = now + probe_lifetime;
  oldest.probes_failed = 0;
  return {TableAction::Kind::ping_oldest, book_.contact(oldest.handle), {}};
}

// ---- Silence.

TableAction RoutingTable::failed(const Contact& contact, Instant now) {
  CHECK(owner_of(contact.id) == shard_);
  Bucket* bucket = find_bucket(contact.id);
  if (bucket == nullptr) return {};
  FiledContact* filed = find(*bucket, contact.id);
  if (filed == nullptr || book_.endpoint(filed->handle) != contact.endpoint) {
    forget_spare(*bucket, contact);
    return {};
  }
  if (filed->failures < UINT8_MAX) ++filed->failures;
  filed->quiet_until = now + backoff(filed->failures);
  if (filed->failures > 1) set_answerable(*filed, false);
  const bool is_silent_to_probe = filed->probed_until > now && ++filed->probes_failed >= 2;
  if (is_silent_to_probe || filed->failures >= failures_max) {
    // Without a replacement it is only flagged: an outage of our own must not empty the table
    // (4.1).
    if (!bucket->spares().empty()) drop(*bucket, *filed, now);
  }
  arm(*bucket, now);
  return {};
}

// A spare that did not answer is none: whoever takes a place is handed out at once.
void RoutingTable::forget_spare(Bucket& bucket, const Contact& contact) {
  for (SpareContact& spare : bucket.spares()) {
    if (book_.contact(spare.handle) != contact) continue;
    book_.release(spare.handle);
    bucket.remove_spare(spare);
    return;
  }
}

void RoutingTable::displaced(const Contact& contact, Instant now) {
  Bucket* bucket = find_bucket(contact.id);
  FiledContact* filed = bucket == nullptr ? nullptr : find(*bucket, contact.id);
  if (filed == nullptr || book_.endpoint(filed->handle) != contact.endpoint) return;
  drop(*bucket, *filed, now);
  arm(*bucket, now);
}

void RoutingTable::drop(Bucket& bucket, FiledContact& filed, Instant now) {
  const Contact gone = book_.contact(filed.handle);
  tell(ContactChange::Kind::removed, gone);
  book_.release(filed.handle);
  bucket.remove(filed);
  ++version_;
  promote_spare(bucket, &gone.id, now);
}

// The newest spare takes a free place; `preferred` (the same id from another endpoint) before it.
bool RoutingTable::promote_spare(Bucket& bucket, const Id* preferred, Instant now) {
  if (bucket.spares().empty() || bucket.is_full()) return false;
  SpareContact* chosen = &bucket.spares().back();
  for (SpareContact& spare : bucket.spares()) {
    if (preferred != nullptr && book_.id(spare.handle) == *preferred) chosen = &spare;
  }
  const SpareContact spare = *chosen;
  bucket.remove_spare(*chosen);
  const Contact contact = book_.contact(spare.handle);
  const ContactHandle holder = replica_.filed_at(contact.endpoint);
  if (find(bucket, contact.id) != nullptr || holder != no_contact) {
    book_.release(spare.handle);  // It has a place by now, or its endpoint has.
    return true;
  }
  FiledContact filed;
  filed.handle = spare.handle;
  filed.answered = spare.ponged;
  filed.answered_in_this_run = true;
  // It ponged long ago: it is asked again before it is trusted for long.
  if (now - spare.ponged >= answer_fresh) filed.answered = now - upkeep_after;
  set_answerable(bucket.append(filed), true);
  ++version_;
  return true;
}

void RoutingTable::set_answerable(FiledContact& filed, bool is_answerable) {
  const Contact& contact = book_.contact(filed.handle);
  const bool is_new = replica_.filed_at(contact.endpoint) != filed.handle;
  if (filed.is_answerable == is_answerable && !is_new) return;
  filed.is_answerable = is_answerable;
  tell(is_answerable ? ContactChange::Kind::answerable : ContactChange::Kind::unanswerable,
       contact);
}

void RoutingTable::tell(ContactChange::Kind kind, const Contact& contact) {
  const ContactChange change{kind, contact};
  replica_.apply(change);
  CHECK(changes_.size() < changes_max);
  changes_.push_back(change);
}

void RoutingTable::restore(const Contact& contact, Instant answered, Instant now) {
  CHECK(owner_of(contact.id) == shard_);
  if (!may_be_filed(contact) || replica_.filed_at(contact.endpoint) != no_contact) return;
  Bucket* bucket = make_bucket(contact.id, now);
  while (bucket != nullptr && bucket->is_full() && split(*bucket, now)) {
    bucket = find_bucket(contact.id);
  }
  if (bucket == nullptr || bucket->is_full() || find(*bucket, contact.id) != nullptr) return;
  if (replica_.count() >= config_.contacts_max) return;
  FiledContact filed;
  filed.handle = book_.acquire(contact);
  if (filed.handle == no_contact) return;
  filed.answered = answered;
  set_answerable(bucket->append(filed), now - answered < answer_fresh);
  arm(*bucket, now);
}

// ---- Upkeep.

void RoutingTable::note_lookup(const Id& target, Instant now) {
  if (Bucket* bucket = find_bucket(target)) bucket->refresh_at = now + refresh_after;
}

// A contact is pinged when it has not answered for long; sooner when it failed or was restored.
Instant RoutingTable::ping_due_at(const FiledContact& filed) {
  const bool is_doubtful = filed.failures > 0 || !filed.answered_in_this_run;
  return is_doubtful ? filed.quiet_until
                     : std::max(filed.quiet_until, filed.answered + upkeep_after);
}

Instant RoutingTable::due_at(const Bucket& bucket, Instant now) const {
  Instant due = bucket.refresh_at;
  for (const FiledContact& filed : bucket.contacts()) {
    due = std::min(due, ping_due_at(filed));
    if (!filed.answered_in_this_run && filed.is_answerable) {
      due = std::min(due, filed.answered + answer_fresh);
    }
  }
  return std::max(due, now + seconds(1));
}

void RoutingTable::arm(const Bucket& bucket, Instant now) {
  timers_.arm(static_cast<TimerId>(handle_of(bucket).index), due_at(bucket, now));
}

Id RoutingTable::random_id_in(const Bucket& bucket, Rng& rng) const {
  Id id = random_id_in_range(self_, bucket.range, rng);
  for (uint32_t i = 1; i <= bucket.depth; ++i) {
    const uint32_t bit = bucket.range + i;
    const auto mask = static_cast<uint8_t>(0x80 >> bit % 8);
    const bool is_set = (bucket.prefix >> (bucket.depth - i)) & 1;
    id.bytes[bit / 8] =
        static_cast<uint8_t>(is_set ? id.bytes[bit / 8] | mask : id.bytes[bit / 8] & ~mask);
  }
  return id;
}

Id random_id_in_range(const Id& self, uint32_t range, Rng& rng) {
  CHECK(range < id_bits);
  Id id;
  rng.fill(id.bytes);
  for (uint32_t bit = 0; bit <= range; ++bit) {
    const auto mask = static_cast<uint8_t>(0x80 >> bit % 8);
    const bool is_set = self.bit(bit) != (bit == range);
    id.bytes[bit / 8] =
        static_cast<uint8_t>(is_set ? id.bytes[bit / 8] | mask : id.bytes[bit / 8] & ~mask);
  }
  return id;
}

void RoutingTable::check_invariants() const {
  uint32_t own_count = 0;
  for (uint32_t i = 0; i < buckets_.slots_max(); ++i) {
    const auto handle = buckets_.taken_at(i);
    if (!handle) continue;
    const Bucket& bucket = buckets_[*handle];
    for (const FiledContact& filed : bucket.contacts()) {
      const Contact& contact = book_.contact(filed.handle);
      const uint32_t range = range_of(contact.id);
      CHECK(range == bucket.range && owner_of(contact.id) == shard_);
      CHECK(ranges_[range].buckets[leaf_of(contact.id, range)] == i);
      CHECK(replica_.filed_at(contact.endpoint) == filed.handle);
      CHECK(may_be_filed(contact) && (filed.failures <= 1 || !filed.is_answerable));
      ++own_count;
    }
    for (const SpareContact& spare : bucket.spares()) {
      CHECK(range_of(book_.id(spare.handle)) == bucket.range);
    }
  }
  CHECK(own_count <= replica_.count() && changes_.size() <= changes_max);
}

}  // namespace xord
