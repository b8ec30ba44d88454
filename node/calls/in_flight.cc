#include "node/calls/in_flight.h"

#include <sodium/crypto_shorthash_siphash24.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "reactor/base/check.h"

namespace xord {
namespace {

// Layout of a transaction: shard (read by the kernel's steering), three bytes of slot index, then
// the hash.
constexpr size_t shard_at = 0;
constexpr size_t hash_at = 4;
constexpr uint32_t indices_max = 1u << 24;
static_assert(indices_max == 1u << 8 * (hash_at - shard_at - 1));
static_assert(hash_at + crypto_shorthash_siphashx24_BYTES == transaction_size);
static_assert(transaction_short == sizeof(uint32_t), "InFlight::row_of() reads all of it");

TimerId timer_of(PoolHandle handle) {
  return static_cast<TimerId>(handle.index);
}

}  // namespace

InFlight::InFlight(ShardIndex shard, uint32_t calls_max, const Secret& secret, Instant start,
                   size_t transaction_bytes, uint32_t shards)
    : shard_(shard),
      transaction_bytes_(transaction_bytes),
      shard_mask_(shard_mask(transaction_bytes, shards)),
      secret_(secret),
      slots_(calls_max),
      wheel_(calls_max, timer_tick, start) {
  CHECK(calls_max <= indices_max && shards >= 1 && shards <= shards_max);
  CHECK(transaction_bytes == transaction_size || transaction_bytes == transaction_short);
  CHECK((shard & shard_mask_) == shard);  // Each transaction names it.
  if (transaction_bytes == transaction_short) {
    short_rows_.assign(std::bit_ceil(size_t{calls_max} * 2), no_slot);
  }
}

uint8_t InFlight::shard_mask(size_t transaction_bytes, uint32_t shards) {
  if (transaction_bytes == transaction_size) return UINT8_MAX;
  return static_cast<uint8_t>(std::bit_ceil(shards) - 1);
}

std::optional<Transaction> InFlight::open(Instant now, const Call& call,
                                          Duration adaptive_timeout) {
  DCHECK(adaptive_timeout > Duration{});
  const auto handle = slots_.take();
  if (!handle) return std::nullopt;
  Slot& slot = slots_[*handle];
  slot.call = call;
  slot.sent = now;
  slot.came_back = false;
  slot.awaits_slow = adaptive_timeout < transaction_lifetime;
  slot.transaction = transaction_of(handle->index, now);
  DCHECK(shard_of(Bytes(slot.transaction).first(transaction_bytes_)) == shard_);
  if (!short_rows_.empty()) index_short(handle->index);
  DCHECK(!wheel_.is_armed(timer_of(*handle)));  // That of a closed call was cancelled.
  const Duration wait = slot.awaits_slow ? adaptive_timeout : transaction_lifetime;
  wheel_.arm(timer_of(*handle), now + wait);
  return slot.transaction;
}

Match InFlight::match(Instant now, Bytes transaction, const Endpoint& source) {
  const auto handle = find(transaction, &source);
  if (!handle) return {};
  const Slot& slot = slots_[*handle];
  // Datagrams are handled before timers in a turn: after a long sleep an expired call may still be
  // in the table.
  if (now >= slot.ends()) return {};
  if (slot.call.to != source) return {MatchResult::wrong_source, slot.call, {}};
  const Match match{MatchResult::answered, slot.call, now - slot.sent, slot.came_back};
  close(*handle);
  return match;
}

bool InFlight::came_back(Bytes transaction) {
  const auto handle = find(transaction, nullptr);
  if (!handle) return false;
  slots_[*handle].came_back = true;
  return true;
}

Overdue InFlight::fall_due(Instant now, TimerId timer, Call* call) {
  const auto handle = slots_.taken_at(static_cast<uint32_t>(timer));
  CHECK(handle.has_value());
  Slot& slot = slots_[*handle];
  *call = slot.call;
  // After a long sleep both times have passed: rearmed, the call would stay open for another turn.
  if (!slot.awaits_slow || now >= slot.ends()) {
    close(*handle);
    return Overdue::expired;
  }
  slot.awaits_slow = false;
  wheel_.arm(timer, slot.ends());
  return Overdue::slow;
}

void InFlight::close(PoolHandle handle) {
  if (!short_rows_.empty()) unindex_short(handle.index);
  wheel_.cancel(timer_of(handle));
  slots_.give_back(handle);
}

std::optional<PoolHandle> InFlight::find(Bytes transaction, const Endpoint* source) const {
  if (shard_of(transaction) != shard_) return std::nullopt;
  if (!short_rows_.empty()) return find_short(transaction, source);
  const auto handle = slots_.taken_at(load_be32(&transaction[shard_at]) & (indices_max - 1));
  if (!handle || !equal(transaction, slots_[*handle].transaction)) return std::nullopt;
  return handle;
}

std::optional<PoolHandle> InFlight::find_short(Bytes transaction, const Endpoint* source) const {
  DCHECK(transaction.size() == transaction_short);
  Transaction wanted{};
  std::copy(transaction.begin(), transaction.end(), wanted.begin());
  std::optional<PoolHandle> found;
  for (size_t row = row_of(wanted); short_rows_[row] != no_slot;
       row = (row + 1) & (short_rows_.size() - 1)) {
    const auto handle = slots_.taken_at(short_rows_[row]);
    DCHECK(handle.has_value());
    const Slot& slot = slots_[*handle];
    if (slot.transaction != wanted) continue;
    if (source == nullptr || slot.call.to == *source) return handle;
    found = handle;
  }
  return found;
}

void InFlight::index_short(uint32_t slot) {
  DCHECK(slots_.taken_count() * size_t{2} <= short_rows_.size());  // So every search ends.
  size_t row = row_of(slots_[*slots_.taken_at(slot)].transaction);
  while (short_rows_[row] != no_slot) row = (row + 1) & (short_rows_.size() - 1);
  short_rows_[row] = slot;
}

// Without tombstones: later entries move into the hole where they may.
void InFlight::unindex_short(uint32_t slot) {
  const size_t mask = short_rows_.size() - 1;
  size_t hole = row_of(slots_[*slots_.taken_at(slot)].transaction);
  while (short_rows_[hole] != slot) {
    CHECK(short_rows_[hole] != no_slot);
    hole = (hole + 1) & mask;
  }
  for (size_t row = (hole + 1) & mask; short_rows_[row] != no_slot; row = (row + 1) & mask) {
    const size_t home = row_of(slots_[*slots_.taken_at(short_rows_[row])].transaction);
    if (((row - home) & mask) < ((row - hole) & mask)) continue;
    short_rows_[hole] = short_rows_[row];
    hole = row;
  }
  short_rows_[hole] = no_slot;
}

Transaction InFlight::transaction_of(uint32_t index, Instant now) {
  // The counter makes each call's hash unique; the time limits the damage if a secret from an
  // earlier run is used again by mistake.
  struct Input {
    uint64_t counter;
    int64_t sent;
    uint64_t slot;
  };
  static_assert(sizeof(Input) == 24, "no padding is hashed");
  DCHECK(index < indices_max);
  const Input input{counter_++, now.nanoseconds, uint64_t{shard_} << 32 | index};
  Transaction transaction{};
  if (transaction_bytes_ == transaction_short) {
    std::array<uint8_t, crypto_shorthash_siphashx24_BYTES> hash;
    crypto_shorthash_siphashx24(hash.data(), reinterpret_cast<const uint8_t*>(&input), sizeof input,
                                secret_.data());
    std::copy_n(hash.begin(), transaction_short, transaction.begin());
    transaction[0] = static_cast<uint8_t>((transaction[0] & ~shard_mask_) | shard_);
    return transaction;
  }
  store_be32(transaction.data(), uint32_t{shard_} << 24 | index);
  crypto_shorthash_siphashx24(&transaction[hash_at], reinterpret_cast<const uint8_t*>(&input),
                              sizeof input, secret_.data());
  return transaction;
}

}  // namespace xord
