// Running lookups: their seeds from the table, their calls, their end.
#include <algorithm>

#include "node/node.h"

namespace xord {
namespace {

// A lookup that found no free slot for a call is stepped again so soon.
constexpr Duration postponement = milliseconds(20);

}  // namespace

bool Node::start_lookup(Instant now, LookupKind kind, const Id& target, Reason reason,
                        PoolHandle operation, Outputs& out) {
  const auto handle = lookups_.take();
  if (!handle) {
    counters_.node.add(NodeCounter::lookups_refused);
    return false;
  }
  counters_.node.add(NodeCounter::lookups_started);
  table_.note_lookup(target, now);
  std::array<ContactHandle, 2 * bucket_size> found;
  size_t count = 0;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    count += table_.nearest(target, family, std::span(found).subspan(count, bucket_size));
  }
  std::array<Contact, 2 * bucket_size + bootstraps_max> known;
  for (size_t i = 0; i < count; ++i) known[i] = {book_.id(found[i]), book_.endpoint(found[i])};
  if (reason == Reason::join) {
    std::copy_n(join_.answered.begin(), join_.answered_count, known.begin() + count);
    count += join_.answered_count;
  }
  RunningLookup& running = lookups_[*handle];
  running.reason = reason;
  running.operation = operation;
  LookupPlan plan;
  plan.kind = kind;
  plan.self = self_;
  plan.target = target;
  if (reason == Reason::operation) plan.paths = config_.disjoint_paths;
  plan.subnets = config_.routing.subnets;
  running.lookup.start(plan, std::span(known).first(count));
  step(now, *handle, out);
  return true;
}

void Node::step(Instant now, PoolHandle handle, Outputs& out) {
  RunningLookup& running = lookups_[handle];
  while (const auto row = running.lookup.next()) {
    if (ask(now, handle, *row, out)) continue;
    running.lookup.postponed(*row);
    postpone(now);
    return;
  }
  if (running.lookup.is_finished()) finish(now, handle, out);
}

void Node::postpone(Instant now) {
  postponed_until_ = now + postponement;
}

void Node::step_postponed(Instant now, Outputs& out) {
  if (!postponed_until_ || *postponed_until_ > now) return;
  postponed_until_.reset();
  for (uint32_t index = 0; index < lookups_.slots_max(); ++index) {
    if (const auto handle = lookups_.taken_at(index)) step(now, *handle, out);
  }
  for (uint32_t index = 0; index < surveys_.slots_max(); ++index) {
    const auto handle = surveys_.taken_at(index);
    if (handle && surveys_[*handle].is_begun) step_survey(now, *handle, out);
  }
}

void Node::finish(Instant now, PoolHandle handle, Outputs& out) {
  RunningLookup& running = lookups_[handle];
  counters_.node.add(NodeCounter::lookups_finished);
  switch (running.reason) {
    case Reason::operation:
      finish_operation(now, running.operation, running.lookup, out);
      break;
    case Reason::join:
      joined(now, running.lookup, out);
      break;
    case Reason::farther_bucket:
      --join_.refreshes_running;
      break;
    case Reason::refresh:
      break;
    case Reason::region:
      survey_region(now, running.operation, running.lookup, out);
      break;
  }
  running.lookup.release(values_);
  lookups_.give_back(handle);
  refresh_farther_buckets(now, out);
}

}  // namespace xord
