#include "node/routing/routing_table.h"

#include <algorithm>

namespace xord {
namespace {

// A contact from another shard may arrive before the one it replaces has gone.
constexpr uint32_t replica_slack = 1024;
// A bound above any real network: twenty liars may have chosen ids next to ours.
constexpr double network_size_max = 0x1p62;

}  // namespace

RoutingTable::RoutingTable(const RoutingConfig& config, const Id& self, ShardIndex shard,
                           uint32_t shards, ContactBook& book, Instant start)
    : config_(config),
      self_(self),
      shard_(shard),
      shards_(shards),
      book_(book),
      replica_(config.contacts_max + (shards == 1 ? 0 : replica_slack), book, config.subnets,
               config.seed),
      tree_(self, config.buckets_max),
      empty_refresh_at_(id_bits),
      timers_(config.buckets_max + 1, milliseconds(1), start),
      pinged_(config.recent_pings, config.seed) {
  CHECK(shard < shards && shards <= shards_max);
  if (shards > 1) changes_.reserve(changes_max);
  arrivals_.reserve(arrivals_max);
  for (uint32_t range = 0; range < id_bits; ++range) {
    empty_refresh_at_[range] = start + refresh_interval(range);
  }
  timers_.arm(ranges_timer(), start + empty_ranges_check);
}

RoutingTable::~RoutingTable() {
  for (uint32_t i = 0; i < tree_.count(); ++i) {
    for (const FiledContact& filed : tree_.at(i).contacts()) book_.release(filed.handle);
    for (const SpareContact& spare : tree_.at(i).spares()) book_.release(spare.handle);
  }
}

bool RoutingTable::may_be_filed(const Contact& contact) const {
  return contact.id != self_ && contact.id != config_.client_id && contact.endpoint.is_askable();
}

FiledContact* RoutingTable::find(Bucket& bucket, const Id& id) {
  DCHECK(tree_.find(id) == &bucket);
  for (FiledContact& filed : bucket.contacts()) {
    if (book_.id(filed.handle) == id) return &filed;
  }
  return nullptr;
}

SpareContact* RoutingTable::find_spare(Bucket& bucket, const Contact& contact) {
  DCHECK(tree_.find(contact.id) == &bucket);
  for (SpareContact& spare : bucket.spares()) {
    if (book_.contact(spare.handle) == contact) return &spare;
  }
  return nullptr;
}

TableAction RoutingTable::observe(const Contact& contact, Evidence evidence, Instant now) {
  CHECK(owner_of(contact.id) == shard_);
  if (!contact.endpoint.is_askable()) return {};
  Bucket* bucket = tree_.find(contact.id);
  FiledContact* filed = bucket == nullptr ? nullptr : find(*bucket, contact.id);
  if (filed != nullptr && book_.endpoint(filed->handle) == contact.endpoint) {
    heard_of_filed(*bucket, *filed, evidence, now);
    return {};
  }
  if (!has_room_for_changes()) {
    refusals_.add(TableRefusal::changes_full);
    return {};
  }
  return evidence == Evidence::ponged ? admit(contact, now)
                                      : heard_of_newcomer(contact, evidence, now);
}

void RoutingTable::heard_of_filed(Bucket& bucket, FiledContact& filed, Evidence evidence,
                                  Instant now) {
  if (evidence == Evidence::queried_us) {  // The source may be forged: it is no sign of life.
    if (now - filed.answered < answer_fresh) bucket.move_to_tail(filed);
    return;
  }
  filed.failures = filed.probes_failed = 0;
  filed.answered = now;
  filed.answered_in_this_run = true;
  trust(filed, now);
  // No other answer shows whether the node was restarted under another id.
  if (evidence == Evidence::ponged) {
    filed.ping_at = filed.uptime() < youth ? filed.first_answered + youth : now + upkeep_after;
  }
  filed.probed_until = Instant::min();
  settle(filed, now);
  bucket.move_to_tail(filed);
  arm(bucket, now);
}

// It has not ponged yet, or it ponged when last asked and waits as a spare.
TableAction RoutingTable::heard_of_newcomer(const Contact& contact, Evidence evidence,
                                            Instant now) {
  DCHECK(evidence != Evidence::ponged);
  if (!may_be_filed(contact)) return {};
  Bucket* bucket = tree_.find(contact.id);
  if (SpareContact* spare = bucket == nullptr ? nullptr : find_spare(*bucket, contact)) {
    if (evidence == Evidence::answered) spare->answered = now;
    if (now - spare->answered < answer_fresh) {
      bucket->move_spare_to_tail(*spare);
      return {};
    }
  }
  if (!is_wanted(bucket, contact, now) || !pinged_.is_first(contact, now)) return {};
  return {TableAction::Kind::ping_newcomer, contact, {}};
}

bool RoutingTable::is_wanted(const Bucket* bucket, const Contact& contact, Instant now) const {
  if (!is_within_limits(bucket, contact, nullptr)) return false;
  if (share_of(bucket, contact, nullptr) == Share::over) return false;
  if (bucket == nullptr) return !is_full();
  if (!is_full() && (!bucket->is_full() || tree_.can_split(*bucket))) return true;
  if (!config_.prefers_old_contacts) return true;
  for (const FiledContact& filed : bucket->contacts()) {
    if (filed.failures >= failures_max || book_.id(filed.handle) == contact.id) return true;
  }
  if (over_share_for(*bucket, contact) != nullptr) return true;
  const auto spares = bucket->spares();
  return spares.size() < Bucket::spares_max || now - spares[0].answered >= refresh_after;
}

bool RoutingTable::is_within_limits(const Bucket* bucket, const Contact& contact,
                                    const FiledContact* leaving) const {
  const IpAddress& address = contact.endpoint.address;
  if (!config_.subnets.apply_to(address)) return true;
  uint32_t in_table = replica_.subnet_count(address);
  uint32_t in_bucket = 0;
  // The entry that the contact itself would replace does not count.
  const auto is_replaced = [&](ContactHandle handle) {
    return book_.id(handle) == contact.id || book_.endpoint(handle) == contact.endpoint;
  };
  // ::1 is exempt, and its neighbours in ::/64 are not.
  const auto counts = [&](ContactHandle handle) {
    const IpAddress& other = book_.endpoint(handle).address;
    return same_subnet(other, address) && config_.subnets.apply_to(other);
  };
  if (bucket != nullptr) {
    for (const FiledContact& filed : bucket->contacts()) {
      if (!counts(filed.handle)) continue;
      if (&filed == leaving || is_replaced(filed.handle)) {
        --in_table;
      } else {
        ++in_bucket;
      }
    }
    for (const SpareContact& spare : bucket->spares()) {
      in_bucket += !is_replaced(spare.handle) && counts(spare.handle);
    }
  }
  return in_table < config_.subnets.per_table_max && in_bucket < config_.subnets.per_bucket_max;
}

// ---- A contact ponged that is not filed, or not filed at this endpoint.

TableAction RoutingTable::admit(const Contact& contact, Instant now) {
  displace_former(contact, now);
  if (!may_be_filed(contact)) return {};
  Bucket* bucket = tree_.find(contact.id);
  if (!is_within_limits(bucket, contact, nullptr)) {
    refusals_.add(TableRefusal::subnet);
    return {};
  }
  if (share_of(bucket, contact, nullptr) == Share::over) {
    refusals_.add(TableRefusal::share);
    return {};
  }
  if (bucket != nullptr) {
    if (FiledContact* holder = find(*bucket, contact.id)) {
      return wait_for_holder(*bucket, *holder, contact, now);
    }
  }
  return take_place(contact, now);
}

// One entry per endpoint: a node restarted under another id has left the old one.
void RoutingTable::displace_former(const Contact& contact, Instant now) {
  const ContactHandle own = own_other_at(contact);
  replica_.for_each_other_at(contact.endpoint, contact.id, [&](ContactHandle former) {
    if (former != own) tell(ContactChange::Kind::displaced, book_.contact(former));
  });
  if (own == no_contact) return;
  Bucket* bucket = tree_.find(book_.id(own));
  CHECK(bucket != nullptr);
  FiledContact* filed = find(*bucket, book_.id(own));
  CHECK(filed != nullptr && filed->handle == own);
  remove(*bucket, *filed);
  // If it is in the same bucket, the place is for the newcomer.
  if (bucket != tree_.find(contact.id)) fill_from_spares(*bucket, now);
}

ContactHandle RoutingTable::own_other_at(const Contact& contact) const {
  ContactHandle own = no_contact;
  replica_.for_each_other_at(contact.endpoint, contact.id, [&](ContactHandle handle) {
    if (owner_of(book_.id(handle)) == shard_) own = handle;
  });
  return own;
}

// The same id from another endpoint. The holder keeps the place while it answers, so that no one
// can take it over by answering faster; only its silence gives the place to the newcomer, which
// waits as a spare.
TableAction RoutingTable::wait_for_holder(Bucket& bucket, FiledContact& holder,
                                          const Contact& contact, Instant now) {
  return keep_as_spare(bucket, contact, now) ? probe(holder, now) : TableAction{};
}

TableAction RoutingTable::take_place(const Contact& contact, Instant now) {
  // A split gives places to spares. The contact itself must not be among them, or it would have two
  // places; nor may the former id at its endpoint. If a split files the contact's id from another
  // endpoint, that one holds the place.
  if (Bucket* whole = tree_.find(contact.id)) forget_spares_at(*whole, contact.endpoint);
  Bucket* bucket = bucket_with_room(contact.id, now);
  if (bucket == nullptr) return {};
  if (FiledContact* holder = find(*bucket, contact.id)) {
    return wait_for_holder(*bucket, *holder, contact, now);
  }
  FiledContact* stale = nullptr;  // Kept only for lack of a replacement, which we now have.
  // Likewise one whose prefix has more than its share: it gives way without a ping.
  const FiledContact* over_share = over_share_for(*bucket, contact);
  for (FiledContact& filed : bucket->contacts()) {
    const bool goes = filed.failures >= failures_max || &filed == over_share;
    if (stale == nullptr && goes) stale = &filed;
  }
  const bool has_room = !bucket->is_full() && !is_full();
  if (!has_room && stale != nullptr) remove(*bucket, *stale);
  const bool displaces = !config_.prefers_old_contacts && !bucket->contacts().empty();
  if (!has_room && stale == nullptr && displaces) remove(*bucket, bucket->contacts()[0]);
  if (has_room || stale != nullptr || displaces) {
    FiledContact filed;
    filed.handle = book_.acquire(contact);
    filed.first_answered = filed.answered = now;
    filed.answered_in_this_run = true;
    filed.ping_at = now + youth;
    file(*bucket, filed, now);
    shed_in_turn();
    return {};
  }
  if (is_full()) refusals_.add(TableRefusal::table_full);
  if (!keep_as_spare(*bucket, contact, now) || bucket->contacts().empty()) return {};
  FiledContact& oldest = bucket->contacts()[0];
  return now - oldest.answered < oldest_trusted ? TableAction{} : probe(oldest, now);
}

bool RoutingTable::keep_as_spare(Bucket& bucket, const Contact& contact, Instant now) {
  if (SpareContact* spare = find_spare(bucket, contact)) {
    spare->answered = now;
    bucket.move_spare_to_tail(*spare);
    return true;
  }
  const ContactHandle handle = book_.acquire(contact);
  if (handle == no_contact) {
    refusals_.add(TableRefusal::book_full);
    return false;
  }
  const ContactHandle dropped = bucket.append_spare({handle, now});
  if (dropped != no_contact) book_.release(dropped);
  return true;
}

TableAction RoutingTable::probe(FiledContact& filed, Instant now) {
  if (filed.probed_until > now) return {};
  filed.probed_until = now + probe_lifetime;
  filed.probes_failed = 0;
  return {TableAction::Kind::ping_oldest, book_.contact(filed.handle), {}};
}

std::bitset<id_bits> RoutingTable::occupied_ranges(const Id& without) const {
  std::bitset<id_bits> occupied;
  const uint32_t end = std::min(deepest_range().value_or(0) + 1, id_bits);
  for (uint32_t range = 0; range < end; ++range) {
    Id inside = self_;
    inside.bytes[range / 8] = static_cast<uint8_t>(inside.bytes[range / 8] ^ (0x80 >> (range % 8)));
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      std::array<ContactHandle, 2> found;
      const size_t count = nearest(inside, family, found);
      for (size_t i = 0; i < count; ++i) {
        const Id& id = book_.id(found[i]);
        if (id != without && tree_.range_of(id) == range) occupied.set(range);
      }
    }
  }
  return occupied;
}

uint64_t RoutingTable::network_size() const {
  std::array<ContactHandle, bucket_size> found;
  uint64_t size = 1;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const size_t count = nearest(self_, family, found);
    if (count < bucket_size) {
      size += count;
      continue;
    }
    static_assert(bucket_size >= 2, "an estimate from one distance would be 0");
    const uint64_t reach = distance(self_, book_.id(found.back())).leading_word() | 1;
    const double estimate = (bucket_size - 1) * 0x1p64 / static_cast<double>(reach);
    size += static_cast<uint64_t>(std::min(estimate, network_size_max));
  }
  return size;
}

size_t RoutingTable::count_nearer(const Id& key, const Id& id, size_t at_most) const {
  std::array<ContactHandle, 64> near;
  CHECK(at_most <= near.size());
  size_t count = 0;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const size_t found = nearest(key, family, std::span(near).first(at_most - count));
    for (size_t i = 0; i < found && nearer(key, book_.id(near[i]), id); ++i) ++count;
  }
  CHECK(count <= at_most);
  return count;
}

}  // namespace xord
