#include "node/operations/joiner.h"

#include <algorithm>
#include <array>
#include <bitset>

#include "reactor/base/check.h"

namespace xord {
namespace {

// Refreshes of a join that run at once: the others wait, to avoid a burst.
constexpr uint32_t join_refreshes_max = 4;

}  // namespace

Joiner::Joiner(const NodeContext& node, Requester& requester, Contacts& contacts, Lookups& lookups,
               Operations& operations, NodeNotices& notices, Rng& rng, Instant start)
    : node_(node),
      requester_(requester),
      contacts_(contacts),
      lookups_(lookups),
      operations_(operations),
      rng_(rng),
      company_(notices, start) {}

void Joiner::join(const Turn& turn, OperationId id, std::span<const Endpoint> endpoints) {
  end(turn, OperationStatus::refused);  // A newer join replaces the older one.
  state_.operation = operations_.begin(turn, id, OperationTask::join, node_.self);
  if (!state_.operation) return;
  if (state_.endpoints_count == 0) company_.begin(turn.now);  // The first attempt.
  state_.endpoints_count =
      static_cast<uint32_t>(std::min<size_t>(endpoints.size(), bootstraps_max));
  std::copy_n(endpoints.begin(), state_.endpoints_count, state_.endpoints.begin());
  state_.retry_after = join_retry_min;
  state_.repeats = 0;
  ping_bootstraps(turn);
  if (state_.pings_open == 0) look_up_self(turn);  // A restart: the table is all we have.
}

void Joiner::end(const Turn& turn, OperationStatus status, std::span<const Contact> contacts) {
  if (!state_.operation) return;
  operations_.end(turn, *state_.operation, status, contacts);
  state_.operation.reset();
}

void Joiner::ping_bootstraps(const Turn& turn) {
  state_.retry_at.reset();
  ++state_.pings_round;
  state_.pings_open = 0;
  state_.answered_count = 0;
  for (uint32_t i = 0; i < state_.endpoints_count; ++i) {
    state_.pings[i] = {};
    if (requester_.send(turn, state_.ping_to(i), {Method::ping})) {
      state_.pings[i].open_count = 1;
      ++state_.pings_open;
    }
  }
}

void Joiner::take(const Turn& turn, const Outcome& outcome) {
  JoinState::Ping* ping = state_.ping_of(outcome.call);
  switch (outcome.kind) {
    case Outcome::Kind::answered:
      if (ping == nullptr || ping->decided) return;
      return answered(turn, *ping, {outcome.reply->responder, outcome.call.to});
    case Outcome::Kind::slow:
      if (requester_.repeat_ping(turn, outcome.call) && ping != nullptr) ++ping->open_count;
      return;
    case Outcome::Kind::malformed:
    case Outcome::Kind::expired:
      if (ping == nullptr) return;
      CHECK(ping->open_count > 0);
      if (--ping->open_count > 0 || ping->decided) return;
      CHECK(state_.pings_open > 0);
      ping->decided = true;
      --state_.pings_open;
      return failed(turn);
  }
}

void Joiner::answered(const Turn& turn, JoinState::Ping& ping, const Contact& contact) {
  CHECK(!ping.decided && state_.pings_open > 0);
  ping.decided = true;
  --state_.pings_open;
  if (!contacts_.is_usable(contact)) return failed(turn);
  if (state_.answered_count < bootstraps_max) state_.answered[state_.answered_count++] = contact;
  // The first answer starts the lookup. That node may know no others, so those that answer later
  // are asked as well.
  state_.must_repeat = state_.is_looking_up;
  look_up_self(turn);
}

// An endpoint of this round is silent, or is our own: a name may stand for all nodes of a network.
// The last such endpoint ends the round.
void Joiner::failed(const Turn& turn) {
  if (state_.pings_open > 0 || state_.is_looking_up) return;
  if (contacts_.table().count() > 0) {  // Contacts of an earlier run may still answer.
    look_up_self(turn);
    return;
  }
  end(turn, OperationStatus::no_contacts);
  retry_later(turn);
}

void Joiner::retry_later(const Turn& turn) {
  CHECK(!state_.is_looking_up);  // It could still find somebody.
  company_.nobody_answered(turn.now, state_.endpoints_count);
  state_.retry_at = turn.now + state_.retry_after;
  state_.retry_after = std::min(state_.retry_after * 2, join_retry_max);
}

void Joiner::look_up_self(const Turn& turn) {
  state_.repeat_at.reset();
  if (state_.is_looking_up) return;
  state_.is_looking_up = true;
  const std::span<const Contact> answered = std::span(state_.answered).first(state_.answered_count);
  if (!lookups_.start(turn, LookupKind::find_node, node_.self, LookupPurpose::join, {}, answered)) {
    state_.is_looking_up = false;
    state_.retry_at = turn.now + state_.retry_after;
  }
}

void Joiner::looked_up(const Turn& turn, const Lookup& lookup) {
  CHECK(state_.is_looking_up);  // One at a time.
  state_.is_looking_up = false;
  if (state_.must_repeat) {
    state_.must_repeat = false;
    look_up_self(turn);
    if (state_.is_looking_up) return;  // The join takes the outcome of that lookup.
  }
  std::array<Contact, bucket_size> nearest;
  const size_t count = lookup.results(nearest);
  end(turn, count > 0 ? OperationStatus::done : OperationStatus::no_contacts,
      std::span(nearest).first(count));
  if (count == 0) return retry_later(turn);
  company_.joined(turn.now, static_cast<uint32_t>(count),
                  state_.answered_count > 0 ? state_.answered[0] : Contact{});
  const uint32_t nearest_range = shared_prefix(node_.self, nearest[0].id);
  const auto occupied =
      state_.repeats > 0 ? contacts_.table().occupied_ranges(Id{}) : std::bitset<id_bits>();
  for (uint32_t range = 0; range < nearest_range; ++range) {
    if (!occupied[range]) state_.ranges_to_refresh.set(range);
  }
  if (state_.repeats < join_repeats.size()) {
    state_.repeat_at = turn.now + join_repeats[state_.repeats++];
  }
}

// An id that was only named does not count as a neighbour: one liar can name some that share a
// hundred bits with ours. So refreshes go no deeper than contacts that have proven their ids, of
// which there are more as refreshes end.
void Joiner::refresh_farther_buckets(const Turn& turn) {
  while (state_.ranges_to_refresh.any() && state_.refreshes_running < join_refreshes_max) {
    const auto range = static_cast<uint32_t>(state_.ranges_to_refresh._Find_first());
    if (range > contacts_.table().deepest_range().value_or(0)) {
      if (state_.refreshes_running == 0) state_.ranges_to_refresh.reset();
      return;
    }
    const Id target = random_id_in_range(node_.self, range, rng_);
    state_.ranges_to_refresh.reset(range);
    if (!lookups_.start(turn, LookupKind::find_node, target, LookupPurpose::farther_bucket)) {
      state_.ranges_to_refresh.reset();  // No room: the hourly refresh will cover them.
      return;
    }
    ++state_.refreshes_running;
  }
}

void Joiner::advance(const Turn& turn) {
  if (state_.retry_at && *state_.retry_at <= turn.now) {
    ping_bootstraps(turn);
    if (state_.pings_open == 0) look_up_self(turn);
  }
  if (state_.repeat_at && *state_.repeat_at <= turn.now) look_up_self(turn);
}

std::optional<Instant> Joiner::next_wakeup() const {
  return earlier(state_.retry_at, state_.repeat_at);
}

void Joiner::watch_company(Instant now) {
  if (node_.link.self() != 0) return;
  const RoutingTable& table = contacts_.table();
  company_.watch(now, table.count(), table.answerable_count(),
                 state_.is_looking_up || state_.pings_open > 0);
}

}  // namespace xord
