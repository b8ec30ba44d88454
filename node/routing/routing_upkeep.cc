// Upkeep of buckets: pings to contacts not heard from for a long time, refreshes of ranges without
// lookups, and the standing of restored contacts.
#include <algorithm>

#include "node/routing/routing_table.h"

namespace xord {
namespace {

// At most two pings per bucket at a time, a second apart, to avoid a burst after a restart or
// outage.
constexpr size_t bucket_pings_max = 2;
constexpr Duration bucket_pings_pause = seconds(1);

}  // namespace

// From 0.9 to 1.1 of an hour, by the index of the bucket or range.
Duration RoutingTable::refresh_interval(uint32_t index) const {
  const uint64_t mixed = (index + 1) * 0x9e3779b97f4a7c15u ^ config_.seed;
  const auto tenths = static_cast<int64_t>((mixed * 0xd6e8feb86659fd93u) >> 54);  // 0..1023.
  return refresh_after * 9 / 10 + refresh_after * tenths / 5 / 1024;
}

void RoutingTable::note_lookup(const Id& target, Instant now) {
  if (Bucket* bucket = tree_.find(target)) {
    bucket->refresh_at = now + refresh_interval(tree_.index_of(*bucket));
    return;
  }
  const uint32_t range = std::min(tree_.range_of(target), id_bits - 1);
  empty_refresh_at_[range] = now + refresh_interval(range);
  if (target != self_) return;
  // A lookup of our own id covers all ranges nearer than the nearest contact.
  for (uint32_t i = deepest_range().value_or(0); i < id_bits; ++i) {
    empty_refresh_at_[i] = now + refresh_interval(i);
  }
}

std::optional<uint32_t> RoutingTable::deepest_range() const {
  std::optional<uint32_t> deepest;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    std::array<ContactHandle, 1> found;
    if (nearest(self_, family, found) == 0) continue;
    deepest = std::max(deepest.value_or(0), tree_.range_of(book_.id(found[0])));
  }
  CHECK(!deepest || *deepest < id_bits);  // We do not know ourselves.
  return deepest;
}

Instant RoutingTable::due_at(const Bucket& bucket, Instant now) const {
  Instant due = bucket.refresh_at;
  for (const FiledContact& filed : bucket.contacts()) {
    due = std::min(due, std::max(filed.ping_at, bucket.pings_from));
    const Standing standing = RoutingTable::standing(filed, now);
    const bool is_dated = filed.asked == FiledContact::Asked::yes || standing == Standing::trusted;
    if (is_dated) due = std::min(due, filed.trusted_until);
    if (standing == Standing::awaited && !filed.answered_in_this_run) {
      due = std::min(due, filed.answered + answer_fresh);
    }
    if (!filed.is_reported || filed.reported != standing) due = now;
  }
  return due;
}

void RoutingTable::arm(const Bucket& bucket, Instant now) {
  timers_.arm(static_cast<TimerId>(tree_.index_of(bucket)), due_at(bucket, now));
}

size_t RoutingTable::look_after(TimerId timer, Instant now, Rng& rng, Actions& actions) {
  if (timer == ranges_timer()) return look_after_empty_ranges(now, rng, actions);
  const auto index = static_cast<uint32_t>(timer);
  CHECK(index < tree_.count());
  Bucket& bucket = tree_.at(index);
  for (FiledContact& filed : bucket.contacts()) {
    end_wait(filed, now);
    settle(filed, now);
  }
  shed(bucket);
  fill_from_spares(bucket, now);
  static_assert(bucket_pings_max + 1 <= actions_max, "there is room for its pings and a refresh");
  size_t count = 0;
  for (FiledContact& filed : bucket.contacts()) {
    if (bucket.pings_from > now || count == bucket_pings_max) break;
    if (filed.ping_at > now) continue;
    filed.ping_at = now + upkeep_retry;  // Until its outcome sets another time.
    const bool is_silent = filed.failures > 0 || filed.asked == FiledContact::Asked::in_vain;
    const auto kind = is_silent ? TableAction::Kind::ping_silent : TableAction::Kind::ping_upkeep;
    actions[count++] = {kind, book_.contact(filed.handle), {}};
  }
  if (count == bucket_pings_max) bucket.pings_from = now + bucket_pings_pause;
  if (bucket.refresh_at <= now) {
    bucket.refresh_at = now + refresh_interval(index);
    actions[count++] = {TableAction::Kind::refresh, {}, tree_.random_id_in(bucket, rng)};
  }
  arm(bucket, now);
  return count;
}

// Empty ranges of this shard: those farther away than the nearest contact, and the next one after
// it, which stands for the paper's bucket around our own id.
size_t RoutingTable::look_after_empty_ranges(Instant now, Rng& rng, Actions& actions) {
  timers_.arm(ranges_timer(), now + empty_ranges_check);
  const auto deepest = deepest_range();
  if (!deepest) return 0;
  size_t count = 0;
  for (uint32_t range = shard_; range <= std::min(*deepest + 1, id_bits - 1); range += shards_) {
    if (tree_.has_bucket(range) || empty_refresh_at_[range] > now) continue;
    if (count == actions.size()) break;  // The others follow next time.
    empty_refresh_at_[range] = now + refresh_interval(range);
    actions[count++] = {TableAction::Kind::refresh, {}, random_id_in_range(self_, range, rng)};
  }
  return count;
}

void RoutingTable::check_invariants() const {
  uint32_t own_count = 0;
  uint32_t own_answerable_count = 0;
  for (uint32_t i = 0; i < tree_.count(); ++i) {
    const Bucket& bucket = tree_.at(i);
    CHECK(bucket.range % shards_ == shard_ && timers_.is_armed(static_cast<TimerId>(i)));
    for (const FiledContact& filed : bucket.contacts()) {
      const Contact& contact = book_.contact(filed.handle);
      CHECK(tree_.find(contact.id) == &bucket && may_be_filed(contact));
      CHECK(replica_.find(contact) == filed.handle);
      const Standing standing = replica_.standing(contact);
      const bool answerable = standing != Standing::silent;
      CHECK(!answerable || filed.failures <= failures_answerable_max);
      CHECK(!filed.is_reported || standing == filed.reported || has_room_for_changes() == false);
      CHECK(filed.first_answered <= filed.answered);
      for (const FiledContact& other : bucket.contacts()) {
        CHECK(&other == &filed || book_.id(other.handle) != contact.id);
        CHECK(&other == &filed || book_.endpoint(other.handle) != contact.endpoint);
      }
      ++own_count;
      own_answerable_count += answerable;
    }
    for (const SpareContact& spare : bucket.spares()) {
      CHECK(tree_.find(book_.id(spare.handle)) == &bucket);
      CHECK(may_be_filed(book_.contact(spare.handle)));
      for (const SpareContact& other : bucket.spares()) {
        CHECK(&other == &spare || other.handle != spare.handle);
      }
    }
  }
  CHECK(own_count <= replica_.count() && changes_.size() <= changes_max);
  CHECK(shards_ > 1 || (own_count == replica_.count() && own_count <= config_.contacts_max &&
                        own_answerable_count == replica_.answerable_count()));
  CHECK((shards_ > 1 || changes_.empty()) && arrivals_.size() <= arrivals_max);
  CHECK(timers_.is_armed(ranges_timer()));
  tree_.check_invariants();
  replica_.check_invariants();
}

}  // namespace xord
