// RoutingTable: one shard's part of the routing table (paper 2.2, 2.4, 4.1, 4.2). It admits,
// refreshes, replaces and drops the contacts of the buckets it owns; of all others it holds a
// replica (node/routing/contact_replica.h), so that any shard answers from its own memory. It sends
// nothing: when a decision needs a ping, it says so. Fixed size; whatever finds no room is counted.
//
// Where it departs from the paper: a contact enters only by a pong (a request's source may be
// forged); silence makes a contact unanswerable long before its fifth failure makes it stale; a
// ping before eviction that goes unanswered twice evicts at once.
//
// Dead contacts are not named: how soon a contact is believed gone depends on how long it has been
// up (paper 2.2). want() says which contacts to ping before or after an answer; the rule is in
// docs/ARCHITECTURE.md.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "node/budget.h"
#include "node/contact_book.h"
#include "node/operation_result.h"
#include "node/routing/bucket.h"
#include "node/routing/bucket_tree.h"
#include "node/routing/contact_replica.h"
#include "node/routing/recent_filter.h"
#include "node/routing_config.h"
#include "node/subnet_limits.h"
#include "reactor/base/check.h"
#include "reactor/base/counters.h"
#include "reactor/base/rng.h"
#include "reactor/base/timer_wheel.h"

namespace xord {

// What we know of a contact, and how: only an answer proves an address, and only a pong names its
// sender.
enum class Evidence : uint8_t {
  queried_us,  // A request came from its endpoint.
  answered,    // It answered a request of ours, not a ping: the endpoint is proven, not the id.
  ponged,      // It answered a ping of ours, with this id.
};

// What the node should do for the table.
struct TableAction {
  enum class Kind : uint8_t {
    none,
    ping_newcomer,  // There would be room for `contact` if it ponged.
    ping_oldest,    // Others want its place: does it still answer?
    ping_upkeep,    // It has not ponged for a long time, or not in this run.
    ping_silent,    // It was silent before: sent once, not retried.
    ping_named,     // An answer names it, or would: sent once, not retried.
    refresh,        // Look up `target`: there was no lookup in its range for an hour.
  } kind = Kind::none;
  Contact contact;
  Id target;
};

// Why a contact that ponged was not filed, or a change not made.
#define XORD_TABLE_REFUSALS(X)                                                         \
  X(table_full, counter, "Contacts not filed: contacts-max is reached.")               \
  X(buckets_full, counter, "Contacts not filed: all buckets are in use.")              \
  X(book_full, counter, "Contacts not filed: no room for another contact.")            \
  X(subnet, counter,                                                                   \
    "Contacts not filed: their subnet has its share of the bucket or of the table.")   \
  X(share, counter,                                                                    \
    "Contacts not filed, or dropped: a wide prefix has its share, and others exist.")  \
  X(replica_full, counter, "Contacts filed by another shard that found no room here.") \
  X(changes_full, counter, "Changes not made: too many wait to be sent to the other shards.")
#define XORD_REFUSAL_INFO(name, kind, help) {"refused_" #name, CountKind::kind, help},

enum class TableRefusal : uint8_t { XORD_TABLE_REFUSALS(XORD_COUNT_ENUMERATOR) count };

// In the order of the enum.
inline std::span<const CountInfo> info_of(TableRefusal) {
  static constexpr CountInfo infos[] = {XORD_TABLE_REFUSALS(XORD_REFUSAL_INFO)};
  return infos;
}

class RoutingTable {
 public:
  // `book` is borrowed; it needs room for contacts_max and for up to as many spares.
  RoutingTable(const RoutingConfig& config, const Id& self, ShardIndex shard, uint32_t shards,
               ContactBook& book, Instant start);
  ~RoutingTable();  // Releases its contacts in the book.
  RoutingTable(const RoutingTable&) = delete;
  RoutingTable& operator=(const RoutingTable&) = delete;

  // The shard whose table owns the bucket of `id`: (bits shared with our id) mod shards, regardless
  // of the table's contents.
  ShardIndex owner_of(const Id& id) const {
    return static_cast<ShardIndex>(tree_.range_of(id) % shards_);
  }

