// RoutingTable: one shard's part of the routing table (paper 2.2, 2.4, 4.1, 4.2). For the buckets
// it owns it admits, refreshes, replaces and drops contacts; of all others it holds a replica
// (node/contact_replica.h), so that any shard answers from its own memory. It sends nothing: when a
// decision needs a ping, it says so.
//
// Ranges along the own id are laid out from the start, one for each length of shared prefix, so
// that the shard that owns a bucket never changes: the paper's splitting of the own range leads to
// the same ranges and keeps no contact that this layout would not keep. Within a range a full
// bucket is split by up to b - 1 = 4 further bits (4.2).
//
// Where it departs from the paper: a contact enters only by a pong (a request's source may be
// forged); silence makes a contact unanswerable at the second failure, long before it is stale at
// the fifth; a ping before eviction that stays silent twice evicts at once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "node/bucket.h"
#include "node/budget.h"
#include "node/contact_book.h"
#include "node/contact_replica.h"
#include "node/recent_filter.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/rng.h"
#include "reactor/base/timer_wheel.h"

namespace xord {

// What we know of a contact, and how: only an answer proves an address, and only a pong names its
// sender.
enum class Evidence : uint8_t {
  mentioned,   // A third party named it.
  queried_us,  // A request came from there.
  answered,    // It answered a request of ours, not a ping: the endpoint is proven, not the id.
  ponged,      // It answered a ping of ours, with this id.
};

struct RoutingConfig {
  uint32_t contacts_max = 65'536;  // Filed, on all shards together.
  uint32_t buckets_max = 4'096;    // Of this shard, 1.8 KB each.
  uint32_t recent_pings = 4'096;   // Newcomers pinged in the last minute.
  uint64_t seed = 0;               // Secret.
  Id client_id;                    // Shared by all xord client commands: never filed.

  // Of the contacts in a network of 100,000 nodes, 400 are filed.
  static RoutingConfig simulated() {
    RoutingConfig config;
    config.contacts_max = 800;
    config.buckets_max = 64;
    config.recent_pings = 256;
    return config;
  }
};

// What the node should do for the table.
struct TableAction {
  enum class Kind : uint8_t {
    none,
    ping_newcomer,  // There would be room for `contact` if it ponged.
    ping_oldest,    // Its bucket is full and others wait: does it still answer?
    ping_upkeep,    // It has not answered for long, or not in this run.
    refresh,        // Look up `target`: nobody looked in its range for an hour.
    displaced,      // `contact` is not there any more: its endpoint ponged with another id.
  } kind = Kind::none;
  Contact contact;
  Id target;
};

class RoutingTable {
 public:
  // `book` is borrowed.
  RoutingTable(const RoutingConfig& config, const Id& self, ShardIndex shard, uint32_t shards,
               ContactBook& book, Instant start);
  ~RoutingTable() = default;
  RoutingTable(const RoutingTable&) = delete;
  RoutingTable& operator=(const RoutingTable&) = delete;

  // The shard whose table owns the bucket of `id`.
  ShardIndex owner_of(const Id& id) const;

  // --- For the owner of the contact's bucket only.

  // Records what was learnt about `contact`. The only way in, so every rule of admission is here.
  TableAction observe(const Contact& contact, Evidence evidence, Instant now);
  // A transaction with `contact` reached 5 s, or it answered nonsense.
  TableAction failed(const Contact& contact, Instant now);
  // Another id lives at the endpoint of `contact`: it is gone.
  void displaced(const Contact& contact, Instant now);
  // A contact saved by an earlier run, in which it answered last at `answered`.
  void restore(const Contact& contact, Instant answered, Instant now);

  // --- For every shard.

  // A change that another shard's table made.
  void apply(const ContactChange& change) { replica_.apply(change); }

  // The answerable contacts nearest to `target`, nearest first: of the asker's family and without
  // the asker's own endpoint; or all of one family.
  size_t nearest(const Id& target, const Endpoint& asker, std::span<ContactHandle> out) const {
    return replica_.nearest(family_of(asker), target, asker, out);
  }
  size_t nearest(const Id& target, Family family, std::span<ContactHandle> out) const {
    return replica_.nearest(family, target, Endpoint{}, out);
  }
  uint32_t count() const { return replica_.count(); }
  uint32_t answerable_count() const { return replica_.answerable_count(); }

  // A lookup of `target` began: its bucket needs no refresh for an hour.
  void note_lookup(const Id& target, Instant now);
  // Calls act(const TableAction&) for what is due.
  template <class Act>
  void advance(Instant now, Rng& rng, Act&& act) {
    timers_.advance(now, [&](TimerId timer) { look_after(timer, now, rng, act); });
  }
  std::optional<Instant> next_wakeup() const { return timers_.next_wakeup(); }

  // Changes made since clear_changes(), for the other shards; applied here already.
  std::span<const ContactChange> changes() const { return changes_; }
  void clear_changes() { changes_.clear(); }
  // Changes whenever a contact enters or leaves a bucket of this shard.
  uint64_t version() const { return version_; }
  // visit(const Contact&, Instant answered_last) for each contact in a bucket of this shard.
  template <class Visit>
  void for_each_own_contact(Visit&& visit) const {
    for (uint32_t i = 0; i < buckets_.slots_max(); ++i) {
      const auto handle = buckets_.taken_at(i);
      if (!handle) continue;
      for (const FiledContact& filed : buckets_[*handle].contacts()) {
        visit(book_.contact(filed.handle), filed.answered);
      }
    }
  }
  // For tests: aborts with what does not hold.
  void check_invariants() const;

