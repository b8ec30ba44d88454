#include "node/replication/replicator.h"

#include <algorithm>
#include <array>
#include <bit>

#include "node/replication/region_messages.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// Records that one call looks at: about 50 us.
constexpr uint32_t steps_max = 64;
// Work that found no free call, or could not ask the disk, is tried again after this.
constexpr Duration replication_retry = milliseconds(200);
// A survey that found no free slot for a call is tried again after this.
constexpr Duration postponement = milliseconds(20);

}  // namespace

Replicator::Replicator(const NodeContext& node, Requester& requester, Contacts& contacts,
                       Lookups& lookups, StoreRounds& rounds, Store& store, Store* published,
                       DiskWaits& waits, Instant start)
    : node_(node),
      requester_(requester),
      contacts_(contacts),
      lookups_(lookups),
      rounds_(rounds),
      store_(store),
      published_(published),
      waits_(waits),
      surveys_(node.config.budget.region_lookups, node.config.budget),
      replication_(node.config.budget, start),
      handed_(node.config.budget.handed_contacts, node.secrets.hash_seed, hours(1)) {}

void Replicator::advance(const Turn& turn) {
  step_surveys(turn);
  take_due(turn);
  replicate(turn);
}

std::optional<Instant> Replicator::next_wakeup() const {
  return earlier(earlier(postponed_until_, replication_.resume_at), contacts_.table().arrived_at());
}

// ---- Regions.

void Replicator::take_due(const Turn& turn) {
  while (const auto key = store_.take_due()) {
    // Only while we are among the k nearest we know.
    if (contacts_.table().is_self_among_nearest(*key)) {
      want_region(turn, LookupPurpose::republish, *key);
    } else {
      store_.put_off(turn.now, *key);
    }
  }
  if (published_ == nullptr) return;
  while (const auto key = published_->take_due()) want_region(turn, LookupPurpose::publish, *key);
}

void Replicator::want_region(const Turn& turn, LookupPurpose purpose, const Id& key) {
  if (replication_.is_serving(key)) return;
  const ShardIndex owner = contacts_.table().owner_of(key);
  if (owner == node_.link.self()) {
    begin_region(turn, purpose, key);
  } else {
    node_.link.tell(turn, owner, RegionWantedMessage{{}, purpose, key});
  }
}

// Whether a survey in progress will probably also find the region of `key`. If it does not, the key
// is due again in a few minutes.
bool Replicator::is_being_found(const Id& key) const {
  const uint64_t regions = contacts_.table().network_size() / bucket_size;
  const auto depth = static_cast<uint32_t>(std::bit_width(regions | 1) - 1);
  for (uint32_t i = 0; i < surveys_.slots_max(); ++i) {
    const auto handle = surveys_.taken_at(i);
    if (handle && shared_prefix(surveys_[*handle].survey.target(), key) >= depth) return true;
  }
  return false;
}

void Replicator::begin_region(const Turn& turn, LookupPurpose purpose, const Id& key) {
  CHECK(purpose == LookupPurpose::republish || purpose == LookupPurpose::publish);
  CHECK(contacts_.table().owner_of(key) == node_.link.self());
  node_.counters.node.set(NodeCounter::network_size, contacts_.table().network_size());
  if (contacts_.table().answerable_count() == 0 || replication_.is_serving(key) ||
      is_being_found(key))
    return;
  // If the region found would be refused for lack of room, the lookup would be wasted, at a busy
  // time.
  if (!replication_.has_room_for_region(surveys_.taken_count())) return;
  const auto handle = surveys_.take();
  if (!handle) return;
  Surveying& running = surveys_[*handle];
  running.survey.expect(key);
  running.has_begun = false;
  node_.count(NodeCounter::region_lookups);
  if (!lookups_.start(turn, LookupKind::find_node, key, purpose, *handle)) {
    surveys_.give_back(*handle);
  }
}

