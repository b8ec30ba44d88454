#include "node/lookup/lookups.h"

#include <algorithm>
#include <array>

#include "reactor/base/check.h"

namespace xord {
namespace {

// A lookup that found no free slot for a call is tried again after this.
constexpr Duration postponement = milliseconds(20);

}  // namespace

Lookups::Lookups(const NodeContext& node, Contacts& contacts, Requester& requester)
    : node_(node),
      contacts_(contacts),
      requester_(requester),
      paths_max_(node.config.disjoint_paths),
      running_(node.config.budget.lookups, node.config.budget.lookup_rows, paths_max_),
      values_(node.config.lookup_values()) {}

bool Lookups::start(const Turn& turn, LookupKind kind, const Id& target, LookupPurpose purpose,
                    PoolHandle owner_handle, std::span<const Contact> extra) {
  const auto handle = running_.take();
  if (!handle) {
    node_.counters.lookups.add(purpose, LookupOutcome::refused);
    return false;
  }
  node_.count(NodeCounter::lookups_started);
  contacts_.table().note_lookup(target, turn.now);
  std::array<ContactHandle, 2 * bucket_size> found;
  size_t count = 0;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    count +=
        contacts_.table().nearest(target, family, std::span(found).subspan(count, bucket_size));
  }
  DCHECK(count <= found.size());
  std::array<Contact, 2 * bucket_size + bootstraps_max> known;
  for (size_t i = 0; i < count; ++i) known[i] = contacts_.book().contact(found[i]);
  CHECK(extra.size() <= bootstraps_max);
  std::copy(extra.begin(), extra.end(), known.begin() + static_cast<ptrdiff_t>(count));
  count += extra.size();
  Running& running = running_[*handle];
  running.purpose = purpose;
  running.owner_handle = owner_handle;
  running.began = turn.now;
  LookupPlan plan;
  plan.kind = kind;
  plan.self = node_.self;
  plan.target = target;
  if (is_of_operation(purpose)) plan.paths = node_.config.disjoint_paths;
  plan.subnets = node_.config.routing.subnets;
  running.lookup.start(plan, std::span(known).first(count));
  if (traces_next_) {
    traced_ = handle;
    trace_.start(turn.now);
  }
  step(turn, *handle);
  return true;
}

bool Lookups::start_traced(const Turn& turn, LookupKind kind, const Id& target,
                           LookupPurpose purpose, PoolHandle owner_handle) {
  CHECK(!has_trace() && !traces_next_);
  traces_next_ = true;
  const bool has_started = start(turn, kind, target, purpose, owner_handle);
  traces_next_ = false;
  CHECK(has_started == has_trace());
  return has_started;
}

void Lookups::trace_outcome(Instant now, Lookup::Row row, const Outcome& outcome, size_t named) {
  constexpr TracedCall::Outcome outcomes[] = {
      TracedCall::Outcome::answered, TracedCall::Outcome::malformed, TracedCall::Outcome::slow,
      TracedCall::Outcome::expired};
  static_assert(std::size(outcomes) == static_cast<size_t>(Outcome::Kind::expired) + 1);
  trace_.ended(now, row, outcomes[static_cast<size_t>(outcome.kind)], named);
}

void Lookups::take(const Turn& turn, const Outcome& outcome) {
  DCHECK(outcome.call.purpose == Purpose::lookup);
  Running* running = running_.find(outcome.call.owner);
  if (running == nullptr) return;  // The lookup ended while this call was slow.
  Lookup& lookup = running->lookup;
  const auto row = static_cast<Lookup::Row>(outcome.call.row);
  size_t named = 0;
  switch (outcome.kind) {
    case Outcome::Kind::answered:
      if (outcome.reply->has_value) {
        lookup.answered_value(row, outcome.reply->value, values_);
      } else {
        UsableContacts usable;
        const auto contacts = contacts_.usable_of(*outcome.reply, outcome.call.to, usable);
        named = contacts.size();
        lookup.answered(row, contacts);
      }
      break;
    case Outcome::Kind::slow:
      lookup.slow(row);
      break;
    case Outcome::Kind::malformed:
    case Outcome::Kind::expired:
      lookup.failed(row);
      break;
  }
  if (is_traced(outcome.call.owner)) trace_outcome(turn.now, row, outcome, named);
  step(turn, outcome.call.owner);
}

