// Republish (paper 2.5, checklist 26 to 30, DESIGN section 7): a record that is due wants the
// region of its key; the owner of the key's bucket finds the region, with one lookup and its
// survey, for all shards; each then stores what is due of its own in that region at the k nearest
// nodes. What is not served comes due again by itself.
#include <algorithm>
#include <bit>

#include "node/node.h"

namespace xord {
namespace {

// Records that one call looks at: some 50 us.
constexpr uint32_t steps_max = 64;
// What found no free call, or no room to ask the disk, is tried again after so long.
constexpr Duration replication_retry = milliseconds(200);

}  // namespace

void Node::take_due(Instant now, Outputs& out) {
  while (const auto key = store_.take_due()) {
    // Only while we are among the k nearest that we know.
    if (table_.is_self_among_nearest(*key)) {
      want_region(now, *key, out);
    } else {
      store_.put_off(now, *key);
    }
  }
  if (published_ == nullptr) return;
  while (const auto key = published_->take_due()) want_region(now, *key, out);
}

void Node::want_region(Instant now, const Id& key, Outputs& out) {
  if (replication_.is_at(key)) return;
  const ShardIndex owner = table_.owner_of(key);
  if (owner == config_.shard) {
    begin_region(now, key, out);
  } else {
    tell(owner, RegionWantedMessage{{}, key}, out);
  }
}

// Whether a survey under way will probably find the region of `key` too. If it does not, the key
// is due again in a few minutes.
bool Node::is_being_found(const Id& key) const {
  const uint64_t regions = table_.network_size() / bucket_size;
  const auto depth = static_cast<uint32_t>(std::bit_width(regions | 1) - 1);
  for (uint32_t i = 0; i < surveys_.slots_max(); ++i) {
    const auto handle = surveys_.taken_at(i);
    if (handle && shared_prefix(surveys_[*handle].survey.target(), key) >= depth) return true;
  }
  return false;
}

void Node::begin_region(Instant now, const Id& key, Outputs& out) {
  counters_.node.set(NodeCounter::network_size, table_.network_size());
  if (table_.answerable_count() == 0 || replication_.is_at(key) || is_being_found(key)) return;
  // A lookup whose region is then refused would be in vain, just when there is much to do.
  if (!replication_.has_room_for_region(surveys_.taken_count())) return;
  const auto handle = surveys_.take();
  if (!handle) return;
  RunningSurvey& running = surveys_[*handle];
  running.survey.expect(key);
  running.is_begun = false;
  counters_.node.add(NodeCounter::region_lookups);
  if (!start_lookup(now, LookupKind::find_node, key, Reason::region, *handle, out)) {
    surveys_.give_back(*handle);
  }
}

void Node::survey_region(Instant now, PoolHandle survey, const Lookup& lookup, Outputs& out) {
  std::array<Contact, bucket_size> nearest;
  const size_t count = lookup.results(nearest);
  if (count == 0) {
    surveys_.give_back(survey);
    return;
  }
  surveys_[survey].survey.start(self_, std::span(nearest).first(count));
  surveys_[survey].is_begun = true;
  step_survey(now, survey, out);
}

void Node::step_survey(Instant now, PoolHandle handle, Outputs& out) {
  RegionSurvey& survey = surveys_[handle].survey;
  while (const auto row = survey.next()) {
    if (ask_for_neighbours(now, handle, *row, out)) continue;
    survey.postponed(*row);
    postpone(now);
    return;
  }
  if (!survey.is_finished()) return;
  const Region region = survey.region();
  surveys_.give_back(handle);
  if (region.depth == id_bits) counters_.node.add(NodeCounter::regions_alone);
  for (uint32_t shard = 0; shard < config_.shards; ++shard) {
    if (shard != config_.shard)
      tell(static_cast<ShardIndex>(shard), RegionMessage{{}, region}, out);
  }
  accept_region(now, region);
}

void Node::accept_region(Instant now, const Region& region) {
  const auto handle = replication_.regions.take();
  if (!handle) {
    counters_.node.add(NodeCounter::regions_refused);
    return;
  }
  replication_.regions[*handle] = {region, RegionWork::List::records, region.prefix};
  replication_.resume_at = now;
}

// A record's stores are up to k calls, and lookups and pings need some, too. Slots alone do not
// bound them: a silent node gives its slot back before its calls end.
bool Node::has_calls_for_a_record() const {
  const Budget& budget = config_.budget;
  return in_flight_.open_count() + bucket_size + budget.lookups * lookup_parallelism <=
         budget.requests_in_flight();
}

template <class MayStep>
void Node::step_regions(Instant now, MayStep&& may_step, Outputs& out) {
  for (uint32_t i = 0; i < replication_.regions.slots_max(); ++i) {
    const auto handle = replication_.regions.taken_at(i);
    while (handle && may_step()) {
      if (step_region(now, replication_.regions[*handle], out)) continue;
      replication_.regions.give_back(*handle);
      break;
    }
  }
}

template <class MayStep>
bool Node::step_hand_overs(Instant now, MayStep&& may_step, Outputs& out) {
  while (may_step()) {
    const auto handle = hand_over_in_turn(now);
    if (!handle) return true;
    const Step step = step_hand_over(now, *handle, out);
    if (step == Step::at_the_end) replication_.hand_overs.give_back(*handle);
    if (step == Step::again) return false;
  }
  return true;
}

void Node::replicate(Instant now, Outputs& out) {
  take_arrivals(now);
  replication_.resume_at.reset();
  uint32_t steps = 0;
  // One record a call: its k stores are what there is room for.
  const size_t sent = out.datagrams.entries().size();
  const auto may_step = [&] {
    const bool may = replication_.has_slot() && has_calls_for_a_record() && steps < steps_max &&
                     out.datagrams.entries().size() == sent;
    if (may) ++steps;
    return may;
  };
  bool is_stalled = !has_calls_for_a_record();
  replication_.hand_overs_first = !replication_.hand_overs_first;
  if (replication_.hand_overs_first) is_stalled |= !step_hand_overs(now, may_step, out);
  step_regions(now, may_step, out);
  if (!replication_.hand_overs_first) is_stalled |= !step_hand_overs(now, may_step, out);
  // One that has found nothing for long does not keep the others waiting.
  if (steps == steps_max) ++replication_.turn;
  // In the next turn: others are to have theirs. Without a slot, the one that ends resumes.
  const bool is_left = replication_.regions.taken_count() > 0 || hand_over_in_turn(now);
  if (!is_left && replication_.hand_overs.taken_count() > 0) {  // All wait for answers.
    replication_.resume_at = now + hand_over_patience;
  }
  if (!is_left || !replication_.has_slot()) return;
  replication_.resume_at = now + (is_stalled ? replication_retry : nanoseconds(1));
}

bool Node::step_region(Instant now, RegionWork& work, Outputs& out) {
  const bool is_list = work.list == RegionWork::List::published;
  Store& store = is_list ? *published_ : store_;
  const auto record = store.first_from(now, work.cursor);
  const auto next = record ? next_id(record->key) : std::nullopt;
  const bool is_inside = record && work.region.contains(record->key);
  if (is_inside && record->found.presence != Presence::absent) {
    is_list ? publish(now, work, *record, out) : republish(now, work, *record, out);
  }
  if (is_inside && next) {
    work.cursor = *next;
    return true;
  }
  if (is_list || published_ == nullptr) return false;
  work.list = RegionWork::List::published;
  work.cursor = work.region.prefix;
  return true;
}

// Rule 2 of DESIGN section 7: only what no store has reached for an hour, and only while we are
// among the k nearest. What is older than the ttl is not in the store any more.
void Node::republish(Instant now, const RegionWork& work, const ScannedRecord& record,
                     Outputs& out) {
  if (!store_.is_due(record.found.times, now)) return;
  std::array<Contact, bucket_size> nearest;
  size_t count = work.region.nearest(record.key, nearest);
  if (count == bucket_size && !nearer(record.key, self_, nearest.back().id)) {
    store_.put_off(now, record.key);
    return;
  }
  count = std::min<size_t>(count, bucket_size - 1);  // We are one of the k.
  begin_replication(now, OperationTask::republish, record, std::span(nearest).first(count), out);
}

// All that half of its day has passed for: so that the keys of a region are published together,
// whenever each was kept.
void Node::publish(Instant now, const RegionWork& work, const ScannedRecord& record, Outputs& out) {
  if (!published_->is_half_due(record.found.times, now)) return;
  std::array<Contact, bucket_size> nearest;
  const size_t count = work.region.nearest(record.key, nearest);
  begin_replication(now, OperationTask::publish, record, std::span(nearest).first(count), out);
}

// There is a slot. Without a value in memory, its stores leave when the disk has read it.
bool Node::begin_replication(Instant now, OperationTask task, const ScannedRecord& record,
                             std::span<const Contact> targets, Outputs& out, OperationId id) {
  const auto handle = operations_.take();
  if (!handle) return false;
  ++replication_.open_count;
  OngoingOperation& ongoing = operations_[*handle];
  ongoing.begin(id, task, record.key);
  ongoing.aim_at(targets);
  ongoing.room = record.value_size;
  replication_.open_bytes += ongoing.room;
  const bool is_list = task == OperationTask::publish;
  // A publisher's store says nothing of an age: it is published now.
  if (!is_list) ongoing.age = node_seconds(now) - record.found.times.published;
  if (record.found.presence == Presence::value) {
    replicate_value(now, *handle, record.found, out);
    return true;
  }
  Store& store = is_list ? *published_ : store_;
  const auto ticket =
      pending_.full() ? std::nullopt : store.begin_read(now, record.key, out.storage);
  if (!ticket) {
    end_replication(now, *handle);
    return false;
  }
  pending_.insert({*ticket, is_list},
                  {PendingAnswer::Kind::replicated, {}, {}, record.key, handle->word()});
  return true;
}

void Node::replicate_value(Instant now, PoolHandle operation, const Found& found, Outputs& out) {
  if (operations_.find(operation) == nullptr) return;
  if (found.presence != Presence::value) {  // The disk lost it, or it expired.
    end_replication(now, operation);
    return;
  }
  OngoingOperation& ongoing = operations_[operation];
  ongoing.keep_value(found.value);
  if (ongoing.task == OperationTask::publish) {
    std::array<Contact, bucket_size> nearest;
    for (size_t i = 0; i < ongoing.targets_count; ++i) nearest[i] = ongoing.targets[i].contact;
    store_at_nearest(now, operation, std::span(nearest).first(ongoing.targets_count), out);
  } else {
    send_stores(now, operation, OwnCopy::none, out);
  }
}

void Node::replicated(Instant now, PoolHandle operation, Outputs& out) {
  const OngoingOperation& ongoing = operations_[operation];
  if (ongoing.stored > 0) {
    if (ongoing.task == OperationTask::republish) {
      store_.note_republished(now, ongoing.target);
      counters_.node.add(NodeCounter::records_republished);
    } else if (ongoing.task == OperationTask::publish) {
      note_published(now, ongoing, out);
    } else {
      counters_.node.add(NodeCounter::records_handed_over);
    }
  }
  end_replication(now, operation);
}

void Node::end_replication(Instant now, PoolHandle operation) {
  const OngoingOperation& ongoing = operations_[operation];
  if (ongoing.task == OperationTask::hand_over && !ongoing.targets[0].was_sent) {
    HandOver* const hand_over = replication_.hand_overs.find(PoolHandle::of(ongoing.id));
    if (hand_over != nullptr) ++hand_over->credit;
  }
  replication_.open_bytes -= operations_[operation].room;
  operations_.give_back(operation);
  --replication_.open_count;
  replication_.resume_at = now;
}

}  // namespace xord
