// What an embedding program asks: get, set and find, each ended by exactly one result.
#include <algorithm>

#include "node/node.h"

namespace xord {

std::optional<PoolHandle> Node::begin(OperationId operation, OperationTask task, const Id& target,
                                      Outputs& out) {
  // Some places are the replication's.
  const bool has_place = operations_.taken_count() - replication_.open_count < config_.operations;
  const auto handle = has_place ? operations_.take() : std::nullopt;
  if (!handle) {
    counters_.node.add(NodeCounter::operations_refused);
    emit({operation, OperationStatus::refused}, {}, {}, out);
    return std::nullopt;
  }
  operations_[*handle].begin(operation, task, target);
  return handle;
}

void Node::emit(OperationResult result, Bytes value, std::span<const Contact> contacts,
                Outputs& out) {
  result.network = config_.network;
  result.value_size = static_cast<uint32_t>(value.size());
  result.contacts_count = static_cast<uint8_t>(contacts.size());
  const Bytes listed(reinterpret_cast<const uint8_t*>(contacts.data()), contacts.size_bytes());
  // A result has a value or contacts, never both. The program's mailbox is as deep as the
  // operations it may have under way, so there is room.
  CHECK(value.empty() || listed.empty());
  if (!out.results.push(0, result, value.empty() ? listed : value)) {
    counters_.node.add(NodeCounter::messages_dropped);
  }
}

void Node::end(PoolHandle operation, OperationStatus status, std::span<const Contact> contacts,
               Outputs& out) {
  emit(operations_[operation].result(status), {}, contacts, out);
  operations_.give_back(operation);
}

void Node::find(Instant now, OperationId operation, const Id& target, Outputs& out) {
  const auto handle = begin(operation, OperationTask::find, target, out);
  if (!handle) return;
  if (!start_lookup(now, LookupKind::find_node, target, Reason::operation, *handle, out)) {
    end(*handle, OperationStatus::refused, {}, out);
  }
  tell_changes(now, out);
}

void Node::get(Instant now, OperationId operation, const Id& key, Outputs& out) {
  CHECK(shard_of(key, config_.shards) == config_.shard);
  const auto handle = begin(operation, OperationTask::get, key, out);
  if (!handle) return;
  const Found found = store_.find(now, key);
  if (found.presence == Presence::value) {
    emit({operation, OperationStatus::done}, found.value, {}, out);
    operations_.give_back(*handle);
    return;
  }
  if (found.presence == Presence::cold && !pending_.full()) {
    if (const auto ticket = store_.begin_read(now, key, out.storage)) {
      pending_.insert({*ticket}, {PendingAnswer::Kind::own_value, {}, {}, key, handle->word()});
      return;
    }
  }
  operations_[*handle].is_held = found.presence == Presence::cold;
  look_for_value(now, *handle, out);
  tell_changes(now, out);
}

void Node::look_for_value(Instant now, PoolHandle operation, Outputs& out) {
  const Id key = operations_[operation].target;
  if (!start_lookup(now, LookupKind::find_value, key, Reason::operation, operation, out)) {
    end(operation, OperationStatus::refused, {}, out);
  }
}

void Node::own_value_read(Instant now, PoolHandle operation, const Finished& finished,
                          Outputs& out) {
  const Found& found = finished.found;
  if (found.presence != Presence::value) {  // Others may hold it.
    operations_[operation].is_held = finished.kind == Finished::Kind::read_failed;
    look_for_value(now, operation, out);
    return;
  }
  emit(operations_[operation].result(OperationStatus::done), found.value, {}, out);
  operations_.give_back(operation);
}

void Node::set(Instant now, OperationId operation, const Id& key, Bytes value, Outputs& out) {
  CHECK(shard_of(key, config_.shards) == config_.shard && value.size() <= value_size_max);
  const auto handle = begin(operation, OperationTask::set, key, out);
  if (!handle) return;
  operations_[*handle].keep_value(value);
  if (!start_lookup(now, LookupKind::find_node, key, Reason::operation, *handle, out)) {
    end(*handle, OperationStatus::refused, {}, out);
  }
  tell_changes(now, out);
}

void Node::finish_operation(Instant now, PoolHandle operation, const Lookup& lookup, Outputs& out) {
  std::array<Contact, bucket_size> nearest;
  const size_t count = lookup.results(nearest);
  const std::span<const Contact> contacts = std::span(nearest).first(count);
  operations_[operation].hops = static_cast<uint8_t>(lookup.hops());
  operations_[operation].asked = static_cast<uint16_t>(lookup.asked_count());
  switch (operations_[operation].task) {
    case OperationTask::find:
      end(operation, count > 0 ? OperationStatus::done : OperationStatus::no_contacts, contacts,
          out);
      return;
    case OperationTask::get:
      finish_get(now, operation, lookup, out);
      return;
    case OperationTask::set:
    case OperationTask::keep:
      store_at_nearest(now, operation, contacts, out);
      return;
    case OperationTask::join:
    case OperationTask::forget:
    case OperationTask::republish:
    case OperationTask::publish:
    case OperationTask::hand_over:
      CHECK(false);
  }
}

void Node::finish_get(Instant now, PoolHandle operation, const Lookup& lookup, Outputs& out) {
  OngoingOperation& ongoing = operations_[operation];
  const auto value = lookup.value(values_);
  if (!value) {
    std::array<Contact, 1> anybody;
    // Values that there was no room for, or that we hold and cannot read: "not found" would be
    // false.
    const bool is_there = lookup.lost_a_value() || ongoing.is_held;
    const OperationStatus status = is_there                      ? OperationStatus::refused
                                   : lookup.results(anybody) > 0 ? OperationStatus::not_found
                                                                 : OperationStatus::no_contacts;
    end(operation, status, {}, out);
    return;
  }
  emit(ongoing.result(OperationStatus::done), *value, {}, out);
  // The path copy (paper 2.3): at the nearest node asked that did not have it. Nobody waits for it,
  // but the value is kept until it is answered, as a store is sent once more.
  const auto holder = lookup.nearest_without_value();
  if (!holder) {
    operations_.give_back(operation);
    return;
  }
  ongoing.keep_value(*value);
  ongoing.age = path_copy_age(ongoing.target, *holder);
  ongoing.targets_count = 1;
  ongoing.targets[0] = {*holder};
  counters_.node.add(NodeCounter::path_copies_sent);
  ongoing.undecided_count = 1;
  if (!store_at(now, operation, 0, 0, out)) operations_.give_back(operation);
}

// The copy is to live 24 h x 2^-d, at least an hour; d = contacts we know nearer to the key than
// its holder-to-be, less k (checklist 24, DESIGN section 7). Beyond k + 5 the hour is reached.
uint32_t Node::path_copy_age(const Id& key, const Contact& holder) const {
  const size_t nearer_count = table_.count_nearer(key, holder.id, bucket_size + 5);
  const size_t d = nearer_count > bucket_size ? nearer_count - bucket_size : 0;
  const Duration lifetime = d >= 5 ? hours(1) : std::max(hours(24) / (1 << d), hours(1));
  return lifetime < config_.ttl ? static_cast<uint32_t>((config_.ttl - lifetime).whole_seconds())
                                : 0;
}

void Node::store_at_nearest(Instant now, PoolHandle operation, std::span<const Contact> nearest,
                            Outputs& out) {
  OngoingOperation& ongoing = operations_[operation];
  ongoing.aim_at(nearest);
  const bool is_near =
      nearest.size() < bucket_size || nearer(ongoing.target, self_, nearest.back().id);
  send_stores(now, operation, is_near ? OwnCopy::kept : OwnCopy::none, out);
}

void Node::send_stores(Instant now, PoolHandle operation, OwnCopy own_copy, Outputs& out) {
  OngoingOperation& ongoing = operations_[operation];
  // One more than there are, so that answers within this call do not end the operation under it.
  ongoing.undecided_count = static_cast<uint16_t>(ongoing.targets_count + 1);
  for (uint8_t i = 0; i < ongoing.targets_count; ++i) {
    if (store_at(now, operation, i, 0, out)) continue;
    ongoing.targets[i].decided = true;
    --ongoing.undecided_count;
  }
  if (own_copy == OwnCopy::kept) keep_own_copy(now, operation, out);
  store_decided(now, operation, Stored::no, out);
}

void Node::keep_own_copy(Instant now, PoolHandle operation, Outputs& out) {
  OngoingOperation& ongoing = operations_[operation];
  if (pending_.full()) {
    counters_.node.add(NodeCounter::pending_refused);
    return;
  }
  const StoreOutcome outcome =
      store_.begin_store(now, {ongoing.target, ongoing.value_bytes(), ongoing.age, 0}, out.storage);
  switch (outcome.kind) {
    case StoreOutcome::Kind::refused:
      return;
    case StoreOutcome::Kind::unchanged:
      ++ongoing.stored;
      return;
    case StoreOutcome::Kind::pending:
      ++ongoing.undecided_count;
      pending_.insert({outcome.ticket},
                      {PendingAnswer::Kind::own_copy, {}, {}, ongoing.target, operation.word()});
      return;
  }
}

void Node::store_decided(Instant now, PoolHandle operation, Stored stored, Outputs& out) {
  OngoingOperation* ongoing = operations_.find(operation);
  if (ongoing == nullptr) return;
  if (stored == Stored::yes) ++ongoing->stored;
  if (--ongoing->undecided_count > 0) return;
  switch (ongoing->task) {
    case OperationTask::get:  // A path copy: its get was answered before.
      operations_.give_back(operation);
      return;
    case OperationTask::keep:
      if (ongoing->stored > 0) note_published(now, *ongoing, out);
      end(operation, OperationStatus::done, {}, out);
      return;
    case OperationTask::republish:
    case OperationTask::publish:
    case OperationTask::hand_over:
      replicated(now, operation, out);
      return;
    default:
      break;
  }
  end(operation, ongoing->stored > 0 ? OperationStatus::done : OperationStatus::not_stored, {},
      out);
}

}  // namespace xord
