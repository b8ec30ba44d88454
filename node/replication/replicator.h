// What one shard does so that records stay where they belong (paper 2.5, checklist 26 to 31).
//
// Republishing: a record that is due wants the region of its key; the owner of the key's bucket
// finds the region, with one lookup and its survey, for all shards; each then stores what is due of
// its own in that region at the k nearest nodes. So does what this node publishes itself each day.
// What is not served is due again later.
//
// Hand-over: a newcomer gets each record for which it is among the k nearest, from the holder
// nearest to the key and from no other. Found by a scan of the ordered index that steps over whole
// ranges in which others are nearer: it meets the records that we are the nearest holder of, about
// one in k of what we hold, and never walks the store. Newcomers take turns, and one that answers
// no store gets three.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "node/calls/requester.h"
#include "node/disk_waits.h"
#include "node/lookup/lookups.h"
#include "node/node_context.h"
#include "node/operations/store_rounds.h"
#include "node/replication/region.h"
#include "node/replication/replication.h"
#include "node/routing/contacts.h"
#include "node/routing/recent_filter.h"
#include "node/turn.h"
#include "reactor/base/fixed_pool.h"
#include "storage/store.h"

namespace xord {

class Replicator {
 public:
  // All but `node` are borrowed. `published` is the list of what this node publishes, or null.
  Replicator(const NodeContext& node, Requester& requester, Contacts& contacts, Lookups& lookups,
             StoreRounds& rounds, Store& store, Store* published, DiskWaits& waits, Instant start);

  // Wants the regions of what is due, steps surveys that found no free slot, and goes on with what
  // is to be stored elsewhere, a bounded number of records a call.
  void advance(const Turn& turn);
  std::optional<Instant> next_wakeup() const;

  // Another shard wants the region of `key`, whose bucket is ours; or has found one.
  void begin_region(const Turn& turn, const Id& key);
  void accept_region(Instant now, const Region& region);
  // The lookup of a region's key has finished.
  void looked_up(const Turn& turn, PoolHandle survey, const Lookup& lookup);
  // Of a call with Purpose::survey.
  void take(const Turn& turn, const Outcome& outcome);
  // `contact` answered a store, if late: if it is a newcomer, what it still lacks may follow.
  void store_answered(Instant now, const Contact& contact);
  // The disk has read the value of an open record, or has not.
  void value_read(const Turn& turn, PoolHandle record, const Found& found);
  void round_finished(const Turn& turn, PoolHandle round);

  uint32_t open_count() const { return replication_.open.taken_count(); }
  uint32_t surveys_count() const { return surveys_.taken_count(); }
  uint32_t regions_count() const { return replication_.regions.taken_count(); }
  uint32_t newcomers_count() const { return replication_.hand_overs.taken_count(); }

 private:
  // From the due record that wants it to the region found: first a lookup, then the survey.
  struct Surveying {
    explicit Surveying(const Budget& budget)
        : survey(std::min(budget.lookup_rows, region_contacts_max)) {}
    RegionSurvey survey;
    bool is_begun = false;
  };
  enum class Step : uint8_t { done, again, at_the_end };

  // --- Regions.
  void take_due(const Turn& turn);
  void want_region(const Turn& turn, const Id& key);
  bool is_being_found(const Id& key) const;
  bool ask(const Turn& turn, PoolHandle survey, RegionSurvey::Row row);
  void step_survey(const Turn& turn, PoolHandle survey);
  void step_surveys(const Turn& turn);

  // --- Records.
  void replicate(const Turn& turn);
  bool has_calls_for_a_record() const;
  template <class MayStep>
  void step_regions(const Turn& turn, MayStep&& may_step);
  // Looks at the next record of the region; false when there is none.
  bool step_region(const Turn& turn, RegionWork& work);
  void republish(const Turn& turn, const RegionWork& work, const ScannedRecord& record);
  void publish(const Turn& turn, const RegionWork& work, const ScannedRecord& record);
  // False when the disk cannot be asked for its value now.
  bool begin(const Turn& turn, const OpenRecord& open, const ScannedRecord& record,
             std::span<const Contact> targets);
  void send(const Turn& turn, PoolHandle record, Bytes value);
  void end(Instant now, PoolHandle record);

  // --- Hand-over: replicator_hand_over.cc.
  void take_arrivals(Instant now);
  template <class MayStep>
  bool step_hand_overs(const Turn& turn, MayStep&& may_step);
  // The newcomer whose turn it is: it may be given a record. Empty when there is none.
  std::optional<PoolHandle> hand_over_in_turn(Instant now);
  bool begin_hand_over(HandOver& hand_over);
  // Looks at the next record that the newcomer may be given; `again`: there is no room now.
  Step step_hand_over(const Turn& turn, PoolHandle handle);

  const NodeContext node_;
  Requester& requester_;
  Contacts& contacts_;
  Lookups& lookups_;
  StoreRounds& rounds_;
  Store& store_;
  Store* const published_;
  DiskWaits& waits_;
  FixedPool<Surveying> surveys_;
  std::optional<Instant> postponed_until_;  // Surveys that found no free slot for a call.
  Replication replication_;
  RecentFilter handed_;
};

}  // namespace xord
