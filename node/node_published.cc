// What this node publishes itself: a persisted list, published anew each day (checklist 26).
#include "node/node.h"

namespace xord {
namespace {

// A key that is kept, and not published yet, is due at once: its day is over.
constexpr uint32_t day = 24 * 3600;

}  // namespace

void Node::keep(Instant now, OperationId operation, const Id& key, Bytes value, Outputs& out) {
  CHECK(shard_of(key, config_.shards) == config_.shard && value.size() <= value_size_max);
  const auto handle = begin(operation, OperationTask::keep, key, out);
  if (!handle) return;
  operations_[*handle].keep_value(value);
  if (published_ == nullptr || pending_.full()) {
    end(*handle, OperationStatus::refused, {}, out);
    return;
  }
  const StoreOutcome outcome = published_->begin_store(now, {key, value, day, 0}, out.storage);
  if (outcome.kind == StoreOutcome::Kind::pending) {
    pending_.insert({outcome.ticket, true},
                    {PendingAnswer::Kind::kept, {}, {}, key, handle->word()});
    return;
  }
  kept(now, *handle, outcome.kind == StoreOutcome::Kind::unchanged ? Stored::yes : Stored::no, out);
  tell_changes(now, out);
}

void Node::kept(Instant now, PoolHandle operation, Stored stored, Outputs& out) {
  if (operations_.find(operation) == nullptr) return;
  if (stored == Stored::no) {
    end(operation, OperationStatus::refused, {}, out);
    return;
  }
  const Id key = operations_[operation].target;
  if (start_lookup(now, LookupKind::find_node, key, Reason::operation, operation, out)) return;
  end(operation, OperationStatus::done, {}, out);  // It is in the list, and will be published.
}

void Node::note_published(Instant now, const OngoingOperation& ongoing, Outputs& out) {
  counters_.node.add(NodeCounter::records_published);
  published_->renew(now, ongoing.target, ongoing.value_bytes(), out.storage);
}

void Node::forget(Instant now, OperationId operation, const Id& key, Outputs& out) {
  CHECK(shard_of(key, config_.shards) == config_.shard);
  const auto handle = begin(operation, OperationTask::forget, key, out);
  if (!handle) return;
  const auto listed = published_ == nullptr ? std::nullopt : published_->first_from(now, key);
  if (!listed || listed->key != key || listed->found.presence == Presence::absent) {
    end(*handle, OperationStatus::not_found, {}, out);
    return;
  }
  const StoreOutcome outcome =
      pending_.full() ? StoreOutcome{} : published_->begin_remove(now, key, out.storage);
  if (outcome.kind != StoreOutcome::Kind::pending) {
    end(*handle, OperationStatus::refused, {}, out);
    return;
  }
  pending_.insert({outcome.ticket, true},
                  {PendingAnswer::Kind::forgotten, {}, {}, key, handle->word()});
}

void Node::list_published(Instant now, OperationId operation, const Id& from, Outputs& out) {
  std::array<PublishedKey, published_keys_max> keys;
  size_t count = 0;
  std::optional<Id> cursor = from;
  while (published_ != nullptr && cursor && count < keys.size()) {
    const auto listed = published_->first_from(now, *cursor);
    if (!listed) break;
    cursor = next_id(listed->key);
    if (listed->found.presence == Presence::absent) continue;
    const NodeSeconds ago = node_seconds(now) - listed->found.times.published;
    keys[count++] = {listed->key, listed->value_size, ago};
  }
  static_assert(sizeof keys <= value_size_max);
  emit({operation, OperationStatus::done},
       {reinterpret_cast<const uint8_t*>(keys.data()), count * sizeof(PublishedKey)}, {}, out);
}

}  // namespace xord
