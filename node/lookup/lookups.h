// The running lookups of one shard: their seeds from the table, their calls, and their end, which
// is an event. Who started a lookup then reads its result; the Node releases it afterwards.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "node/calls/requester.h"
#include "node/lookup/lookup.h"
#include "node/lookup/lookup_trace.h"
#include "node/lookup/value_pool.h"
#include "node/node_context.h"
#include "node/routing/contacts.h"
#include "node/turn.h"
#include "reactor/base/fixed_pool.h"

namespace xord {

class Lookups {
 public:
  // `contacts` and `requester` are borrowed.
  Lookups(const NodeContext& node, Contacts& contacts, Requester& requester);

  // Starts from the contacts we know and those in `extra` (at most bootstraps_max). `purpose` says
  // whose result it is, and `owner_handle` which of theirs: an operation, or a survey. False, and
  // counted, when all lookups are in use. It ends with a lookup_finished event, possibly within
  // this call.
  bool start(const Turn& turn, LookupKind kind, const Id& target, LookupPurpose purpose,
             PoolHandle owner_handle = {}, std::span<const Contact> extra = {});
  // As start(), and its calls are recorded. One lookup at a time: has_trace() must be false.
  bool start_traced(const Turn& turn, LookupKind kind, const Id& target, LookupPurpose purpose,
                    PoolHandle owner_handle);
  bool has_trace() const { return traced_.has_value(); }
  // Of the traced lookup, once it has finished, until it is released.
  const LookupTrace& trace() const { return trace_; }
  // Takes the outcome of a call with Purpose::lookup.
  void take(const Turn& turn, const Outcome& outcome);
  // Steps the lookups that found no free slot for a call a moment ago.
  void advance(const Turn& turn);
  std::optional<Instant> next_wakeup() const { return postponed_until_; }

  // For a lookup that has finished and is not yet released.
  const Lookup& operator[](PoolHandle handle) const { return running_[handle].lookup; }
  LookupPurpose purpose(PoolHandle handle) const { return running_[handle].purpose; }
  PoolHandle owner_handle(PoolHandle handle) const { return running_[handle].owner_handle; }
  // The value it found, until it is released; empty when there was none.
  std::optional<Bytes> value(const Lookup& lookup) const { return lookup.value(values_); }
  void release(PoolHandle handle);

  // Of each lookup of an operation.
  uint32_t paths_max() const { return paths_max_; }
  uint32_t count() const { return running_.taken_count(); }
  uint32_t values_count() const { return values_.kept_count(); }
  // For tests and the simulator: aborts if an invariant is broken.
  void check_invariants() const;

 private:
  struct Running {
    Running(uint32_t rows_max, uint32_t paths_max) : lookup(rows_max, paths_max) {}
    Lookup lookup;
    LookupPurpose purpose{};
    PoolHandle owner_handle;
    Instant began;
  };

  bool is_traced(PoolHandle handle) const { return traced_ == handle; }
  void trace_outcome(Instant now, Lookup::Row row, const Outcome& outcome, size_t named);
  bool ask(const Turn& turn, PoolHandle handle, Lookup::Row row);
  void step(const Turn& turn, PoolHandle handle);
  LookupOutcome outcome_of(const Lookup& lookup) const;
  void count_end(Instant now, const Running& running) const;

  const NodeContext node_;
  Contacts& contacts_;
  Requester& requester_;
  const uint32_t paths_max_;  // That there is room for.
  FixedPool<Running> running_;
  ValuePool values_;
  std::optional<Instant> postponed_until_;
  std::optional<PoolHandle> traced_;  // The lookup of trace_.
  bool traces_next_ = false;
  LookupTrace trace_;
};

}  // namespace xord