void Replicator::looked_up(const Turn& turn, PoolHandle survey, const Lookup& lookup) {
  std::array<Contact, bucket_size> nearest;
  const size_t count = lookup.results(nearest);
  if (count == 0) {
    surveys_.give_back(survey);
    return;
  }
  Surveying& found = surveys_[survey];
  CHECK(!found.has_begun);
  found.survey.start(node_.self, std::span(nearest).first(count));
  found.has_begun = true;
  step_survey(turn, survey);
}

void Replicator::take(const Turn& turn, const Outcome& outcome) {
  Surveying* surveying = surveys_.find(outcome.call.owner);
  if (surveying == nullptr) return;
  CHECK(surveying->has_begun);
  RegionSurvey& survey = surveying->survey;
  const auto row = static_cast<RegionSurvey::Row>(outcome.call.row);
  switch (outcome.kind) {
    case Outcome::Kind::answered: {
      UsableContacts usable;
      survey.answered(row, contacts_.usable_of(*outcome.reply, outcome.call.to, usable),
                      outcome.reply->contacts_count);
      break;
    }
    case Outcome::Kind::slow:
      survey.slow(row);
      break;
    case Outcome::Kind::malformed:
    case Outcome::Kind::expired:
      survey.failed(row);
      break;
  }
  step_survey(turn, outcome.call.owner);
}

bool Replicator::ask(const Turn& turn, PoolHandle handle, RegionSurvey::Row row) {
  const Contact& contact = surveys_[handle].survey.contact(row);
  const Call call{Purpose::survey, {}, 0, contact.endpoint, contact.id, handle, row};
  return requester_.send(turn, call, {Method::find_node, contact.id});
}

void Replicator::step_survey(const Turn& turn, PoolHandle handle) {
  CHECK(surveys_[handle].has_begun);
  RegionSurvey& survey = surveys_[handle].survey;
  while (const auto row = survey.next()) {
    if (ask(turn, handle, *row)) continue;
    survey.postponed(*row);
    postponed_until_ = turn.now + postponement;
    return;
  }
  if (!survey.is_finished()) return;
  const Region region = survey.region();
  surveys_.give_back(handle);
  if (region.depth == id_bits) node_.count(NodeCounter::regions_alone);
  node_.link.tell_others(turn, RegionMessage{{}, region});
  accept_region(turn.now, region);
}

void Replicator::step_surveys(const Turn& turn) {
  if (!postponed_until_ || *postponed_until_ > turn.now) return;
  postponed_until_.reset();
  for (uint32_t index = 0; index < surveys_.slots_max(); ++index) {
    const auto handle = surveys_.taken_at(index);
    if (handle && surveys_[*handle].has_begun) step_survey(turn, *handle);
  }
}

void Replicator::accept_region(Instant now, const Region& region) {
  CHECK(region.depth <= id_bits && region.contacts_count <= region.contacts.size());
  const auto handle = replication_.regions.take();
  if (!handle) {
    node_.count(NodeCounter::regions_refused);
    return;
  }
  replication_.regions[*handle] = {region, RegionWork::List::records, region.prefix};
  replication_.resume_at = now;
}

// ---- Records.

// A record's stores are up to k calls, and lookups and pings need calls too. Slots alone do not
// bound them: a silent node frees its slot before its calls end.
bool Replicator::has_calls_for_a_record() const {
  const Budget& budget = node_.config.budget;
  return requester_.open_count() + bucket_size + budget.lookups * lookup_parallelism <=
         budget.requests_in_flight();
}

template <class MayStep>
void Replicator::step_regions(const Turn& turn, MayStep&& may_step) {
  for (uint32_t i = 0; i < replication_.regions.slots_max(); ++i) {
    const auto handle = replication_.regions.taken_at(i);
    while (handle && may_step()) {
      if (step_region(turn, replication_.regions[*handle])) continue;
      replication_.regions.give_back(*handle);
      break;
    }
  }
}

template <class MayStep>
bool Replicator::step_hand_overs(const Turn& turn, MayStep&& may_step) {
  while (may_step()) {
    const auto handle = hand_over_in_turn(turn.now);
    if (!handle) return true;
    const Step step = step_hand_over(turn, *handle);
    if (step == Step::at_the_end) replication_.hand_overs.give_back(*handle);
    if (step == Step::again) return false;
  }
  return true;
}

