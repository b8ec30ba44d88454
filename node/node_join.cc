// Joining (paper 2.3, checklist 32): ping the bootstrap endpoints, look up the own id among those
// that answered, then refresh every range farther away than the nearest neighbour. Then the own id
// once more now and then, for the sake of those who joined at the same time.
#include <algorithm>

#include "node/node.h"

namespace xord {
namespace {

// Refreshes of a join that run at once: the others wait, so that a join is no burst.
constexpr uint32_t join_refreshes_max = 4;

}  // namespace

void Node::join(Instant now, OperationId operation, std::span<const Endpoint> endpoints,
                Outputs& out) {
  if (join_.operation) {  // The newer question replaces the older one.
    end(*join_.operation, OperationStatus::refused, {}, out);
    join_.operation.reset();
  }
  join_.operation = begin(operation, OperationTask::join, self_, out);
  if (!join_.operation) return;
  if (join_.alone_since && join_.endpoints_count == 0) join_.alone_since = now;  // The first try.
  join_.endpoints_count = static_cast<uint32_t>(std::min<size_t>(endpoints.size(), bootstraps_max));
  std::copy_n(endpoints.begin(), join_.endpoints_count, join_.endpoints.begin());
  join_.retry_after = join_retry_min;
  join_.repeats = 0;
  ping_bootstraps(now, out);
  if (join_.pings_open == 0) look_up_self(now, out);  // A restart: the table is what we have.
  tell_changes(now, out);
}

void Node::ping_bootstraps(Instant now, Outputs& out) {
  join_.retry_at.reset();
  ++join_.pings_round;
  join_.pings_open = 0;
  join_.answered_count = 0;
  for (uint32_t i = 0; i < join_.endpoints_count; ++i) {
    join_.pings[i] = {};
    if (ping(now, join_.endpoints[i], std::nullopt, Purpose::bootstrap, 0, join_.context_of(i),
             out)) {
      join_.pings[i].open_count = 1;
      ++join_.pings_open;
    }
  }
}

void Node::bootstrap_answered(Instant now, uint64_t context, const Contact& contact, Outputs& out) {
  JoinState::Ping* answered = join_.ping_of(context);
  if (answered == nullptr || answered->decided) return;
  answered->decided = true;
  --join_.pings_open;
  if (!is_usable(contact)) return bootstrap_failed(now, out);
  if (join_.answered_count < bootstraps_max) join_.answered[join_.answered_count++] = contact;
  // The first answer starts the lookup. It may know nobody: who answers later is asked as well.
  join_.must_repeat = join_.is_looking_up;
  look_up_self(now, out);
}

void Node::bootstrap_expired(Instant now, uint64_t context, Outputs& out) {
  JoinState::Ping* silent = join_.ping_of(context);
  if (silent == nullptr || --silent->open_count > 0 || silent->decided) return;
  silent->decided = true;
  --join_.pings_open;
  bootstrap_failed(now, out);
}

// An endpoint of this round is silent, or we ourselves are there: a name may stand for all nodes of
// a network. The last such one ends the round.
void Node::bootstrap_failed(Instant now, Outputs& out) {
  if (join_.pings_open > 0 || join_.is_looking_up) return;
  if (table_.count() > 0) {  // The contacts of an earlier run may still be there.
    look_up_self(now, out);
    return;
  }
  if (join_.operation) {
    end(*join_.operation, OperationStatus::no_contacts, {}, out);
    join_.operation.reset();
  }
  tell_nobody_answered(now);
  join_.retry_at = now + join_.retry_after;
  join_.retry_after = std::min(join_.retry_after * 2, join_retry_max);
}

void Node::look_up_self(Instant now, Outputs& out) {
  join_.repeat_at.reset();
  if (join_.is_looking_up) return;
  join_.is_looking_up = true;
  if (!start_lookup(now, LookupKind::find_node, self_, Reason::join, {}, out)) {
    join_.is_looking_up = false;
    join_.retry_at = now + join_.retry_after;
  }
}

void Node::joined(Instant now, const Lookup& lookup, Outputs& out) {
  join_.is_looking_up = false;
  if (join_.must_repeat) {
    join_.must_repeat = false;
    look_up_self(now, out);
    if (join_.is_looking_up) return;  // That one's outcome is the join's.
  }
  std::array<Contact, bucket_size> nearest;
  const size_t count = lookup.results(nearest);
  if (join_.operation) {
    end(*join_.operation, count > 0 ? OperationStatus::done : OperationStatus::no_contacts,
        std::span(nearest).first(count), out);
    join_.operation.reset();
  }
  if (count == 0) {
    tell_nobody_answered(now);
    join_.retry_at = now + join_.retry_after;
    join_.retry_after = std::min(join_.retry_after * 2, join_retry_max);
    return;
  }
  tell_joined(now, static_cast<uint32_t>(count),
              join_.answered_count > 0 ? join_.answered[0] : Contact{});
  const uint32_t nearest_range = shared_prefix(self_, nearest[0].id);
  const OccupiedRanges occupied =
      join_.repeats > 0 ? table_.occupied_ranges(Id{}) : OccupiedRanges{};
  for (uint32_t range = 0; range < nearest_range; ++range) {
    if (!occupied[range]) join_.ranges_to_refresh.set(range);
  }
  if (join_.repeats < join_repeats.size()) join_.repeat_at = now + join_repeats[join_.repeats++];
}

// An id that was only named is no neighbour: one liar can name some that share a hundred bits with
// ours. So it goes no deeper than contacts that proved theirs, who become more as refreshes end.
void Node::refresh_farther_buckets(Instant now, Outputs& out) {
  while (join_.ranges_to_refresh.any() && join_.refreshes_running < join_refreshes_max) {
    const auto range = static_cast<uint32_t>(join_.ranges_to_refresh._Find_first());
    if (range > table_.deepest_range().value_or(0)) {
      if (join_.refreshes_running == 0) join_.ranges_to_refresh.reset();
      return;
    }
    const Id target = random_id_in_range(self_, range, rng_);
    // Counted first: a lookup with nobody to ask ends before start_lookup() returns.
    join_.ranges_to_refresh.reset(range);
    ++join_.refreshes_running;
    if (start_lookup(now, LookupKind::find_node, target, Reason::farther_bucket, {}, out)) continue;
    --join_.refreshes_running;
    join_.ranges_to_refresh.reset();  // No room: the hourly refresh will come by.
  }
}

}  // namespace xord
