// The lookups of one shard that are under way: their seeds from the table, their questions, their
// end, which is an event. The owner of a lookup reads its result then; the Node releases it after.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "node/calls/requester.h"
#include "node/lookup/lookup.h"
#include "node/lookup/value_pool.h"
#include "node/node_context.h"
#include "node/routing/contacts.h"
#include "node/turn.h"
#include "reactor/base/fixed_pool.h"

namespace xord {

// Who started a lookup; decides what its end leads to.
enum class LookupOwner : uint8_t {
  operation,       // Of the program; with its handle.
  join,            // Of our own id.
  farther_bucket,  // A refresh at a join.
  refresh,         // The hourly one.
  region,          // Of replication; with the handle of its survey.
};

class Lookups {
 public:
  // `contacts` and `requester` are borrowed.
  Lookups(const NodeContext& node, Contacts& contacts, Requester& requester);

  // Begins at the contacts that we know, and at those of `also` (at most bootstraps_max). False,
  // and counted, when all are taken. It ends by a lookup_finished event, perhaps in this call.
  bool start(const Turn& turn, LookupKind kind, const Id& target, LookupOwner owner,
             PoolHandle of = {}, std::span<const Contact> also = {});
  // Of a call with Purpose::lookup.
  void take(const Turn& turn, const Outcome& outcome);
  // Steps those that found no free slot for a call, a moment ago.
  void advance(const Turn& turn);
  std::optional<Instant> next_wakeup() const { return postponed_until_; }

  // Of a lookup that has finished and is not released yet.
  const Lookup& operator[](PoolHandle handle) const { return running_[handle].lookup; }
  LookupOwner owner(PoolHandle handle) const { return running_[handle].owner; }
  PoolHandle owners_handle(PoolHandle handle) const { return running_[handle].of; }
  // What it found, until it is released; empty when there was no value.
  std::optional<Bytes> value(const Lookup& lookup) const { return lookup.value(values_); }
  void release(PoolHandle handle);

  uint32_t count() const { return running_.taken_count(); }
  uint32_t values_count() const { return values_.kept_count(); }

 private:
  struct Running {
    Running(uint32_t rows_max, uint32_t paths_max) : lookup(rows_max, paths_max) {}
    Lookup lookup;
    LookupOwner owner{};
    PoolHandle of;
  };

  bool ask(const Turn& turn, PoolHandle handle, Lookup::Row row);
  void step(const Turn& turn, PoolHandle handle);

  const NodeContext node_;
  Contacts& contacts_;
  Requester& requester_;
  FixedPool<Running> running_;
  ValuePool values_;
  std::optional<Instant> postponed_until_;
};

}  // namespace xord