  // --- For the owner of the contact's bucket only.

  // Records what we learned about `contact`. The only way in, so every admission rule is here.
  TableAction observe(const Contact& contact, Evidence evidence, Instant now);
  // A call to `contact` expired, or its answer was malformed.
  TableAction failed(const Contact& contact, Instant now);
  // An answer names `contact`, or awaits it. Returns ping_named when a ping is due: at most once
  // per named_trust_min, however many ask.
  TableAction want(const Contact& contact, Instant now);
  // The ping that want() asked for could not be sent.
  void not_asked(const Contact& contact, Instant now);
  // Another id now lives at the endpoint of `contact`, so `contact` is gone.
  void displaced(const Contact& contact, Instant now);
  // A contact saved by an earlier run, in which it last answered at `answered`. The limits by
  // prefix are not applied: it was admitted under them. What is over its share is dropped at the
  // next upkeep of its bucket.
  void restore(const Contact& contact, Instant answered, Instant now);

  // --- For every shard.

  // Applies a change made by another shard's table. May make changes of its own.
  void apply(const ContactChange& change, Instant now);

  // The answerable contacts nearest to `target`, nearest first, for an answer: only of the asker's
  // family, and never the asker's own endpoint or id. Those in `arrived` are not left out.
  Nearest nearest(const Id& target, const Contact& asker, Awaited awaited,
                  std::span<const ContactHandle> arrived, std::span<ContactHandle> out) const {
    return replica_.nearest(family_of(asker.endpoint), target, asker, awaited, arrived, out);
  }
  // As ContactReplica: the contacts that answered us for the first time after `begin`.
  std::span<const ContactHandle> arrived_since(Instant begin) const {
    return replica_.arrived_since(begin);
  }
  // For our own use: all answerable contacts of one family. A request to one is as good as a ping.
  size_t nearest(const Id& target, Family family, std::span<ContactHandle> out) const {
    return replica_.nearest(family, target, {self_, {}}, Awaited::included, {}, out).count;
  }
  // For a contact that nearest() found.
  Standing standing(ContactHandle contact) const { return replica_.standing(contact); }
  // As ContactReplica: contacts that were awaited and no longer are.
  std::span<const uint64_t> decided() const { return replica_.decided(); }
  void clear_decided() { replica_.clear_decided(); }
  uint64_t key_of(const Contact& contact) const { return replica_.key_of(contact); }
  // How many answerable contacts of both families are nearer to `key` than `id` is, counting up to
  // `at_most`, which is at most 64.
  size_t count_nearer(const Id& key, const Id& id, size_t at_most) const;
  // Whether fewer than k of the contacts we know are nearer to `key` than we are.
  bool is_self_among_nearest(const Id& key) const {
    return count_nearer(key, self_, bucket_size) < bucket_size;
  }
  // As ContactReplica.
  bool is_answerable_at(const Endpoint& endpoint) const {
    return replica_.is_answerable_at(endpoint);
  }
  bool is_filed(const Contact& contact) const { return replica_.find(contact) != no_contact; }
  uint32_t count() const { return replica_.count(); }
  uint32_t buckets_count() const { return tree_.count(); }  // Of this shard.
  uint32_t answerable_count() const { return replica_.answerable_count(); }

  // When the oldest arrival that is kept came. An arrival is a contact that entered a bucket, on
  // any shard, and did not come from an earlier run. At most arrivals_max are kept.
  std::optional<Instant> arrived_at() const {
    return arrivals_.empty() ? std::nullopt : std::optional(arrived_at_);
  }
  // Takes one arrival out.
  std::optional<Contact> take_arrival() {
    if (arrivals_.empty()) return std::nullopt;
    const Contact contact = arrivals_.back();
    arrivals_.pop_back();
    return contact;
  }
  // The longest prefix that a contact we know shares with us; empty when we know none.
  std::optional<uint32_t> deepest_range() const;
  // The ranges, by bits shared with our id, with an answerable contact other than `without`.
  std::bitset<id_bits> occupied_ranges(const Id& without) const;
  // The number of nodes in the network, estimated from the distance d of the k-th nearest contact,
  // as a fraction of the id space: (k - 1) / d is unbiased, and accurate to about a fifth.
  uint64_t network_size() const;

