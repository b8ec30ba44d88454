// Writes that the disk has not completed yet, with their values, so that a store can compare with
// the value stored last and put a committed value into the cache. Fixed size: `writes_max` writes
// and `bytes_max` bytes. Values lie in a ring, because a disk completes roughly in order.
#pragma once

#include <optional>
#include <vector>

#include "reactor/base/fixed_pool.h"
#include "storage/record.h"

namespace xord {

struct PendingWrite {
  enum class Purpose : uint8_t {
    for_caller,
    upkeep,  // No caller waits for it.
  };
  RecordHandle record = no_record;
  OperationKind kind{};  // write, write_times or erase.
  Purpose purpose{};
  uint16_t source_prefix = 0;
  RecordTimes times;
  uint32_t value_at = 0;  // Position in the ring; write only.
  uint32_t value_size = 0;
  uint32_t next = UINT32_MAX;  // The next older write in its hash bucket's chain.
};

class PendingWrites {
 public:
  PendingWrites(uint32_t writes_max, uint32_t bytes_max);

  // Whether add() of a value of this size would succeed.
  bool has_room(size_t value_size) const;
  // Whether it would leave room for others: a prefix may have as many writes and bytes as a quarter
  // of what is left, or a few. So others find room however much it sends, and do not wait long, as
  // the disk is served in order: of 4,096 writes it has at most 819, 13 ms of a disk's work at
  // 65,000 a second. Prefix 0 may take all.
  bool leaves_room(uint16_t source_prefix, size_t value_size) const;
  // Copies `value`; there must be room. Tickets are never reused.
  Ticket add(PendingWrite write, Bytes value);
  // The pending write with this ticket, or null once removed.
  const PendingWrite* find(Ticket ticket) const;
  // The newest pending write of `record`, or null.
  const PendingWrite* newest_of(RecordHandle record) const;
  // The latest publication time among the writes of `record` that expire after `at`; 0 if none.
  NodeSeconds latest_publication(RecordHandle record, NodeSeconds at) const;
  // Borrowed until the next add() or remove().
  Bytes value(const PendingWrite& write) const;
  void remove(Ticket ticket);

  // For tests and the simulator: aborts if an invariant is broken. Visits every write.
  void check_invariants() const;

  uint32_t count() const { return pool_.taken_count(); }
  uint64_t value_bytes() const { return value_bytes_; }

 private:
  struct PieceHeader {
    uint32_t size;  // Size of the piece in words, header included.
    uint32_t is_free;
  };
  static_assert(sizeof(PieceHeader) == 8);

  static uint64_t words(size_t value_size) { return 1 + (value_size + 7) / 8; }
  uint64_t words_taken(uint64_t needed) const;
  PieceHeader& piece(uint64_t position) {
    return *reinterpret_cast<PieceHeader*>(&ring_[position % capacity_]);
  }
  const PieceHeader& piece(uint64_t position) const {
    return *reinterpret_cast<const PieceHeader*>(&ring_[position % capacity_]);
  }
  const PieceHeader& piece_of(const PendingWrite& write) const { return piece(write.value_at - 1); }
  // The write in a slot that a chain leads to, which is taken.
  const PendingWrite& write_in(uint32_t slot) const;
  uint32_t put(Bytes value);
  // What prefixes have here, one or several of equal hash.
  struct Taken {
    uint32_t writes = 0;
    uint64_t words = 0;
  };
  size_t taken_index(uint16_t source_prefix) const { return source_prefix & (taken_.size() - 1); }
  uint32_t& head_of(RecordHandle record) { return heads_[record % heads_.size()]; }

  FixedPool<PendingWrite> pool_;
  std::vector<uint32_t> heads_;  // Newest first; indices into the pool.
  std::vector<Taken> taken_;     // As many as heads_; that of prefix 0 is not asked for.
  uint64_t capacity_;            // In words of 8 bytes, as are all positions.
  LazyArray<uint64_t> ring_;
  uint64_t oldest_ = 0;
  uint64_t next_ = 0;
  uint64_t value_bytes_ = 0;
};

}  // namespace xord
