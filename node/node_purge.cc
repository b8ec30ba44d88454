// Purging: records taken out of the store at the program's wish, from the index and from the disk.
#include "node/node.h"

namespace xord {

void Node::purge(Instant now, OperationId operation, const Id& from, uint32_t prefix_bits,
                 Outputs& out) {
  CHECK(prefix_bits <= id_bits);
  if (purge_.waiting_count > 0) {
    counters_.node.add(NodeCounter::operations_refused);
    return emit({operation, OperationStatus::refused}, {}, {}, out);
  }
  purge_ = {operation, 0, 0, 0, from};
  bool has_room = true;
  for (uint32_t visits = 0; purge_.next && has_room && visits < purge_visits_max; ++visits) {
    const auto scanned = store_.first_from(now, *purge_.next);
    if (!scanned || shared_prefix(scanned->key, from) < prefix_bits) {
      purge_.next.reset();
      break;
    }
    const bool is_there = scanned->found.presence != Presence::absent;
    has_room = !is_there || begin_removal(now, scanned->key, out);
    purge_.next = has_room ? next_id(scanned->key) : scanned->key;
    // Whoever goes on from there must stay in the range.
    if (purge_.next && shared_prefix(*purge_.next, from) < prefix_bits) purge_.next.reset();
  }
  if (purge_.waiting_count > 0) return;
  if (!has_room) return emit({operation, OperationStatus::refused}, {}, {}, out);
  end_purge(out);
}

bool Node::begin_removal(Instant now, const Id& key, Outputs& out) {
  if (pending_.full() || purge_.waiting_count == purge_records_max) return false;
  const StoreOutcome outcome = store_.begin_remove(now, key, out.storage);
  if (outcome.kind == StoreOutcome::Kind::refused) return false;
  pending_.insert({outcome.ticket}, {PendingAnswer::Kind::removal, {}, {}, key, 0});
  ++purge_.waiting_count;
  return true;
}

void Node::removed(Stored erased, Outputs& out) {
  CHECK(purge_.waiting_count > 0);
  ++(erased == Stored::yes ? purge_.erased_count : purge_.failed_count);
  if (--purge_.waiting_count == 0) end_purge(out);
}

void Node::end_purge(Outputs& out) {
  OperationResult result;
  result.operation = purge_.operation;
  result.status = purge_.failed_count == 0 ? OperationStatus::done : OperationStatus::not_stored;
  result.stored = purge_.erased_count;
  const Bytes next = purge_.next ? Bytes(purge_.next->bytes) : Bytes();
  emit(result, next, {}, out);
}

}  // namespace xord