  // A lookup of `target` has begun: its bucket needs no refresh for an hour.
  void note_lookup(const Id& target, Instant now);
  // Calls act(const TableAction&) for everything that is due.
  template <class Act>
  void advance(Instant now, Rng& rng, Act&& act) {
    timers_.advance(now, [&](TimerId timer) {
      Actions actions;
      const size_t count = look_after(timer, now, rng, actions);
      CHECK(count <= actions.size());
      for (size_t i = 0; i < count; ++i) act(static_cast<const TableAction&>(actions[i]));
    });
  }
  std::optional<Instant> next_wakeup() const { return timers_.next_wakeup(); }

  // Changes not yet sent to the other shards, oldest first; already applied here. Always empty with
  // one shard. Bounded: while it is full, nothing is admitted.
  std::span<const ContactChange> changes() const { return changes_; }
  // The first `count` of them have been sent to every other shard.
  void changes_sent(size_t count) {
    CHECK(count <= changes_.size());
    changes_.erase(changes_.begin(), changes_.begin() + static_cast<ptrdiff_t>(count));
  }

  // Changes whenever a contact enters or leaves a bucket of this shard.
  uint64_t version() const { return version_; }
  // Calls visit(const Contact&, Instant answered_last) for each contact in a bucket of this shard.
  template <class Visit>
  void for_each_own_contact(Visit&& visit) const {
    for (uint32_t i = 0; i < tree_.count(); ++i) {
      for (const FiledContact& filed : tree_.at(i).contacts()) {
        visit(book_.contact(filed.handle), filed.answered);
      }
    }
  }
  // For reports: rows about the contacts of this shard's buckets in the order of their distance
  // from `near`, those nearer than `from` left out; about the buckets, the farthest from our id
  // first. At most out.size() rows and page_visits_max ranges; `next` is where to continue, or
  // empty at the end. A row's round trip is left to the caller.
  struct Listed {
    size_t count = 0;
    std::optional<Id> next;
  };
  // What the table's limits by prefix say of `address`, on any shard.
  void describe(const IpAddress& address, SourceHead* head) const;
  Listed list_contacts(const Id& near, const Id& from, Instant now,
                       std::span<ContactRow> out) const;
  Listed list_buckets(const Id& from, Instant now, std::span<BucketRow> out) const;
  const Counters<TableRefusal>& refusals() const { return refusals_; }
  // For tests: aborts if an invariant is broken.
  void check_invariants() const;

 private:
  static constexpr size_t actions_max = 4;
  using Actions = std::array<TableAction, actions_max>;
  static constexpr size_t changes_max = 1024;
  static constexpr size_t arrivals_max = 64;
  // The most that one call makes: a split that makes room for all spares, and the newcomer.
  static constexpr size_t changes_per_call = 2 * bucket_size;
  static_assert(changes_per_call > Bucket::spares_max && changes_per_call <= changes_max);

  // --- Admission: routing_table.cc.
  bool may_be_filed(const Contact& contact) const;
  bool is_full() const { return replica_.count() >= config_.contacts_max; }
  bool has_room_for_changes() const {
    return shards_ == 1 || changes_.size() + changes_per_call <= changes_max;
  }
  // Whether its subnet's limits leave room for `contact` once `leaving` (if not null) has left.
  bool is_within_limits(const Bucket* bucket, const Contact& contact,
                        const FiledContact* leaving) const;
  FiledContact* find(Bucket& bucket, const Id& id);
  SpareContact* find_spare(Bucket& bucket, const Contact& contact);

