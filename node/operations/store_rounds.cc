#include "node/operations/store_rounds.h"

#include <cstring>

#include "reactor/base/check.h"

namespace xord {

StoreRounds::StoreRounds(const NodeContext& node, uint32_t rounds_max, Requester& requester,
                         Store& store, DiskWaits& waits)
    : node_(node), requester_(requester), store_(store), waits_(waits), rounds_(rounds_max) {}

std::optional<PoolHandle> StoreRounds::take(RoundOwner owner, PoolHandle owner_handle,
                                            const Id& key) {
  const auto handle = rounds_.take();
  if (!handle) return std::nullopt;
  StoreRound& round = rounds_[*handle];
  round.owner = owner;
  round.owner_handle = owner_handle;
  round.key = key;
  round.age = round.value_size = 0;
  round.undecided_count = round.stored = 0;
  round.targets_count = 0;
  return handle;
}

void StoreRounds::keep_value(PoolHandle handle, Bytes value) {
  StoreRound& round = rounds_[handle];
  CHECK(value.size() <= value_size_max);
  CHECK(round.undecided_count == 0);  // A retry sends the value again.
  if (!value.empty()) std::memcpy(round.value.data(), value.data(), value.size());
  round.value_size = static_cast<uint32_t>(value.size());
}

void StoreRounds::aim_at(PoolHandle handle, std::span<const Contact> targets) {
  StoreRound& round = rounds_[handle];
  CHECK(targets.size() <= bucket_size);
  CHECK(round.undecided_count == 0);
  round.targets_count = static_cast<uint8_t>(targets.size());
  for (size_t i = 0; i < targets.size(); ++i) round.targets[i] = {targets[i]};
}

void StoreRounds::send(const Turn& turn, PoolHandle handle, OwnCopy own_copy) {
  StoreRound& round = rounds_[handle];
  CHECK(round.undecided_count == 0 && round.stored == 0);
  // One too many until all have been sent, so that the round cannot end before.
  round.undecided_count = static_cast<uint16_t>(round.targets_count + 1);
  for (uint8_t i = 0; i < round.targets_count; ++i) {
    if (store_at(turn, handle, i, 0)) continue;
    round.targets[i].decided = true;
    --round.undecided_count;
  }
  if (own_copy == OwnCopy::kept) keep_own_copy(turn, handle);
  decided(turn, handle, false);
}

void StoreRounds::send_with_own_copy(const Turn& turn, PoolHandle handle) {
  const StoreRound& round = rounds_[handle];
  const bool is_near = round.targets_count < bucket_size ||
                       nearer(round.key, node_.self, round.targets[bucket_size - 1].contact.id);
  send(turn, handle, is_near ? OwnCopy::kept : OwnCopy::none);
}

bool StoreRounds::store_at(const Turn& turn, PoolHandle handle, uint8_t target, uint8_t attempt) {
  StoreRound& round = rounds_[handle];
  CHECK(target < round.targets_count);
  StoreTarget& at = round.targets[target];
  const Call call{Purpose::store, {}, attempt, at.contact.endpoint, at.contact.id, handle, target};
  const auto age = round.age > 0 ? std::optional(round.age) : std::nullopt;
  if (!requester_.send(turn, call, {Method::store, round.key, round.value_bytes(), age})) {
    return false;
  }
  ++at.open_count;
  CHECK(at.open_count <= 2);  // One, and its retry.
  at.was_sent = true;
  return true;
}

void StoreRounds::keep_own_copy(const Turn& turn, PoolHandle handle) {
  StoreRound& round = rounds_[handle];
  CHECK(round.undecided_count > 0);  // The round has not ended.
  if (waits_.full()) {
    node_.count(NodeCounter::pending_refused);
    return;
  }
  const StoreOutcome outcome = store_.begin_store(
      turn.now, {round.key, round.value_bytes(), round.age, 0}, turn.out.storage);
  switch (outcome.kind) {
    case StoreOutcome::Kind::refused:
      return;
    case StoreOutcome::Kind::unchanged:
      ++round.stored;
      return;
    case StoreOutcome::Kind::pending:
      ++round.undecided_count;
      waits_.insert({outcome.ticket}, {DiskWait::Kind::own_copy, {}, {}, round.key, handle.word()});
      return;
  }
}

void StoreRounds::take(const Turn& turn, const Outcome& outcome) {
  const Call& call = outcome.call;
  StoreRound* round = rounds_.find(call.owner);
  if (round == nullptr) return;  // The round ended while this call was slow.
  CHECK(call.row < round->targets_count);
  if (outcome.kind == Outcome::Kind::slow) return became_slow(turn, call);
  StoreTarget& target = round->targets[call.row];
  CHECK(target.open_count > 0);
  --target.open_count;
  const bool is_answer = outcome.kind == Outcome::Kind::answered;
  if (target.decided || (!is_answer && target.open_count > 0)) return;
  target.decided = true;
  decided(turn, call.owner, is_answer && outcome.reply->stored);
}

// A store is retried once, as a new transaction; the first stays open. Nothing waits for a store of
// the node's own upkeep, so after being slow twice it is given up, to free its slot for another
// record: a late answer still shows that the contact is alive, and how far away.
void StoreRounds::became_slow(const Turn& turn, const Call& call) {
  const StoreRound& round = rounds_[call.owner];
  StoreTarget& target = rounds_[call.owner].targets[call.row];
  if (target.decided) return;
  if (call.attempt == 0) {
    if (store_at(turn, call.owner, static_cast<uint8_t>(call.row), 1)) {
      node_.count(NodeCounter::calls_repeated);
    }
  } else if (round.owner == RoundOwner::replication) {
    target.decided = true;
    decided(turn, call.owner, false);
  }
}

void StoreRounds::own_copy_decided(const Turn& turn, PoolHandle round, bool is_stored) {
  if (rounds_.find(round) != nullptr) decided(turn, round, is_stored);
}

void StoreRounds::decided(const Turn& turn, PoolHandle handle, bool is_stored) {
  StoreRound& round = rounds_[handle];
  CHECK(round.undecided_count > 0);
  if (is_stored) ++round.stored;
  CHECK(round.stored <= round.targets_count + 1);  // Ours is the one more.
  if (--round.undecided_count == 0) turn.events.push({Event::Kind::round_finished, handle, {}});
}

}  // namespace xord
