// Rounds of stores: one value at up to k nodes, and perhaps here. The owner takes a round, puts the
// value into it, sends it, reads how many stored it, and releases it. Its end is an event. A fixed
// pool, 9 KiB each; a store that is slow is retried once, and the first answer decides.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "node/budget.h"
#include "node/calls/requester.h"
#include "node/contact.h"
#include "node/disk_waits.h"
#include "node/node_context.h"
#include "node/turn.h"
#include "reactor/base/check.h"
#include "reactor/base/fixed_pool.h"
#include "storage/store.h"

namespace xord {

// Who owns a round.
enum class RoundOwner : uint8_t {
  operation,    // The program's.
  replication,  // Republish, publish, hand-over: nothing waits for it.
};

enum class OwnCopy : uint8_t { none, kept };

struct StoreTarget {
  Contact contact;
  uint8_t open_count = 0;  // Requests in flight: two, when the first was slow.
  bool decided = false;
  bool was_sent = false;
};

static_assert(bucket_size <= UINT8_MAX, "a round counts its targets in a byte");

struct StoreRound {
  RoundOwner owner{};
  PoolHandle owner_handle;
  Id key;
  uint32_t age = 0;              // Seconds since publication, sent with each store; 0: not sent.
  uint16_t undecided_count = 0;  // Stores that may still succeed, our own copy included.
  uint16_t stored = 0;
  uint8_t targets_count = 0;
  uint32_t value_size = 0;
  std::array<StoreTarget, bucket_size> targets;
  std::array<uint8_t, value_size_max> value;

  Bytes value_bytes() const { return {value.data(), value_size}; }
};

class StoreRounds {
 public:
  // `requester`, `store` and `waits` are borrowed.
  StoreRounds(const NodeContext& node, uint32_t rounds_max, Requester& requester, Store& store,
              DiskWaits& waits);

  // A round without value or targets; empty when all are in use.
  std::optional<PoolHandle> take(RoundOwner owner, PoolHandle owner_handle, const Id& key);
  // At most value_size_max bytes.
  void keep_value(PoolHandle round, Bytes value);
  // At most k.
  void aim_at(PoolHandle round, std::span<const Contact> targets);
  void set_age(PoolHandle round, uint32_t age) { rounds_[round].age = age; }
  // Sends the value to the targets; call it once per round. Ends with a round_finished event,
  // possibly within this call, at the latest when the last store is answered or expired.
  void send(const Turn& turn, PoolHandle round, OwnCopy own_copy);
  // The same for targets that are the nodes nearest to the key, nearest first: stores here too if
  // we are as near.
  void send_with_own_copy(const Turn& turn, PoolHandle round);
  // Takes the outcome of a call with Purpose::store.
  void take(const Turn& turn, const Outcome& outcome);
  // The disk has stored our own copy, or failed to.
  void own_copy_decided(const Turn& turn, PoolHandle round, bool is_stored);

  const StoreRound& operator[](PoolHandle round) const { return rounds_[round]; }
  // It was not sent, or has ended.
  void release(PoolHandle round) {
    CHECK(rounds_[round].undecided_count == 0);
    rounds_.give_back(round);
  }

 private:
  bool store_at(const Turn& turn, PoolHandle round, uint8_t target, uint8_t attempt);
  void keep_own_copy(const Turn& turn, PoolHandle round);
  void became_slow(const Turn& turn, const Call& call);
  void decided(const Turn& turn, PoolHandle round, bool is_stored);

  const NodeContext node_;
  Requester& requester_;
  Store& store_;
  DiskWaits& waits_;
  FixedPool<StoreRound> rounds_;
};

}  // namespace xord