  void heard_of_filed(Bucket& bucket, FiledContact& filed, Evidence evidence, Instant now);
  TableAction heard_of_newcomer(const Contact& contact, Evidence evidence, Instant now);
  bool is_wanted(const Bucket* bucket, const Contact& contact, Instant now) const;
  TableAction admit(const Contact& contact, Instant now);
  TableAction wait_for_holder(Bucket& bucket, FiledContact& holder, const Contact& contact,
                              Instant now);
  TableAction take_place(const Contact& contact, Instant now);
  void displace_former(const Contact& contact, Instant now);
  // The contact that this shard has filed at the endpoint of `contact` under another id.
  ContactHandle own_other_at(const Contact& contact) const;
  bool keep_as_spare(Bucket& bucket, const Contact& contact, Instant now);
  TableAction probe(FiledContact& filed, Instant now);

  // --- Shares of wide prefixes: routing_shares.cc.
  // What `contact` has, or would have, beside the others of its wide prefixes.
  enum class Share : uint8_t {
    within,
    over_alone,  // More than a share, but there are too few others to take its place.
    over,
  };
  // `contact` itself does not count, nor does `leaving` (if not null), nor does whatever `contact`
  // would replace. `bucket`, if not null, is that of its id.
  Share share_of(const Bucket* bucket, const Contact& contact, const FiledContact* leaving) const;
  Share share_of(size_t level, const Bucket* bucket, const Contact& contact,
                 const FiledContact* leaving) const;
  bool has_share_of_nearest(size_t level, const Bucket* bucket, const Contact& contact,
                            const FiledContact* leaving) const;
  // The contact seen least recently that has to give way to `newcomer` at once, or null.
  const FiledContact* over_share_for(const Bucket& bucket, const Contact& newcomer) const;
  // Removes what is over its share, while there are others.
  void shed(Bucket& bucket);
  // Does so in one bucket, the next one each time.
  void shed_in_turn();

  // --- Places: routing_places.cc.
  Bucket* make_bucket(const Id& id, Instant now);
  // The bucket of `id`, split while it is full and a split helps; null when no bucket is free.
  Bucket* bucket_with_room(const Id& id, Instant now);
  bool file(Bucket& bucket, const FiledContact& filed, Instant now);
  void remove(Bucket& bucket, FiledContact& filed);
  void forget_spare(Bucket& bucket, const Contact& contact);
  void forget_spares_at(Bucket& bucket, const Endpoint& endpoint);
  SpareContact* choose_spare(Bucket& bucket, const FiledContact* leaving);
  void promote(Bucket& bucket, SpareContact& spare, Instant now);
  void fill_from_spares(Bucket& bucket, Instant now);
  static Standing standing(const FiledContact& filed, Instant now);
  void tell(ContactChange::Kind kind, const Contact& contact);
  void note_arrival(const Contact& contact, Instant now);
  // Updates the contact's standing in the replica, and tells the other shards if it changed.
  void settle(FiledContact& filed, Instant now);

  // --- Naming: routing_naming.cc.
  bool may_ping_named(Standing standing, Instant now);
  void trust(FiledContact& filed, Instant now);
  void end_wait(FiledContact& filed, Instant now);

  // --- Reports: routing_lists.cc.
  ContactRow row_of(const FiledContact& filed, Instant now) const;
  BucketRow row_of(const Bucket& bucket, Instant now) const;

  // --- Upkeep: routing_upkeep.cc.
  size_t look_after(TimerId timer, Instant now, Rng& rng, Actions& actions);
  size_t look_after_empty_ranges(Instant now, Rng& rng, Actions& actions);
  Duration refresh_interval(uint32_t index) const;
  Instant due_at(const Bucket& bucket, Instant now) const;
  void arm(const Bucket& bucket, Instant now);
  TimerId ranges_timer() const { return static_cast<TimerId>(config_.buckets_max); }

