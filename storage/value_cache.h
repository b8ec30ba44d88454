// Values in memory, under a fixed number of bytes: two rings in which values lie one after another,
// so that nothing fragments. A new value goes into the small ring (an eighth); one that was asked
// for again by the time the ring comes round moves to the large one, the others are dropped. So a
// scan over many records passes through the small ring and leaves the large one alone (S3-FIFO:
// Yang et al., SOSP 2023). In the large ring a value that was used gets another round. A value
// costs its size rounded up to 8 bytes, plus 8.
#pragma once

#include "storage/record.h"

namespace xord {

class ValueCache {
 public:
  // Keeps Record::cached_at of `records`, which outlives it, correct for every value it holds.
  ValueCache(Records& records, uint64_t bytes_max);

  // The value of a cached record. Valid until the next insert().
  Bytes value(RecordHandle record) const;
  // The same, and marks it as used.
  Bytes use(RecordHandle record);
  // Prefetches the record's value, if cached.
  void fetch_ahead(RecordHandle record) const;
  // Copies `value` in, making room; the record must have none cached. A value larger than a ring is
  // not cached. `value` must not lie in the cache.
  void insert(RecordHandle record, Bytes value);
  // The same, but only if nothing need be dropped: to warm up. False when there is no room.
  bool insert_if_free(RecordHandle record, Bytes value);
  // Drops the record's value, if cached.
  void erase(RecordHandle record);

  uint64_t bytes_cached() const { return small_.live * 8 + large_.live * 8; }
  uint64_t evictions() const { return evictions_; }
  // For tests and the simulator: aborts if an invariant is broken. Visits every value, and returns
  // how many there are.
  uint32_t check_invariants() const;

 private:
  struct Header {
    RecordHandle record;  // no_record: room left by an erased value, or skipped at the ring's end.
    uint16_t size;
    uint16_t is_used;
  };
  static_assert(sizeof(Header) == 8);
  // Positions count words of 8 bytes and never wrap; a place is a position modulo the capacity,
  // offset by `base`.
  struct Ring {
    uint32_t base;
    uint32_t capacity;
    uint64_t oldest = 0;
    uint64_t next = 0;
    uint64_t live = 0;  // Words that hold values.

    uint32_t place(uint64_t position) const {
      return base + static_cast<uint32_t>(position % capacity);
    }
  };
  // Second chances and moves paid for by one insert: the rest is dropped, to bound it.
  static constexpr uint32_t moves_max = 8;

  static uint32_t words(size_t value_size) {
    return static_cast<uint32_t>(1 + (value_size + 7) / 8);
  }
  Header& header(uint32_t place) { return *reinterpret_cast<Header*>(&words_[place]); }
  const Header& header(uint32_t place) const {
    return *reinterpret_cast<const Header*>(&words_[place]);
  }
  Ring& ring_of(uint32_t place) { return place < large_.base ? small_ : large_; }
  // Words needed to put `needed` in one piece: more when it does not fit before the ring's end.
  static uint64_t words_taken(const Ring& ring, uint32_t needed);
  bool has_room(const Ring& ring, uint32_t needed) const;
  void put(Ring& ring, RecordHandle record, Bytes value);
  uint32_t check_ring(const Ring& ring) const;
  // Drops or moves the oldest value of the ring.
  void evict_oldest(Ring& ring, uint32_t& moves);
  void make_room(Ring& ring, uint32_t needed, uint32_t& moves);

  Records& records_;
  LazyArray<uint64_t> words_;
  Ring small_;
  Ring large_;
  uint64_t evictions_ = 0;
};

}  // namespace xord
