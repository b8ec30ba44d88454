// How one shard keeps records where they belong (paper 2.5, checklist 26 to 31).
//
// Republishing: a due record requests the region of its key. The owner of the key's bucket finds
// the region for all shards, with one lookup and its survey; each shard then stores its own due
// records of that region at the k nearest nodes. Keys that this node itself publishes each day go
// the same way. Records that were not served are due again later.
//
// Hand-over: a newcomer gets each record for which it is among the k nearest, from the holder
// nearest to the key and from no other. The scan of the ordered index skips whole ranges in which
// others are nearer: it visits only records of which we are the nearest holder, about one in k of
// those we hold, and never walks the whole store. Newcomers take turns, and one that answers no
// store gets three.
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

  // Requests the regions of due records, steps surveys that found no free slot, and continues the
  // stores at other nodes, for a bounded number of records per call.
  void advance(const Turn& turn);
  std::optional<Instant> next_wakeup() const;

  // Another shard wants the region of `key`, whose bucket is ours, to republish or to publish it;
  // or has found a region.
  void begin_region(const Turn& turn, LookupPurpose purpose, const Id& key);
  void accept_region(Instant now, const Region& region);
  // The lookup of a region's key has finished.
  void looked_up(const Turn& turn, PoolHandle survey, const Lookup& lookup);
  // Takes the outcome of a call with Purpose::survey.
  void take(const Turn& turn, const Outcome& outcome);
  // `contact` answered a store, even if late: a newcomer may be given more of what it lacks.
  void store_answered(Instant now, const Contact& contact);
  // The disk has read the value of an open record, or failed to.
  void value_read(const Turn& turn, PoolHandle record, const Found& found);
  void round_finished(const Turn& turn, PoolHandle round);

  uint32_t open_count() const { return replication_.open.taken_count(); }
  uint32_t surveys_count() const { return surveys_.taken_count(); }
  uint32_t regions_count() const { return replication_.regions.taken_count(); }
  uint32_t newcomers_count() const { return replication_.hand_overs.taken_count(); }
  // For tests: aborts if an invariant is broken.
  void check_invariants() const;

 private:
  // From the due record that requests a region until it is found: a lookup, then the survey.
  struct Surveying {
    explicit Surveying(const Budget& budget)
        : survey(std::min(budget.lookup_rows, region_contacts_max)) {}
    RegionSurvey survey;
    bool has_begun = false;
  };
  enum class Step : uint8_t { done, again, at_the_end };

  // --- Regions.
  void take_due(const Turn& turn);
  void want_region(const Turn& turn, LookupPurpose purpose, const Id& key);
  bool is_being_found(const Id& key) const;
  bool ask(const Turn& turn, PoolHandle survey, RegionSurvey::Row row);
  void step_survey(const Turn& turn, PoolHandle survey);
  void step_surveys(const Turn& turn);

  // --- Records.
  void replicate(const Turn& turn);
  bool has_calls_for_a_record() const;
  template <class MayStep>
  void step_regions(const Turn& turn, MayStep&& may_step);
  // Handles the next record of the region; false when there is none.
  bool step_region(const Turn& turn, RegionWork& work);
  void republish(const Turn& turn, const RegionWork& work, const ScannedRecord& record);
  void publish(const Turn& turn, const RegionWork& work, const ScannedRecord& record);
  // False when the disk cannot be asked for the value now.
  bool begin(const Turn& turn, const OpenRecord& open, const ScannedRecord& record,
             std::span<const Contact> targets);
  void send(const Turn& turn, PoolHandle record, Bytes value);
  void end(Instant now, PoolHandle record);

  // --- Hand-over: replicator_hand_over.cc.
  void take_arrivals(Instant now);
  template <class MayStep>
  bool step_hand_overs(const Turn& turn, MayStep&& may_step);
  // The newcomer whose turn it is to be given a record. Empty when there is none.
  std::optional<PoolHandle> hand_over_in_turn(Instant now);
  bool begin_hand_over(HandOver& hand_over);
  // Handles the next record that the newcomer may be given; `again` means no room now.
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
