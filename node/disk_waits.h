// Requests and operations that wait for the disk: a store is acknowledged when its batch is
// committed, a find_value whose value is not in memory is answered when it has been read. A fixed
// table that maps a storage ticket to the action to take then; nothing allocates after
// construction.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/operation_result.h"
#include "node/wire/message.h"
#include "reactor/base/check.h"
#include "reactor/base/datagram.h"
#include "reactor/base/instant.h"
#include "storage/operation.h"

namespace xord {

// The two stores of a node number their tickets independently.
struct DiskTicket {
  Ticket ticket = 0;
  bool is_list = false;  // For the published list of the node.

  bool operator==(const DiskTicket&) const = default;
};

struct DiskWait {
  enum class Kind : uint8_t {
    store_reply,  // To `path`: true or false.
    value_reply,  // To `path`: the value, or contacts if it is lost.
    own_copy,     // A round of stores waits for this node's own copy.
    own_value,    // A get of ours waits for a value held here.
    removal,      // A purge of ours waits for a record to be erased.
    kept,         // A keep waits for the list's disk.
    forgotten,    // A forget waits for the list's disk.
    replicated,   // A republish or hand-over waits for its value.
  };
  Kind kind{};
  Path path;
  WireTransaction transaction;
  Id key;
  // PoolHandle::word() of the owner; unused in store_reply, value_reply and removal.
  uint64_t owner = 0;
  Id asker{};                 // value_reply only.
  uint16_t request_size = 0;  // store_reply and value_reply only: of the datagram.
};

class DiskWaits {
 public:
  // Room for `pending_max` waits, in a table that is at most half full.
  explicit DiskWaits(uint32_t pending_max)
      : pending_max_(pending_max), rows_(std::bit_ceil(uint64_t{pending_max} * 2)) {
    CHECK(pending_max_ < rows_.size());  // A search ends at an empty row.
  }

  bool full() const { return count_ == pending_max_; }
  uint32_t count() const { return count_; }
  // How many requests of peers must wait for the disk to be called behind: at 65,000 stores a
  // second, 16 ms of its work. A disk whose syncs take so long that it always has more is behind,
  // too: what it is sent beyond that would only wait longer.
  static constexpr uint32_t backlog_least = 1024;
  // Since when so many have waited whenever this was called; empty: fewer do.
  std::optional<Instant> backlogged_since(Instant now) {
    if (of_peers_ < backlog_least) {
      backlogged_since_.reset();
    } else if (!backlogged_since_) {
      backlogged_since_ = now;
    }
    return backlogged_since_;
  }
  // `key` must not be in the table, and the table must not be full.
  void insert(const DiskTicket& key, const DiskWait& wait) {
    CHECK(!full());
    size_t at = slot_of(key);
    while (rows_[at].used) {
      DCHECK(rows_[at].key != key);
      at = next(at);
    }
    rows_[at] = {true, key, wait};
    ++count_;
    of_peers_ += is_of_peer(wait.kind);
  }
  // Removes and returns the wait; empty when the ticket is not in the table.
  std::optional<DiskWait> take(const DiskTicket& key) {
    for (size_t at = slot_of(key); rows_[at].used; at = next(at)) {
      if (rows_[at].key != key) continue;
      const DiskWait wait = rows_[at].wait;
      erase(at);
      of_peers_ -= is_of_peer(wait.kind);
      return wait;
    }
    return std::nullopt;
  }

 private:
  struct Row {
    bool used = false;
    DiskTicket key;
    DiskWait wait;
  };

  static bool is_of_peer(DiskWait::Kind kind) {
    return kind == DiskWait::Kind::store_reply || kind == DiskWait::Kind::value_reply;
  }
  // The low half of a write's ticket is the index of its slot, the high half of a read's its
  // number: the sum of the halves is well spread as it is.
  size_t slot_of(const DiskTicket& key) const {
    return (key.ticket + (key.ticket >> 32)) & (rows_.size() - 1);
  }
  size_t next(size_t at) const { return (at + 1) & (rows_.size() - 1); }
  // Linear probing without tombstones: later entries move into the hole where they may.
  void erase(size_t hole) {
    DCHECK(rows_[hole].used && count_ > 0);
    for (size_t at = next(hole); rows_[at].used; at = next(at)) {
      const size_t distance_home = (at - slot_of(rows_[at].key)) & (rows_.size() - 1);
      const size_t distance_hole = (at - hole) & (rows_.size() - 1);
      if (distance_home < distance_hole) continue;
      rows_[hole] = rows_[at];
      hole = at;
    }
    rows_[hole].used = false;
    --count_;
  }

  uint32_t pending_max_;
  uint32_t count_ = 0;
  uint32_t of_peers_ = 0;
  std::optional<Instant> backlogged_since_;
  std::vector<Row> rows_;  // Sized at construction.
};

}  // namespace xord
