// Places in buckets: who gets one, who leaves, and which changes go to the replicas.
#include <algorithm>

#include "node/routing/routing_table.h"

namespace xord {
namespace {

// More doublings would change nothing, and overflow in the end.
constexpr uint8_t doublings_max = 20;
static_assert(backoff_min * (int64_t{1} << doublings_max) >= backoff_max);

Duration backoff(uint8_t failures) {
  CHECK(failures > 0);
  const Duration interval =
      backoff_min * (int64_t{1} << std::min<uint8_t>(failures - 1, doublings_max));
  return std::min(interval, backoff_max);
}

}  // namespace

Bucket* RoutingTable::make_bucket(const Id& id, Instant now) {
  if (Bucket* bucket = tree_.find(id)) return bucket;
  Bucket* bucket = tree_.make(tree_.range_of(id));
  if (bucket == nullptr) {
    refusals_.add(TableRefusal::buckets_full);
    return nullptr;
  }
  bucket->refresh_at = now + refresh_interval(tree_.index_of(*bucket));
  arm(*bucket, now);
  DCHECK(tree_.find(id) == bucket);
  return bucket;
}

Bucket* RoutingTable::bucket_with_room(const Id& id, Instant now) {
  Bucket* bucket = make_bucket(id, now);
  while (bucket != nullptr && bucket->is_full() && !is_full() && tree_.can_split(*bucket)) {
    Bucket& upper = tree_.split(*bucket, book_);
    for (Bucket* half : {bucket, &upper}) {
      fill_from_spares(*half, now);
      arm(*half, now);
    }
    bucket = tree_.find(id);
  }
  DCHECK(bucket == nullptr || bucket == tree_.find(id));
  return bucket;
}

// Gives `filed`, whose handle is held, a place at the tail. Returns false, and counts it, if the
// handle is no_contact because the book was full.
bool RoutingTable::file(Bucket& bucket, const FiledContact& filed, Instant now) {
  if (filed.handle == no_contact) {
    refusals_.add(TableRefusal::book_full);
    return false;
  }
  DCHECK(find(bucket, book_.id(filed.handle)) == nullptr);  // An id has one place.
  settle(bucket.append(filed), now);
  ++version_;
  arm(bucket, now);
  return true;
}

void RoutingTable::remove(Bucket& bucket, FiledContact& filed) {
  const ContactHandle handle = filed.handle;
  DCHECK(replica_.find(book_.contact(handle)) == handle);
  tell(ContactChange::Kind::removed, book_.contact(handle));
  bucket.remove(filed);
  book_.release(handle);
  ++version_;
}

// The spare that takes the place of `leaving`, or a free place: the same id from another endpoint,
// otherwise the one seen last; never one whose id or endpoint has a place or whose prefix is full.
SpareContact* RoutingTable::choose_spare(Bucket& bucket, const FiledContact* leaving) {
  DCHECK(leaving == nullptr || bucket.holds(*leaving));
  SpareContact* chosen = nullptr;
  for (size_t i = bucket.spares().size(); i > 0; --i) {
    SpareContact& spare = bucket.spares()[i - 1];
    const Contact& contact = book_.contact(spare.handle);
    const FiledContact* holder = find(bucket, contact.id);
    if (holder != nullptr && holder != leaving) continue;
    const ContactHandle former = replica_.other_at(contact.endpoint, contact.id);
    if (former != no_contact && (leaving == nullptr || former != leaving->handle)) continue;
    if (!is_within_limits(&bucket, contact, leaving)) continue;
    if (share_of(&bucket, contact, leaving) == Share::over) continue;
    if (holder != nullptr) return &spare;
    if (chosen == nullptr) chosen = &spare;
  }
  return chosen;
}

void RoutingTable::promote(Bucket& bucket, SpareContact& spare, Instant now) {
  FiledContact filed;
  filed.handle = spare.handle;
  filed.first_answered = filed.answered = spare.answered;
  filed.answered_in_this_run = true;
  // It ponged, but perhaps long ago: it counts as young until it answers again.
  filed.ping_at = std::max(now, spare.answered + youth);
  bucket.remove_spare(spare);
  file(bucket, filed, now);
}

void RoutingTable::fill_from_spares(Bucket& bucket, Instant now) {
  while (!bucket.is_full() && !is_full() && has_room_for_changes()) {
    SpareContact* spare = choose_spare(bucket, nullptr);
    if (spare == nullptr) return;
    promote(bucket, *spare, now);
  }
}

// ---- Silence.

TableAction RoutingTable::failed(const Contact& contact, Instant now) {
  CHECK(owner_of(contact.id) == shard_);
  Bucket* bucket = tree_.find(contact.id);
  if (bucket == nullptr) return {};
  FiledContact* filed = find(*bucket, contact.id);
  if (filed == nullptr || book_.endpoint(filed->handle) != contact.endpoint) {
    forget_spare(*bucket, contact);
    return {};
  }
  if (filed->failures < UINT8_MAX) ++filed->failures;
  filed->ping_at = now + backoff(filed->failures);
  const bool is_silent = filed->probed_until > now && ++filed->probes_failed >= probes_max;
  SpareContact* spare = nullptr;
  if ((is_silent || filed->failures >= failures_max) && has_room_for_changes()) {
    spare = choose_spare(*bucket, filed);
  }
  if (spare != nullptr) {
    remove(*bucket, *filed);
    promote(*bucket, *spare, now);
  } else {
    // Without a replacement it is only flagged: an outage of our own must not empty the table
    // (checklist 41).
    settle(*filed, now);
    arm(*bucket, now);
  }
  return {};
}

// A spare that did not answer is dropped: a contact that gets a place is handed out at once.
void RoutingTable::forget_spare(Bucket& bucket, const Contact& contact) {
  SpareContact* spare = find_spare(bucket, contact);
  if (spare == nullptr) return;
  book_.release(spare->handle);
  bucket.remove_spare(*spare);
}

void RoutingTable::forget_spares_at(Bucket& bucket, const Endpoint& endpoint) {
  for (size_t i = bucket.spares().size(); i > 0; --i) {
    SpareContact& spare = bucket.spares()[i - 1];
    if (book_.endpoint(spare.handle) != endpoint) continue;
    book_.release(spare.handle);
    bucket.remove_spare(spare);
  }
}

void RoutingTable::displaced(const Contact& contact, Instant now) {
  if (owner_of(contact.id) != shard_) return;
  Bucket* bucket = tree_.find(contact.id);
  FiledContact* filed = bucket == nullptr ? nullptr : find(*bucket, contact.id);
  if (filed == nullptr || book_.endpoint(filed->handle) != contact.endpoint) return;
  if (!has_room_for_changes()) {
    refusals_.add(TableRefusal::changes_full);
    return;
  }
  remove(*bucket, *filed);
  fill_from_spares(*bucket, now);
  arm(*bucket, now);
}

// ---- Replicas.

void RoutingTable::settle(FiledContact& filed, Instant now) {
  const Contact& contact = book_.contact(filed.handle);
  const Standing news = standing(filed, now);
  if (filed.is_reported && filed.reported == news) return;
  const bool arrives = news != Standing::silent && !filed.is_reported && filed.answered_in_this_run;
  const auto kind = arrives ? ContactChange::Kind::arrived : ContactChange::Kind::filed;
  CHECK(replica_.apply({kind, news, contact}));
  if (arrives) note_arrival(contact, now);
  // If there is no room, the others are notified at the bucket's next upkeep.
  if (shards_ > 1 && changes_.size() == changes_max) return;
  filed.is_reported = true;
  filed.reported = news;
  if (shards_ > 1) changes_.push_back({kind, news, contact});
}

void RoutingTable::note_arrival(const Contact& contact, Instant now) {
  replica_.note_arrival(contact, now);
  if (arrivals_.size() == arrivals_max) return;  // The hourly republish covers it.
  if (arrivals_.empty()) arrived_at_ = now;
  arrivals_.push_back(contact);
}

// For changes that must not wait: the caller has made sure that there is room.
void RoutingTable::tell(ContactChange::Kind kind, const Contact& contact) {
  CHECK(replica_.apply({kind, Standing::silent, contact}));
  if (shards_ == 1) return;
  CHECK(changes_.size() < changes_max);
  changes_.push_back({kind, Standing::silent, contact});
}

void RoutingTable::apply(const ContactChange& change, Instant now) {
  if (change.kind == ContactChange::Kind::displaced) {
    displaced(change.contact, now);
    return;
  }
  CHECK(owner_of(change.contact.id) != shard_);
  if (!replica_.apply(change)) refusals_.add(TableRefusal::replica_full);
  if (change.kind == ContactChange::Kind::arrived) note_arrival(change.contact, now);
  if (change.kind == ContactChange::Kind::removed) return;
  // Two shards each filed an id at one endpoint without knowing of the other: the greater id goes.
  const ContactHandle other = own_other_at(change.contact);
  if (other == no_contact || book_.id(other) < change.contact.id) return;
  const Contact gone = book_.contact(other);
  displaced(gone, now);
}

void RoutingTable::restore(const Contact& contact, Instant answered, Instant now) {
  CHECK(owner_of(contact.id) == shard_);
  if (!may_be_filed(contact) || is_full()) return;
  if (replica_.find(contact) != no_contact) return;
  if (replica_.other_at(contact.endpoint, contact.id) != no_contact) return;
  Bucket* bucket = bucket_with_room(contact.id, now);
  if (bucket == nullptr || bucket->is_full() || find(*bucket, contact.id) != nullptr) return;
  FiledContact filed;
  filed.handle = book_.acquire(contact);
  filed.first_answered = filed.answered = answered;
  filed.ping_at = now + restored_pace * restored_count_;
  if (file(*bucket, filed, now)) ++restored_count_;
}

}  // namespace xord