  RoutingConfig config_;
  Id self_;
  ShardIndex shard_;
  uint32_t shards_;
  ContactBook& book_;
  ContactReplica replica_;
  BucketTree tree_;
  std::vector<Instant> empty_refresh_at_;  // For ranges without a bucket.
  TimerWheel timers_;                      // One per bucket, and one for the empty ranges.
  RecentFilter pinged_;
  Instant named_paid_to_ = Instant::min();  // GCRA: how far ahead pings for answers are.
  std::vector<ContactChange> changes_;      // At most changes_max, reserved at construction.
  std::vector<Contact> arrivals_;           // At most arrivals_max, reserved at construction.
  Instant arrived_at_;
  uint32_t shed_next_ =
      0;  // The bucket that the next admission relieves of what is over its share.
  uint32_t restored_count_ = 0;
  uint64_t version_ = 0;
  Counters<TableRefusal> refusals_;
};

// A contact's own requests keep its place in the order only if it answered in the last 15 minutes;
// a restored contact is handed out only while its last answer is younger than that.
constexpr Duration answer_fresh = minutes(15);
// A contact that has not ponged for this long is pinged: 36 pings a second for 65,536 contacts, one
// in 5 s for 400. Half the interval would cost twice as much and find dead contacts, and those
// restarted under another id, 15 minutes earlier. Meanwhile each asker that is handed one loses an
// adaptive timeout on it, or a place among its k nearest.
constexpr Duration upkeep_after = minutes(30);
// An upkeep ping that could not be sent is tried again after this.
constexpr Duration upkeep_retry = minutes(1);
static_assert(upkeep_retry < upkeep_after);
// Restored contacts are pinged in turn, 200 a second: 65,536 within six minutes, before the last of
// them would stop being answerable.
constexpr Duration restored_pace = milliseconds(5);
static_assert(restored_pace * int64_t{RoutingConfig{}.contacts_max} < answer_fresh);
// A bucket with no lookup in its range for this long is refreshed (tRefresh), give or take a tenth,
// so that buckets created together are not refreshed together.
constexpr Duration refresh_after = hours(1);
// How often ranges without a bucket are checked.
constexpr Duration empty_ranges_check = minutes(5);
// Consecutive failures after which a contact is stale (paper 4.1).
constexpr uint8_t failures_max = 5;
// Consecutive failures up to which a contact may still be named, if it answers first.
constexpr uint8_t failures_answerable_max = 1;
static_assert(failures_answerable_max < failures_max, "it is silent before it is stale");
// A bucket's oldest is pinged on behalf of newcomers only if it has not answered for this long.
constexpr Duration oldest_trusted = minutes(1);
// Time limit for a ping before eviction: two transactions, the second begun before 5 s.
constexpr Duration probe_lifetime = seconds(12);
static_assert(probe_lifetime > transaction_lifetime * 2);
// Unanswered probes that evict a contact: the ping and one retry.
constexpr uint8_t probes_max = 2;
// Back-off of pings to silent contacts (checklist 39): a minute after the first failure, doubled
// with each further one.
constexpr Duration backoff_min = minutes(1);
constexpr Duration backoff_max = hours(1);
static_assert(backoff_min < backoff_max);

// ---- Naming.

// A contact that has been up for less than this is young: named only if it answers first. A program
// that joins, sets or gets and leaves is gone well before that; a server costs one ping more.
constexpr Duration youth = minutes(1);
// How long an answer waits for the contacts it awaits, whatever their round trips. With 250 ms,
// three quarters of the live ones are named where round trips take 200 ms.
constexpr Duration naming_wait = milliseconds(500);
static_assert(naming_wait < transaction_lifetime, "an answer after the wait still counts");
// A contact that answered later than this is not awaited the next time: named at once, while alive.
constexpr Duration naming_slow = milliseconds(250);
static_assert(naming_slow < naming_wait, "an answer in time may be slow");
// A young contact that answered such a ping is named at once for a tenth of its uptime, and at
// least this long: a peer that asks after a program has left must not be given its name.
constexpr Duration named_trust_min = milliseconds(600);
constexpr int64_t named_trust_share = 10;
static_assert(named_trust_min > naming_wait, "an answer counts for all who waited for it");
// A contact that was up for an hour is named without a ping for this long after its last answer;
// others for longer or shorter with the square root of their uptime, at most trust_max.
constexpr Duration trust_after_an_hour = seconds(288);
constexpr Duration trust_max = minutes(15);
static_assert(trust_after_an_hour < trust_max);

}  // namespace xord