void Replicator::replicate(const Turn& turn) {
  take_arrivals(turn.now);
  replication_.resume_at.reset();
  uint32_t steps = 0;
  // One record per call: there is room for its k stores and no more.
  const size_t sent = turn.out.datagrams.entries().size();
  const auto may_step = [&] {
    const bool may = replication_.has_slot() && has_calls_for_a_record() && steps < steps_max &&
                     turn.out.datagrams.entries().size() == sent;
    if (may) ++steps;
    return may;
  };
  bool is_stalled = !has_calls_for_a_record();
  replication_.hand_overs_first = !replication_.hand_overs_first;
  if (replication_.hand_overs_first) is_stalled |= !step_hand_overs(turn, may_step);
  step_regions(turn, may_step);
  if (!replication_.hand_overs_first) is_stalled |= !step_hand_overs(turn, may_step);
  // A newcomer whose scan has found nothing for long does not keep the others waiting.
  if (steps == steps_max) ++replication_.turn;
  // The rest follows in the next turn, so that others get theirs. If no slot is free, the next
  // record that ends resumes the work.
  const bool is_left = replication_.regions.taken_count() > 0 || hand_over_in_turn(turn.now);
  if (!is_left && replication_.hand_overs.taken_count() > 0) {  // All wait for answers.
    replication_.resume_at = turn.now + hand_over_patience;
  }
  if (!is_left || !replication_.has_slot()) return;
  replication_.resume_at = turn.now + (is_stalled ? replication_retry : nanoseconds(1));
}

