// Hand-over (paper 2.5, checklist 31): a newcomer gets each record for which it is among the k
// nearest, from the holder nearest to the key and from nobody else. Found by a scan of the ordered
// index that steps over whole ranges in which others are nearer: it meets the records that we are
// the nearest holder of, about one in k of what we hold, and never walks the store.
#include "node/node.h"

namespace xord {

void Node::take_arrivals(Instant now) {
  while (const auto newcomer = table_.take_arrival()) {
    counters_.node.set(NodeCounter::network_size, table_.network_size());
    if (table_.answerable_count() <= 1) replication_.settled_at = now + settling;
    if (now < replication_.settled_at || !handed_.is_first(*newcomer, now)) continue;
    if (!replication_.add_newcomer(*newcomer)) {
      counters_.node.add(NodeCounter::hand_overs_refused);
    }
  }
}

// Takes the next newcomer for which there may be a record; false when there is none.
bool Node::begin_hand_over() {
  while (!replication_.hand_over && !replication_.newcomers.empty()) {
    const Contact newcomer = replication_.newcomers.front();
    replication_.newcomers.erase(replication_.newcomers.begin());
    const HandOver begun{newcomer, Id{}, table_.occupied_ranges(newcomer.id)};
    const uint32_t range = shared_prefix(self_, newcomer.id);
    bool others_are_nearer =
        table_.count_nearer(self_, newcomer.id, bucket_size) + 1 >= bucket_size;
    for (uint32_t i = 0; i <= range && i < id_bits; ++i) {
      others_are_nearer = others_are_nearer && begun.occupied[i];
    }
    // Whatever key we are the nearest to has k nearer nodes than the newcomer.
    if (others_are_nearer) continue;
    counters_.node.add(NodeCounter::hand_overs);
    replication_.hand_over = begun;
  }
  return replication_.hand_over.has_value();
}

bool Node::step_hand_over(Instant now, HandOver& hand_over, Outputs& out) {
  const auto record = store_.first_from(now, hand_over.cursor);
  if (!record) return false;
  // In an occupied range that the key shares more with than we do, somebody is nearer to it; so
  // it is for all keys that begin alike.
  uint32_t shared = id_bits;
  for (uint32_t range = 0; range < id_bits; ++range) {
    if (!hand_over.occupied[range] || record->key.bit(range) == self_.bit(range)) continue;
    shared = range + 1;
    break;
  }
  const Id& newcomer = hand_over.newcomer.id;
  if (shared == id_bits && record->found.presence != Presence::absent) {
    const size_t nearer_count = table_.count_nearer(record->key, newcomer, bucket_size) +
                                (nearer(record->key, self_, newcomer) ? 1 : 0);
    if (nearer_count < bucket_size) {
      begin_replication(now, OperationTask::hand_over, *record, std::span(&hand_over.newcomer, 1),
                        out);
    }
  }
  const auto next = next_id(last_of_block(record->key, shared));
  if (next) hand_over.cursor = *next;
  return next.has_value();
}

}  // namespace xord