 private:
  static constexpr uint32_t split_bits = 4;  // b - 1.
  static constexpr uint32_t leaves = 1u << split_bits;
  static constexpr uint16_t no_bucket = UINT16_MAX;

  // The bucket of each of a range's 16 finest parts: a coarser bucket stands in several.
  struct Range {
    std::array<uint16_t, leaves> buckets;
  };

  bool may_be_filed(const Contact& contact) const;
  uint32_t range_of(const Id& id) const { return shared_prefix(self_, id); }
  static uint32_t leaf_of(const Id& id, uint32_t range);
  Bucket* find_bucket(const Id& id);
  Bucket* make_bucket(const Id& id, Instant now);
  PoolHandle handle_of(const Bucket& bucket) const;
  bool split(Bucket& bucket, Instant now);
  void place(const Bucket& bucket, uint16_t index);
  FiledContact* find(Bucket& bucket, const Id& id);

  TableAction heard_of_filed(Bucket& bucket, FiledContact& filed, const Contact& contact,
                             Evidence evidence, Instant now);
  TableAction heard_of_newcomer(const Contact& contact, Evidence evidence, Instant now);
  TableAction admit(const Contact& contact, Instant now);
  TableAction file(Bucket& bucket, const Contact& contact, Instant now);
  TableAction keep_as_spare(Bucket& bucket, const Contact& contact, Instant now);
  void forget_spare(Bucket& bucket, const Contact& contact);
  void drop(Bucket& bucket, FiledContact& filed, Instant now);
  bool promote_spare(Bucket& bucket, const Id* preferred, Instant now);
  void set_answerable(FiledContact& filed, bool is_answerable);
  void tell(ContactChange::Kind kind, const Contact& contact);

  // Upkeep of one bucket.
  template <class Act>
  void look_after(TimerId timer, Instant now, Rng& rng, Act&& act);
  Instant due_at(const Bucket& bucket, Instant now) const;
  static Instant ping_due_at(const FiledContact& filed);
  Id random_id_in(const Bucket& bucket, Rng& rng) const;
  void arm(const Bucket& bucket, Instant now);

  RoutingConfig config_;
  Id self_;
  ShardIndex shard_;
  uint32_t shards_;
  ContactBook& book_;
  ContactReplica replica_;
  FixedPool<Bucket> buckets_;
  std::vector<Range> ranges_;  // By shared prefix; grown to id_bits at construction.
  TimerWheel timers_;          // One a bucket.
  RecentFilter pinged_;
  std::vector<ContactChange> changes_;  // At most changes_max, reserved at construction.
  uint64_t version_ = 0;

 public:
  // Changes that one call may make; the caller takes them after each.
  static constexpr uint32_t changes_max = 1024;
};

// A random id that shares exactly `range` bits with `self`, 0..159.
Id random_id_in_range(const Id& self, uint32_t range, Rng& rng);

// A contact that answered in this run keeps its place in the order by requests of its own only if
// it answered in the last 15 minutes; a restored one is handed out only while its answer is
// younger.
constexpr Duration answer_fresh = minutes(15);
// A contact that has not answered for so long is pinged: 36 pings a second for 65,536 contacts.
constexpr Duration upkeep_after = minutes(30);
// Buckets without a lookup in their range for so long are refreshed (tRefresh), give or take a
// tenth, so that nodes that joined together do not refresh together.
constexpr Duration refresh_after = hours(1);
// Failures in a row after which a contact is stale (paper 4.1).
constexpr uint8_t failures_max = 5;
// A bucket's oldest is pinged for the sake of newcomers only if it has not answered for so long.
constexpr Duration oldest_trusted = minutes(1);
// A ping before eviction is decided by then: two transactions, the second begun before 5 s.
constexpr Duration probe_lifetime = seconds(12);
// Back-off of upkeep pings: 15 s after the first failure, doubled with each, at most an hour.
constexpr Duration backoff_min = seconds(15);
constexpr Duration backoff_max = hours(1);

template <class Act>
void RoutingTable::look_after(TimerId timer, Instant now, Rng& rng, Act&& act) {
  const auto handle = buckets_.taken_at(static_cast<uint32_t>(timer));
  if (!handle) return;
  Bucket& bucket = buckets_[*handle];
  if (changes_.size() + bucket_size > changes_max) {  // Others were due too: in the next call.
    timers_.arm(timer, now);
    return;
  }
  for (FiledContact& filed : bucket.contacts()) {
    if (!filed.answered_in_this_run && filed.is_answerable &&
        now - filed.answered >= answer_fresh) {
      set_answerable(filed, false);
    }
  }
  // Two at a time, a second apart: a restart with thousands of contacts is no burst.
  uint32_t pings = 0;
  for (FiledContact& filed : bucket.contacts()) {
    if (pings == 2 || ping_due_at(filed) > now) continue;
    filed.quiet_until = now + minutes(1);  // Until its outcome sets another time.
    ++pings;
    act(TableAction{TableAction::Kind::ping_upkeep, book_.contact(filed.handle), {}});
  }
  if (bucket.refresh_at <= now) {
    bucket.refresh_at = now + refresh_after;
    act(TableAction{TableAction::Kind::refresh, {}, random_id_in(bucket, rng)});
  }
  arm(bucket, now);
}

}  // namespace xord