bool Lookups::ask(const Turn& turn, PoolHandle handle, Lookup::Row row) {
  const Lookup& lookup = running_[handle].lookup;
  const Contact& contact = lookup.contact(row);
  const bool wants_value = lookup.plan().kind == LookupKind::find_value;
  const Call call{Purpose::lookup, {}, 0, contact.endpoint, contact.id, handle, row};
  const bool is_sent = requester_.send(
      turn, call, {wants_value ? Method::find_value : Method::find_node, lookup.plan().target});
  if (is_sent && is_traced(handle)) {
    trace_.asked(turn.now, row, lookup.named_by(row), contact);
  }
  return is_sent;
}

void Lookups::step(const Turn& turn, PoolHandle handle) {
  Lookup& lookup = running_[handle].lookup;
  while (const auto row = lookup.next()) {
    if (ask(turn, handle, *row)) continue;
    lookup.postponed(*row);
    postponed_until_ = turn.now + postponement;
    return;
  }
  if (!lookup.is_finished()) return;
  count_end(turn.now, running_[handle]);
  if (is_traced(handle)) {
    std::array<Contact, bucket_size> nearest;
    trace_.finish(turn.now, std::span(nearest).first(lookup.results(nearest)));
  }
  turn.events.push({Event::Kind::lookup_finished, handle, {}});
}

LookupOutcome Lookups::outcome_of(const Lookup& lookup) const {
  std::array<Contact, 1> anybody;
  // A value that came and found no room was found all the same.
  if (lookup.values_count() > 0 || lookup.lost_a_value()) return LookupOutcome::done;
  if (lookup.results(anybody) == 0) return LookupOutcome::no_contacts;
  return lookup.plan().kind == LookupKind::find_value ? LookupOutcome::not_found
                                                      : LookupOutcome::done;
}

void Lookups::count_end(Instant now, const Running& running) const {
  const Lookup& lookup = running.lookup;
  node_.counters.lookups.add(running.purpose, outcome_of(lookup));
  if (lookup.asked_count() == 0) return;  // Nobody was known: there is nothing to measure.
  Histograms<NodeHistogram>& histograms = node_.counters.histograms;
  histograms.observe(NodeHistogram::lookup_duration_seconds, now - running.began);
  histograms.observe(NodeHistogram::lookup_hops, lookup.hops());
  histograms.observe(NodeHistogram::lookup_calls, lookup.asked_count());
}

void Lookups::advance(const Turn& turn) {
  if (!postponed_until_ || *postponed_until_ > turn.now) return;
  postponed_until_.reset();
  for (uint32_t index = 0; index < running_.slots_max(); ++index) {
    if (const auto handle = running_.taken_at(index)) step(turn, *handle);
  }
}

void Lookups::release(PoolHandle handle) {
  if (is_traced(handle)) traced_.reset();
  running_[handle].lookup.release(values_);
  running_.give_back(handle);
  CHECK(running_.taken_count() > 0 || values_.kept_count() == 0);
}

void Lookups::check_invariants() const {
  uint32_t kept_count = 0;
  for (uint32_t index = 0; index < running_.slots_max(); ++index) {
    const auto handle = running_.taken_at(index);
    if (!handle) continue;
    running_[*handle].lookup.check_invariants();
    kept_count += running_[*handle].lookup.values_count();
  }
  CHECK(kept_count == values_.kept_count());  // Each value belongs to one lookup.
}

}  // namespace xord
