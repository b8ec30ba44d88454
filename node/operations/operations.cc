#include "node/operations/operations.h"

#include <algorithm>
#include <array>

#include "node/admission/charge_report.h"
#include "reactor/base/check.h"
#include "reactor/base/shard.h"

namespace xord {
namespace {

// A kept key that is not yet published is due at once: it counts as a day old.
constexpr uint32_t day = 24 * 3600;

}  // namespace

Operations::Operations(const NodeContext& node, Contacts& contacts, Lookups& lookups,
                       StoreRounds& rounds, Store& store, Store* published, DiskWaits& waits)
    : node_(node),
      contacts_(contacts),
      lookups_(lookups),
      rounds_(rounds),
      store_(store),
      published_(published),
      waits_(waits),
      ongoing_(node.config.operations) {}

// ---- How operations begin and end.

std::optional<PoolHandle> Operations::begin(const Turn& turn, OperationId id, OperationTask task,
                                            const Id& target) {
  const auto handle = ongoing_.take();
  if (!handle) {
    node_.count(NodeCounter::operations_refused);
    emit(turn, {id, OperationStatus::refused}, {});
    return std::nullopt;
  }
  ongoing_[*handle] = {id, task, target, {}, false, 0, 0};
  return handle;
}

std::optional<PoolHandle> Operations::begin_with_value(const Turn& turn, OperationId id,
                                                       OperationTask task, const Id& key,
                                                       Bytes value) {
  CHECK(shard_of(key, node_.link.shards()) == node_.link.self() && value.size() <= value_size_max);
  CHECK(task == OperationTask::set || task == OperationTask::keep);
  const auto handle = begin(turn, id, task, key);
  if (handle) take_round(*handle, value);
  return handle;
}

void Operations::take_round(PoolHandle handle, Bytes value) {
  Ongoing& ongoing = ongoing_[handle];
  CHECK(!ongoing.round);
  ongoing.round = rounds_.take(RoundOwner::operation, handle, ongoing.target);
  CHECK(ongoing.round);  // There is one for each operation.
  rounds_.keep_value(*ongoing.round, value);
}

void Operations::give_back(PoolHandle handle) {
  const Ongoing& ongoing = ongoing_[handle];
  if (ongoing.round) rounds_.release(*ongoing.round);
  ongoing_.give_back(handle);
}

OperationResult Operations::result(const Ongoing& ongoing, OperationStatus status) const {
  OperationResult result{ongoing.id, status};
  if (ongoing.round) result.stored = rounds_[*ongoing.round].stored;
  result.hops = ongoing.hops;
  result.asked = ongoing.asked;
  return result;
}

void Operations::emit(const Turn& turn, OperationResult result, Bytes value,
                      std::span<const Contact> contacts) {
  CHECK(contacts.size() <= bucket_size);
  result.network = node_.config.network;
  result.value_size = static_cast<uint32_t>(value.size());
  result.contacts_count = static_cast<uint8_t>(contacts.size());
  const Bytes listed(reinterpret_cast<const uint8_t*>(contacts.data()), contacts.size_bytes());
  // A result has a value or contacts, never both. The program's mailbox is as deep as the number of
  // operations it may have in progress, so there is room.
  CHECK(value.empty() || listed.empty());
  if (!turn.out.results.push(0, result, value.empty() ? listed : value)) {
    node_.count(NodeCounter::messages_dropped);
  }
}

void Operations::end(const Turn& turn, PoolHandle handle, OperationStatus status,
                     std::span<const Contact> contacts) {
  emit(turn, result(ongoing_[handle], status), {}, contacts);
  give_back(handle);
}

// ---- Calls of the program.

void Operations::find(const Turn& turn, OperationId id, const Id& target, LookupPurpose purpose) {
  CHECK(purpose == LookupPurpose::find || purpose == LookupPurpose::canary);
  const auto handle = begin(turn, id, OperationTask::find, target);
  if (!handle) return;
  if (!lookups_.start(turn, LookupKind::find_node, target, purpose, *handle)) {
    end(turn, *handle, OperationStatus::refused);
  }
}

void Operations::get(const Turn& turn, OperationId id, const Id& key) {
  CHECK(shard_of(key, node_.link.shards()) == node_.link.self());
  const auto handle = begin(turn, id, OperationTask::get, key);
  if (!handle) return;
  const Found found = store_.find(turn.now, key);
  if (found.presence == Presence::value) {
    emit(turn, {id, OperationStatus::done}, found.value);
    give_back(*handle);
    return;
  }
  if (found.presence == Presence::cold && !waits_.full()) {
    if (const auto ticket = store_.begin_read(turn.now, key, turn.out.storage)) {
      waits_.insert({*ticket}, {DiskWait::Kind::own_value, {}, {}, key, handle->word()});
      return;
    }
  }
  ongoing_[*handle].is_held = found.presence == Presence::cold;
  look_for_value(turn, *handle);
}

void Operations::look_for_value(const Turn& turn, PoolHandle handle) {
  const Id key = ongoing_[handle].target;
  if (!lookups_.start(turn, LookupKind::find_value, key, LookupPurpose::get, handle)) {
    end(turn, handle, OperationStatus::refused);
  }
}

void Operations::own_value_read(const Turn& turn, PoolHandle handle, const Finished& finished) {
  CHECK(ongoing_[handle].task == OperationTask::get);
  const Found& found = finished.found;
  if (finished.kind != Finished::Kind::read || found.presence != Presence::value) {
    // Others may hold it.
    ongoing_[handle].is_held = finished.kind == Finished::Kind::read_failed;
    look_for_value(turn, handle);
    return;
  }
  emit(turn, result(ongoing_[handle], OperationStatus::done), found.value);
  give_back(handle);
}

void Operations::set(const Turn& turn, OperationId id, const Id& key, Bytes value) {
  const auto handle = begin_with_value(turn, id, OperationTask::set, key, value);
  if (!handle) return;
  if (!lookups_.start(turn, LookupKind::find_node, key, LookupPurpose::set, *handle)) {
    end(turn, *handle, OperationStatus::refused);
  }
}

void Operations::lookup_finished(const Turn& turn, PoolHandle handle, const Lookup& lookup) {
  std::array<Contact, bucket_size> nearest;
  const size_t count = lookup.results(nearest);
  const std::span<const Contact> contacts = std::span(nearest).first(count);
  Ongoing& ongoing = ongoing_[handle];
  // Each row is asked once at most.
  static_assert(lookup_rows_max * lookup_paths_max <= UINT16_MAX);
  ongoing.hops = static_cast<uint8_t>(lookup.hops());
  ongoing.asked = static_cast<uint16_t>(lookup.asked_count());
  // A set has its value from the start, a get takes room for a path copy later.
  CHECK(ongoing.round.has_value() ==
        (ongoing.task == OperationTask::set || ongoing.task == OperationTask::keep));
  switch (ongoing.task) {
    case OperationTask::find:
      end(turn, handle, count > 0 ? OperationStatus::done : OperationStatus::no_contacts, contacts);
      return;
    case OperationTask::trace:
      emit_trace(turn, handle, count > 0 ? OperationStatus::done : OperationStatus::no_contacts);
      return;
    case OperationTask::get:
      finish_get(turn, handle, lookup);
      return;
    case OperationTask::set:
    case OperationTask::keep:
      rounds_.aim_at(*ongoing.round, contacts);
      rounds_.send_with_own_copy(turn, *ongoing.round);
      return;
    case OperationTask::join:
    case OperationTask::forget:
      CHECK(false);
  }
}

void Operations::finish_get(const Turn& turn, PoolHandle handle, const Lookup& lookup) {
  const Ongoing& ongoing = ongoing_[handle];
  const auto value = lookups_.value(lookup);
  if (!value) {
    std::array<Contact, 1> anybody;
    // There was no room for some values, or we hold one and cannot read it: "not found" would be
    // wrong.
    const bool exists = lookup.lost_a_value() || ongoing.is_held;
    const OperationStatus status = exists                        ? OperationStatus::refused
                                   : lookup.results(anybody) > 0 ? OperationStatus::not_found
                                                                 : OperationStatus::no_contacts;
    end(turn, handle, status);
    return;
  }
  emit(turn, result(ongoing, OperationStatus::done), *value);
  if (const auto holder = lookup.nearest_without_value()) {
    leave_path_copy(turn, handle, *value, *holder);
  } else {
    give_back(handle);
  }
}

// The path copy (paper 2.3): at the nearest node asked that did not have the value. Nothing waits
// for it, but the value is kept until the store is answered, since a store may be retried.
void Operations::leave_path_copy(const Turn& turn, PoolHandle handle, Bytes value,
                                 const Contact& holder) {
  take_round(handle, value);
  const Ongoing& ongoing = ongoing_[handle];
  rounds_.set_age(*ongoing.round, path_copy_age(ongoing.target, holder));
  rounds_.aim_at(*ongoing.round, std::span(&holder, 1));
  node_.count(NodeCounter::path_copies_sent);
  rounds_.send(turn, *ongoing.round, OwnCopy::none);
}

// The copy lives 24 h x 2^-d, at least an hour; d = the number of contacts we know that are nearer
// to the key than the copy's holder, less k (checklist 24). Beyond k + 5 the hour is reached.
uint32_t Operations::path_copy_age(const Id& key, const Contact& holder) const {
  static_assert(bucket_size + 5 <= 64, "count_nearer() counts up to 64");
  const size_t nearer_count = contacts_.table().count_nearer(key, holder.id, bucket_size + 5);
  const size_t d = nearer_count > bucket_size ? nearer_count - bucket_size : 0;
  const Duration lifetime = d >= 5 ? hours(1) : std::max(hours(24) / (1 << d), hours(1));
  const Duration ttl = node_.config.ttl;
  return lifetime < ttl ? static_cast<uint32_t>((ttl - lifetime).whole_seconds()) : 0;
}

void Operations::round_finished(const Turn& turn, PoolHandle handle) {
  const StoreRound& round = rounds_[handle];
  CHECK(round.owner == RoundOwner::operation && round.undecided_count == 0);
  const PoolHandle operation = round.owner_handle;
  CHECK(ongoing_[operation].round == handle);
  switch (ongoing_[operation].task) {
    case OperationTask::get:  // A path copy: its get was answered before.
      give_back(operation);
      return;
    case OperationTask::keep:
      CHECK(published_ != nullptr);  // Else the keep was refused.
      if (round.stored > 0) {
        node_.count(NodeCounter::records_published);
        published_->renew(turn.now, round.key, round.value_bytes(), turn.out.storage);
      }
      end(turn, operation, OperationStatus::done);
      return;
    case OperationTask::set:
      end(turn, operation, round.stored > 0 ? OperationStatus::done : OperationStatus::not_stored);
      return;
    case OperationTask::find:
    case OperationTask::trace:
    case OperationTask::join:
    case OperationTask::forget:
      CHECK(false);
  }
}

// ---- The list of what is published.

void Operations::keep(const Turn& turn, OperationId id, const Id& key, Bytes value) {
  const auto handle = begin_with_value(turn, id, OperationTask::keep, key, value);
  if (!handle) return;
  if (published_ == nullptr || waits_.full()) {
    end(turn, *handle, OperationStatus::refused);
    return;
  }
  const StoreOutcome outcome =
      published_->begin_store(turn.now, {key, value, day, 0}, turn.out.storage);
  if (outcome.kind == StoreOutcome::Kind::pending) {
    waits_.insert({outcome.ticket, true}, {DiskWait::Kind::kept, {}, {}, key, handle->word()});
    return;
  }
  kept(turn, *handle, outcome.kind == StoreOutcome::Kind::unchanged);
}

void Operations::kept(const Turn& turn, PoolHandle handle, bool is_stored) {
  const Ongoing* ongoing = ongoing_.find(handle);
  if (ongoing == nullptr) return;
  CHECK(ongoing->task == OperationTask::keep);
  if (!is_stored) {
    end(turn, handle, OperationStatus::refused);
    return;
  }
  const Id key = ongoing->target;
  if (lookups_.start(turn, LookupKind::find_node, key, LookupPurpose::set, handle)) return;
  end(turn, handle, OperationStatus::done);  // It is in the list and will be published.
}

void Operations::forget(const Turn& turn, OperationId id, const Id& key) {
  CHECK(shard_of(key, node_.link.shards()) == node_.link.self());
  const auto handle = begin(turn, id, OperationTask::forget, key);
  if (!handle) return;
  const auto listed = published_ == nullptr ? std::nullopt : published_->first_from(turn.now, key);
  if (!listed || listed->key != key || listed->found.presence == Presence::absent) {
    end(turn, *handle, OperationStatus::not_found);
    return;
  }
  const StoreOutcome outcome =
      waits_.full() ? StoreOutcome{} : published_->begin_remove(turn.now, key, turn.out.storage);
  if (outcome.kind != StoreOutcome::Kind::pending) {
    end(turn, *handle, OperationStatus::refused);
    return;
  }
  waits_.insert({outcome.ticket, true}, {DiskWait::Kind::forgotten, {}, {}, key, handle->word()});
}

void Operations::forgotten(const Turn& turn, PoolHandle handle, bool is_removed) {
  CHECK(ongoing_[handle].task == OperationTask::forget);
  end(turn, handle, is_removed ? OperationStatus::done : OperationStatus::refused);
}

void Operations::list_published(const Turn& turn, OperationId id, const Id& from) {
  std::array<PublishedKey, published_keys_max> keys;
  size_t count = 0;
  std::optional<Id> cursor = from;
  while (published_ != nullptr && cursor && count < keys.size()) {
    const auto listed = published_->first_from(turn.now, *cursor);
    if (!listed) break;
    cursor = next_id(listed->key);
    if (listed->found.presence == Presence::absent) continue;
    const NodeSeconds ago = node_seconds(turn.now) - listed->found.times.published;
    keys[count++] = {listed->key, listed->value_size, ago};
  }
  static_assert(sizeof keys <= value_size_max);
  emit(turn, {id, OperationStatus::done},
       {reinterpret_cast<const uint8_t*>(keys.data()), count * sizeof(PublishedKey)});
}

void Operations::list_charges(const Turn& turn, OperationId id, const IpAddress& source) {
  std::array<ChargedPrefix, charged_prefixes_max> charges;
  const size_t count = report_charges(node_.ledger, turn.now, source, charges);
  static_assert(sizeof charges <= value_size_max);
  emit(turn, {id, OperationStatus::done},
       {reinterpret_cast<const uint8_t*>(charges.data()), count * sizeof(ChargedPrefix)});
}

// ---- Purging: removing records from the store, both the index and the disk.

void Operations::purge(const Turn& turn, OperationId id, const Id& from, uint32_t prefix_bits) {
  CHECK(prefix_bits <= id_bits);
  if (purge_.waiting_count > 0) {
    node_.count(NodeCounter::operations_refused);
    return emit(turn, {id, OperationStatus::refused}, {});
  }
  purge_ = {id, 0, 0, 0, from};
  bool has_room = true;
  for (uint32_t visits = 0; purge_.next && has_room && visits < purge_visits_max; ++visits) {
    const auto scanned = store_.first_from(turn.now, *purge_.next);
    if (!scanned || shared_prefix(scanned->key, from) < prefix_bits) {
      purge_.next.reset();
      break;
    }
    const bool exists = scanned->found.presence != Presence::absent;
    has_room = !exists || begin_removal(turn, scanned->key);
    purge_.next = has_room ? next_id(scanned->key) : scanned->key;
    // The next call continues from there, and must stay in the range.
    if (purge_.next && shared_prefix(*purge_.next, from) < prefix_bits) purge_.next.reset();
  }
  if (purge_.waiting_count > 0) return;
  if (!has_room) return emit(turn, {id, OperationStatus::refused}, {});
  end_purge(turn);
}

bool Operations::begin_removal(const Turn& turn, const Id& key) {
  if (waits_.full() || purge_.waiting_count == purge_records_max) return false;
  const StoreOutcome outcome = store_.begin_remove(turn.now, key, turn.out.storage);
  if (outcome.kind == StoreOutcome::Kind::refused) return false;
  CHECK(outcome.kind == StoreOutcome::Kind::pending);  // Erasing is never done at once.
  waits_.insert({outcome.ticket}, {DiskWait::Kind::removal, {}, {}, key, 0});
  ++purge_.waiting_count;
  return true;
}

void Operations::removed(const Turn& turn, bool is_erased) {
  CHECK(purge_.waiting_count > 0);
  ++(is_erased ? purge_.erased_count : purge_.failed_count);
  if (--purge_.waiting_count == 0) end_purge(turn);
}

void Operations::end_purge(const Turn& turn) {
  CHECK(purge_.waiting_count == 0);
  CHECK(uint32_t{purge_.erased_count} + purge_.failed_count <= purge_records_max);
  OperationResult result;
  result.operation = purge_.operation;
  result.status = purge_.failed_count == 0 ? OperationStatus::done : OperationStatus::not_stored;
  result.erased = purge_.erased_count;
  emit(turn, result, purge_.next ? Bytes(purge_.next->bytes) : Bytes());
}

}  // namespace xord
