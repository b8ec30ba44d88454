#include "node/calls/in_flight.h"

#include <sodium/crypto_shorthash_siphash24.h>

#include <cstring>

namespace xord {
namespace {

// Transaction: shard (where steering finds it), three bytes of slot index, then the hash.
constexpr size_t shard_at = 0;
constexpr size_t hash_at = 4;
constexpr uint32_t indices_max = 1u << 24;
static_assert(hash_at + crypto_shorthash_siphashx24_BYTES == transaction_size);

TimerId timer_of(PoolHandle handle) {
  return static_cast<TimerId>(handle.index);
}

}  // namespace

InFlight::InFlight(ShardIndex shard, uint32_t calls_max, const Secret& secret, Instant start)
    : shard_(shard), secret_(secret), slots_(calls_max), wheel_(calls_max, timer_tick, start) {
  CHECK(calls_max <= indices_max);
}

std::optional<Transaction> InFlight::open(Instant now, const Call& call,
                                          Duration adaptive_timeout) {
  const auto handle = slots_.take();
  if (!handle) return std::nullopt;
  Slot& slot = slots_[*handle];
  slot.call = call;
  slot.sent = now;
  slot.is_slow = false;
  slot.came_back = false;
  slot.awaits_slow = adaptive_timeout < transaction_lifetime;
  slot.transaction = transaction_of(handle->index, now);
  const Duration wait = slot.awaits_slow ? adaptive_timeout : transaction_lifetime;
  wheel_.arm(timer_of(*handle), now + wait);
  return slot.transaction;
}

Match InFlight::match(Instant now, Bytes transaction, const Endpoint& source) {
  const auto handle = find(transaction);
  if (!handle) return {};
  const Slot& slot = slots_[*handle];
  // Datagrams come before timers in a turn: after a long sleep the call is still in the table.
  if (now >= slot.ends()) return {};
  if (slot.call.to != source) return {MatchResult::wrong_source, {}, {}};
  const Match match{MatchResult::answered, slot.call, now - slot.sent, slot.is_slow,
                    slot.came_back};
  close(*handle);
  return match;
}

bool InFlight::came_back(Bytes transaction) {
  const auto handle = find(transaction);
  if (!handle) return false;
  slots_[*handle].came_back = true;
  return true;
}

bool InFlight::abandon(const Transaction& transaction) {
  const auto handle = find(transaction);
  if (!handle) return false;
  close(*handle);
  return true;
}

Overdue InFlight::fall_due(Instant now, TimerId timer, Call* call) {
  const auto handle = slots_.taken_at(static_cast<uint32_t>(timer));
  CHECK(handle.has_value());
  Slot& slot = slots_[*handle];
  *call = slot.call;
  // After a long sleep both are over at once: armed anew, the call would stay open a turn longer.
  if (!slot.awaits_slow || now >= slot.ends()) {
    close(*handle);
    return Overdue::expired;
  }
  slot.awaits_slow = false;
  slot.is_slow = true;
  wheel_.arm(timer, slot.ends());
  return Overdue::slow;
}

void InFlight::close(PoolHandle handle) {
  wheel_.cancel(timer_of(handle));
  slots_.give_back(handle);
}

std::optional<PoolHandle> InFlight::find(Bytes transaction) const {
  if (transaction.size() != transaction_size || transaction[shard_at] != shard_) {
    return std::nullopt;
  }
  const auto handle = slots_.taken_at(load_be32(&transaction[shard_at]) & (indices_max - 1));
  if (!handle || !equal(transaction, slots_[*handle].transaction)) return std::nullopt;
  return handle;
}

Transaction InFlight::transaction_of(uint32_t index, Instant now) {
  // The counter makes each call's hash its own; the time makes a secret that was used in an earlier
  // run by mistake less of a gift.
  struct Input {
    uint64_t counter;
    int64_t sent;
    uint64_t slot;
  };
  static_assert(sizeof(Input) == 24, "no padding is hashed");
  const Input input{counter_++, now.nanoseconds, uint64_t{shard_} << 32 | index};
  Transaction transaction;
  store_be32(transaction.data(), uint32_t{shard_} << 24 | index);
  crypto_shorthash_siphashx24(&transaction[hash_at], reinterpret_cast<const uint8_t*>(&input),
                              sizeof input, secret_.data());
  return transaction;
}

}  // namespace xord
