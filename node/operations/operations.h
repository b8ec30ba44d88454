// The open operations of an embedding program: get, set, find, keep, forget and join, each ended by
// exactly one result; and the purge. A fixed pool. A lookup finds the nearest nodes, a round of
// stores reaches them; both signal their end by events.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "node/contact.h"
#include "node/disk_waits.h"
#include "node/lookup/lookups.h"
#include "node/node_context.h"
#include "node/operation_result.h"
#include "node/operations/purge.h"
#include "node/operations/store_rounds.h"
#include "node/routing/contacts.h"
#include "node/turn.h"
#include "reactor/base/bytes.h"
#include "reactor/base/fixed_pool.h"
#include "storage/store.h"

namespace xord {

enum class OperationTask : uint8_t {
  get,
  set,
  find,
  trace,  // As find, and its calls are the result.
  join,
  keep,    // Adds to the list of what is published each day, then as set.
  forget,  // Removes from that list.
};

class Operations {
 public:
  // All but `node` are borrowed. `published` may be null: nothing can be kept then.
  Operations(const NodeContext& node, Contacts& contacts, Lookups& lookups, StoreRounds& rounds,
             Store& store, Store* published, DiskWaits& waits);

  // As the calls of Node with these names.
  void get(const Turn& turn, OperationId id, const Id& key);
  void set(const Turn& turn, OperationId id, const Id& key, Bytes value);
  void find(const Turn& turn, OperationId id, const Id& target, LookupPurpose purpose);
  void trace(const Turn& turn, OperationId id, const Id& target);
  void keep(const Turn& turn, OperationId id, const Id& key, Bytes value);
  void forget(const Turn& turn, OperationId id, const Id& key);
  void list_published(const Turn& turn, OperationId id, const Id& from);
  void purge(const Turn& turn, OperationId id, const Id& from, uint32_t prefix_bits);
  void list_charges(const Turn& turn, OperationId id, const IpAddress& source);
  void list_contacts(const Turn& turn, OperationId id, const Id& near, const Id& from);
  void list_buckets(const Turn& turn, OperationId id, const Id& from);
  void list_records(const Turn& turn, OperationId id, const Id& from, uint32_t prefix_bits);

  // Ends a call whose answer other parts made.
  void answer(const Turn& turn, OperationId id, Bytes value) {
    emit(turn, {id, OperationStatus::done}, value);
  }

  // For the Joiner, whose lookup belongs to no operation. Empty, with a result for the program,
  // when all operations are in use.
  std::optional<PoolHandle> begin(const Turn& turn, OperationId id, OperationTask task,
                                  const Id& target);
  void end(const Turn& turn, PoolHandle handle, OperationStatus status,
           std::span<const Contact> contacts = {});

  // An operation's lookup, or its round of stores, has finished. `lookup` is current.
  void lookup_finished(const Turn& turn, PoolHandle handle, const Lookup& lookup);
  void round_finished(const Turn& turn, PoolHandle round);
  // The disk is done: it read a value, added a key to the list or removed one, or erased a record.
  void own_value_read(const Turn& turn, PoolHandle handle, const Finished& finished);
  void kept(const Turn& turn, PoolHandle handle, bool is_stored);
  void forgotten(const Turn& turn, PoolHandle handle, bool is_removed);
  void removed(const Turn& turn, bool is_erased);

  uint32_t count() const { return ongoing_.taken_count(); }

 private:
  struct Ongoing {
    OperationId id = 0;
    OperationTask task{};
    Id target;
    std::optional<PoolHandle> round;
    bool is_held = false;  // A get: the value is on our disk but could not be read.
    uint8_t hops = 0;      // Of its lookup, for the result.
    uint16_t asked = 0;
  };

  // Begins with a round that holds `value`.
  std::optional<PoolHandle> begin_with_value(const Turn& turn, OperationId id, OperationTask task,
                                             const Id& key, Bytes value);
  void take_round(PoolHandle handle, Bytes value);
  // Releases the operation and its round.
  void give_back(PoolHandle handle);
  OperationResult result(const Ongoing& ongoing, OperationStatus status) const;
  void emit(const Turn& turn, OperationResult result, Bytes value,
            std::span<const Contact> contacts = {});
  // Ends a call with a page of rows.
  template <class Page>
  void emit_page(const Turn& turn, OperationId id, Page& page, size_t count,
                 const std::optional<Id>& next);
  void emit_trace(const Turn& turn, PoolHandle handle, OperationStatus status);
  void look_for_value(const Turn& turn, PoolHandle handle);
  void finish_get(const Turn& turn, PoolHandle handle, const Lookup& lookup);
  void leave_path_copy(const Turn& turn, PoolHandle handle, Bytes value, const Contact& holder);
  uint32_t path_copy_age(const Id& key, const Contact& holder) const;
  bool begin_removal(const Turn& turn, const Id& key);
  void end_purge(const Turn& turn);

  const NodeContext node_;
  Contacts& contacts_;
  Lookups& lookups_;
  StoreRounds& rounds_;
  Store& store_;
  Store* const published_;
  DiskWaits& waits_;
  FixedPool<Ongoing> ongoing_;
  Purge purge_;
};

}  // namespace xord