bool Replicator::step_region(const Turn& turn, RegionWork& work) {
  const bool is_list = work.list == RegionWork::List::published;
  CHECK(!is_list || published_ != nullptr);
  Store& store = is_list ? *published_ : store_;
  const auto record = store.first_from(turn.now, work.cursor);
  const auto next = record ? next_id(record->key) : std::nullopt;
  const bool is_inside = record && work.region.contains(record->key);
  if (is_inside && record->found.presence != Presence::absent) {
    is_list ? publish(turn, work, *record) : republish(turn, work, *record);
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

// Only records that no store has reached for an hour, and only while we are among the k nearest.
// Records older than the ttl are no longer in the store.
void Replicator::republish(const Turn& turn, const RegionWork& work, const ScannedRecord& record) {
  if (!store_.is_due(record.found.times, turn.now)) return;
  std::array<Contact, bucket_size> nearest;
  size_t count = work.region.nearest(record.key, nearest);
  if (count == bucket_size && !nearer(record.key, node_.self, nearest.back().id)) {
    store_.put_off(turn.now, record.key);
    return;
  }
  count = std::min<size_t>(count, bucket_size - 1);  // We are one of the k.
  begin(turn, {OpenRecord::Task::republish, {}, {}, 0}, record, std::span(nearest).first(count));
}

// All keys that are past half of their day, so that the keys of a region are published together,
// whenever each was kept.
void Replicator::publish(const Turn& turn, const RegionWork& work, const ScannedRecord& record) {
  if (!published_->is_half_due(record.found.times, turn.now)) return;
  std::array<Contact, bucket_size> nearest;
  const size_t count = work.region.nearest(record.key, nearest);
  begin(turn, {OpenRecord::Task::publish, {}, {}, 0}, record, std::span(nearest).first(count));
}

// There must be a free slot. If the value is not in memory, the stores are sent once the disk has
// read it.
bool Replicator::begin(const Turn& turn, const OpenRecord& open, const ScannedRecord& record,
                       std::span<const Contact> targets) {
  // A newcomer's credit is for one store.
  CHECK(open.task != OpenRecord::Task::hand_over || targets.size() == 1);
  const auto handle = replication_.open.take();
  if (!handle) return false;
  OpenRecord& ongoing = replication_.open[*handle];
  ongoing = open;
  ongoing.room = record.value_size;
  replication_.open_bytes += ongoing.room;
  const auto round = rounds_.take(RoundOwner::replication, *handle, record.key);
  CHECK(round);  // There is one for each open record.
  ongoing.round = *round;
  rounds_.aim_at(*round, targets);
  const bool is_list = open.task == OpenRecord::Task::publish;
  // A publisher's store carries no age: the value is published now.
  if (!is_list) rounds_.set_age(*round, node_seconds(turn.now) - record.found.times.published);
  if (record.found.presence == Presence::value) {
    send(turn, *handle, record.found.value);
    return true;
  }
  Store& store = is_list ? *published_ : store_;
  const auto ticket =
      waits_.full() ? std::nullopt : store.begin_read(turn.now, record.key, turn.out.storage);
  if (!ticket) {
    end(turn.now, *handle);
    return false;
  }
  waits_.insert({*ticket, is_list},
                {DiskWait::Kind::replicated, {}, {}, record.key, handle->word()});
  return true;
}

void Replicator::value_read(const Turn& turn, PoolHandle record, const Found& found) {
  if (replication_.open.find(record) == nullptr) return;
  if (found.presence != Presence::value) {  // The disk lost it, or it has expired.
    end(turn.now, record);
    return;
  }
  send(turn, record, found.value);
}

void Replicator::send(const Turn& turn, PoolHandle record, Bytes value) {
  const OpenRecord& open = replication_.open[record];
  rounds_.keep_value(open.round, value);
  if (open.task == OpenRecord::Task::publish) {
    rounds_.send_with_own_copy(turn, open.round);
  } else {
    rounds_.send(turn, open.round, OwnCopy::none);
  }
}

void Replicator::round_finished(const Turn& turn, PoolHandle handle) {
  const StoreRound& round = rounds_[handle];
  CHECK(round.owner == RoundOwner::replication && round.undecided_count == 0);
  CHECK(replication_.open[round.owner_handle].round == handle);
  if (round.stored > 0) {
    switch (replication_.open[round.owner_handle].task) {
      case OpenRecord::Task::republish:
        store_.note_republished(turn.now, round.key);
        node_.count(NodeCounter::records_republished);
        break;
      case OpenRecord::Task::publish:
        CHECK(published_ != nullptr);
        node_.count(NodeCounter::records_published);
        published_->renew(turn.now, round.key, round.value_bytes(), turn.out.storage);
        break;
      case OpenRecord::Task::hand_over:
        node_.count(NodeCounter::records_handed_over);
        break;
    }
  }
  end(turn.now, round.owner_handle);
}

void Replicator::end(Instant now, PoolHandle record) {
  const OpenRecord& open = replication_.open[record];
  if (open.task == OpenRecord::Task::hand_over && !rounds_[open.round].targets[0].was_sent) {
    HandOver* const hand_over = replication_.hand_overs.find(open.hand_over);
    if (hand_over != nullptr) ++hand_over->credit;
  }
  CHECK(replication_.open_bytes >= open.room);
  replication_.open_bytes -= open.room;
  rounds_.release(open.round);
  replication_.open.give_back(record);
  replication_.resume_at = now;
}

void Replicator::check_invariants() const {
  uint32_t room = 0;
  for (uint32_t i = 0; i < replication_.open.slots_max(); ++i) {
    const auto handle = replication_.open.taken_at(i);
    if (!handle) continue;
    const OpenRecord& open = replication_.open[*handle];
    room += open.room;
    const StoreRound& round = rounds_[open.round];
    CHECK(round.owner == RoundOwner::replication && round.owner_handle == *handle);
  }
  CHECK(room == replication_.open_bytes);
  for (uint32_t i = 0; i < surveys_.slots_max(); ++i) {
    const auto handle = surveys_.taken_at(i);
    if (handle && surveys_[*handle].has_begun) surveys_[*handle].survey.check_invariants();
  }
  for (uint32_t i = 0; i < replication_.regions.slots_max(); ++i) {
    const auto handle = replication_.regions.taken_at(i);
    if (!handle) continue;
    const RegionWork& work = replication_.regions[*handle];
    CHECK(work.cursor >= work.region.prefix);
    CHECK(work.list == RegionWork::List::records || published_ != nullptr);
  }
}

}  // namespace xord
