#include <algorithm>

#include "node/replication/replicator.h"
#include "reactor/base/check.h"

namespace xord {

void Replicator::take_arrivals(Instant now) {
  while (const auto newcomer = contacts_.table().take_arrival()) {
    if (!node_.dialect.traits().holders_republish) continue;
    node_.counters.node.set(NodeCounter::network_size, contacts_.table().network_size());
    if (contacts_.table().answerable_count() <= 1) replication_.settled_at = now + settling;
    if (now < replication_.settled_at || !handed_.is_first(*newcomer, now)) continue;
    if (!replication_.add_newcomer(*newcomer, node_.config.routing.subnets)) {
      node_.count(NodeCounter::hand_overs_refused);
    }
  }
}

// Notes which ranges hold contacts besides the newcomer; false when no record can be for it.
bool Replicator::begin_hand_over(HandOver& hand_over) {
  CHECK(!hand_over.has_begun);
  const Contact& newcomer = hand_over.newcomer;
  hand_over.has_begun = true;
  hand_over.occupied = contacts_.table().occupied_ranges(newcomer.id);
  const uint32_t range = shared_prefix(node_.self, newcomer.id);
  bool others_are_nearer =
      contacts_.table().count_nearer(node_.self, newcomer.id, bucket_size) + 1 >= bucket_size;
  for (uint32_t i = 0; i <= range && i < id_bits; ++i) {
    others_are_nearer = others_are_nearer && hand_over.occupied[i];
  }
  // Every key that we are nearest to has k nodes nearer to it than the newcomer.
  if (others_are_nearer) return false;
  node_.count(NodeCounter::hand_overs);
  return true;
}

std::optional<PoolHandle> Replicator::hand_over_in_turn(Instant now) {
  FixedPool<HandOver>& hand_overs = replication_.hand_overs;
  if (hand_overs.taken_count() == 0) return std::nullopt;
  for (uint32_t i = 0; i < hand_overs.slots_max(); ++i) {
    if (replication_.turn >= hand_overs.slots_max()) replication_.turn = 0;
    if (const auto handle = hand_overs.taken_at(replication_.turn)) {
      HandOver& hand_over = hand_overs[*handle];
      const bool is_silent =
          hand_over.credit == 0 && now - hand_over.given_at >= hand_over_patience;
      if (is_silent) node_.count(NodeCounter::hand_overs_unanswered);
      if (is_silent || !(hand_over.has_begun || begin_hand_over(hand_over))) {
        hand_overs.give_back(*handle);
      } else if (hand_over.credit > 0) {
        return handle;
      }
    }
    ++replication_.turn;
  }
  return std::nullopt;
}

void Replicator::store_answered(Instant now, const Contact& contact) {
  FixedPool<HandOver>& hand_overs = replication_.hand_overs;
  if (hand_overs.taken_count() == 0) return;
  for (uint32_t i = 0; i < hand_overs.slots_max(); ++i) {
    const auto handle = hand_overs.taken_at(i);
    if (!handle || hand_overs[*handle].newcomer != contact) continue;
    HandOver& hand_over = hand_overs[*handle];
    hand_over.credit =
        std::min(hand_over.credit + 2, replication_.open.slots_max() + hand_over_credit);
    replication_.resume_at = now;
    return;
  }
}

Replicator::Step Replicator::step_hand_over(const Turn& turn, PoolHandle handle) {
  HandOver& hand_over = replication_.hand_overs[handle];
  CHECK(hand_over.has_begun && hand_over.credit > 0);
  const auto record = store_.first_from(turn.now, hand_over.cursor);
  if (!record) return Step::at_the_end;
  // If an occupied range shares more bits with the key than we do, some node is nearer to it than
  // we are; the same holds for all keys with those bits.
  uint32_t shared = id_bits;
  for (uint32_t range = 0; range < id_bits; ++range) {
    if (!hand_over.occupied[range] || record->key.bit(range) == node_.self.bit(range)) continue;
    shared = range + 1;
    break;
  }
  const Id& newcomer = hand_over.newcomer.id;
  if (shared == id_bits && record->found.presence != Presence::absent) {
    const size_t nearer_count = contacts_.table().count_nearer(record->key, newcomer, bucket_size) +
                                (nearer(record->key, node_.self, newcomer) ? 1 : 0);
    if (nearer_count < bucket_size) {
      --hand_over.credit;  // Refunded if it is not sent.
      if (!begin(turn, {OpenRecord::Task::hand_over, {}, handle, 0}, *record,
                 std::span(&hand_over.newcomer, 1))) {
        return Step::again;
      }
      hand_over.given_at = turn.now;
      ++replication_.turn;
    }
  }
  const auto next = next_id(last_of_block(record->key, shared));
  if (next) hand_over.cursor = *next;
  return next ? Step::done : Step::at_the_end;
}

}  // namespace xord
