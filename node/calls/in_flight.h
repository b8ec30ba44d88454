// Our requests that await an answer: transaction to call, in a fixed table. An answer counts only
// if it comes from the endpoint that was asked and has our transaction: 16 bytes of a keyed hash
// that nobody off the path can guess (or, for a dialect with four-byte transactions, 32 bits less
// those of the shard). Anything else leaves the call as it was. Knows neither lookups nor wire
// formats, sends nothing, draws no entropy: equal calls give equal transactions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/budget.h"
#include "node/wire/message.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/fixed_pool.h"
#include "reactor/base/id.h"
#include "reactor/base/instant.h"
#include "reactor/base/timer_wheel.h"

namespace xord {

// Why we called: says who gets the outcome.
enum class Purpose : uint8_t {
  lookup,     // A step of a lookup; the owner is the lookup.
  admission,  // A ping to a source whose requests are held.
  probe,      // A ping for the routing table.
  bootstrap,  // A ping to an address whose id is not yet known; row: its index.
  store,      // A store of an operation: set, path copy, republish, hand-over.
  survey,     // A question of a region's survey; the owner is the survey.
  command,    // A single call of a client command.
  count
};

struct Call {
  Purpose purpose{};
  Method method{};
  uint8_t attempt = 0;  // 0, or 1 for a retry, which is a new transaction.
  Endpoint to;
  std::optional<Id> responder;  // The id expected at `to`, when known.
  // Who gets the outcome, and for which of its rows. The owner chooses the meaning of both.
  PoolHandle owner;
  uint16_t row = 0;
};

enum class MatchResult : uint8_t {
  answered,      // Our call, and from the endpoint we asked.
  unknown,       // No open call has this transaction: made up, repeated, or too late.
  wrong_source,  // An open call's transaction, but from another endpoint. The call stays open.
  count
};

struct Match {
  MatchResult result = MatchResult::unknown;
  // For an answer: its call, now closed, so that the answer cannot match again. From a wrong
  // source: the open call.
  Call call;
  Duration round_trip;     // From open() to match().
  bool came_back = false;  // Its request also reached us: we asked ourselves.
};

enum class Overdue : uint8_t {
  slow,     // Past its adaptive timeout; still open, an answer still counts.
  expired,  // Past its lifetime; closed.
};

class InFlight {
 public:
  using Secret = std::array<uint8_t, 16>;

  // `secret` must be new in each run: with equal secrets, equal calls give equal transactions.
  // `calls_max` at most 2^24. `transaction_bytes` is transaction_size or transaction_short.
  InFlight(ShardIndex shard, uint32_t calls_max, const Secret& secret, Instant start,
           size_t transaction_bytes = transaction_size, uint32_t shards = 1);

  size_t transaction_bytes() const { return transaction_bytes_; }
  // The bits of a transaction's first byte that name its shard.
  static uint8_t shard_mask(size_t transaction_bytes, uint32_t shards);
  // The shard that opened the call with `transaction`; empty if its length shows that it is not
  // ours. A short transaction holds the shard in the lowest bits of its first byte, as many as
  // needed.
  std::optional<ShardIndex> shard_of(Bytes transaction) const {
    if (transaction.size() != transaction_bytes_) return std::nullopt;
    return static_cast<ShardIndex>(transaction[0] & shard_mask_);
  }

  // Opens `call`: slow `adaptive_timeout` from now (never, unless that is shorter than
  // transaction_lifetime) and expired transaction_lifetime from now. Returns its transaction, of
  // which the first transaction_bytes() are to be sent. Empty when calls_max are open: refuse and
  // count.
  [[nodiscard]] std::optional<Transaction> open(Instant now, const Call& call,
                                                Duration adaptive_timeout);
  // The call that a reply from `source` with `transaction` answers. Any length is accepted: a
  // transaction that is not ours is unknown, and so is any answer after the lifetime, even if the
  // call was not yet reported as expired.
  [[nodiscard]] Match match(Instant now, Bytes transaction, const Endpoint& source);
  // A request with this transaction reached us: if it belongs to a call of ours, we sent it to
  // ourselves, and the call's answer will say so. True if there is such a call.
  bool came_back(Bytes transaction);

  // Calls overdue(const Call&, Overdue) for every call that became slow or expired by `now`,
  // earliest first; a call that is both is reported only as expired. `overdue` may open calls.
  template <class Sink>
  void advance(Instant now, Sink&& overdue) {
    wheel_.advance(now, [&](TimerId timer) {
      Call call;
      const Overdue what = fall_due(now, timer, &call);
      overdue(static_cast<const Call&>(call), what);
    });
  }
  std::optional<Instant> next_wakeup() const { return wheel_.next_wakeup(); }

  uint32_t open_count() const { return slots_.taken_count(); }

 private:
  struct Slot {
    Instant ends() const { return sent + transaction_lifetime; }
    Call call;
    Instant sent;
    bool awaits_slow = false;  // Whether its timer is armed for slow, or for expired.
    bool came_back = false;
    Transaction transaction{};
  };

  Transaction transaction_of(uint32_t index, Instant now);
  // The open call with this transaction. Several may share a short one: prefers the one to
  // `source`.
  std::optional<PoolHandle> find(Bytes transaction, const Endpoint* source) const;
  std::optional<PoolHandle> find_short(Bytes transaction, const Endpoint* source) const;
  // The row of a transaction in the index of short transactions.
  size_t row_of(const Transaction& transaction) const {
    return (load_be32(transaction.data()) * 0x9e3779b1u) & (short_rows_.size() - 1);
  }
  void index_short(uint32_t slot);
  void unindex_short(uint32_t slot);
  Overdue fall_due(Instant now, TimerId timer, Call* call);
  void close(PoolHandle handle);

  static constexpr uint32_t no_slot = UINT32_MAX;

  ShardIndex shard_;
  size_t transaction_bytes_;
  uint8_t shard_mask_;
  Secret secret_;
  uint64_t counter_ = 0;
  FixedPool<Slot> slots_;
  TimerWheel wheel_;                  // One timer per slot: first for slow, then for expired.
  std::vector<uint32_t> short_rows_;  // Slots by short transaction, linear probing, half full.
};

}  // namespace xord
