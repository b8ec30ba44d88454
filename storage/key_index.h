// Maps keys to records: open addressing with linear probing over 4-byte slots, each holding the
// record's handle and as many bits of its hash as fit, so that a miss seldom touches a record. The
// seed keeps peers from choosing keys that collide. 6 bytes a record; never grows, no tombstones.
#pragma once

#include <span>

#include "storage/record.h"

namespace xord {

class KeyIndex {
 public:
  // `records` outlives the index; handles are below its size.
  KeyIndex(const Records& records, uint64_t seed);

  RecordHandle find(const Id& key) const;  // no_record when absent.
  // Prefetches the slots that find() and insert() of these keys, laid end to end, will probe.
  void fetch_ahead(Bytes keys) const;
  // Prefetches the records that find() of each key will most likely return or pass over, and leaves
  // their handles in `likely`: no_record for an absent key. `likely` is as long as `keys`, at most
  // keys_ahead_max.
  void fetch_records_ahead(std::span<const Id> keys, std::span<RecordHandle> likely) const;
  // The record's key is set and not yet in the index.
  void insert(RecordHandle record);
  // The record is in the index.
  void erase(RecordHandle record);
  // For tests and the simulator: aborts unless exactly `records` records are in the index, and
  // find() reaches each.
  void check_invariants(uint32_t records) const;

 private:
  uint64_t hash(const Id& key) const;
  uint32_t tag(uint64_t hash) const { return static_cast<uint32_t>(hash) & ~handle_mask_; }
  // The first slot from `slot` on with this tag, or the empty one that ends the search.
  size_t slot_with(uint32_t tag, size_t slot) const;
  size_t home(uint64_t hash) const {
    return static_cast<size_t>((static_cast<unsigned __int128>(hash) * slots_.size()) >> 64);
  }
  size_t after(size_t slot) const { return slot + 1 == slots_.size() ? 0 : slot + 1; }
  uint32_t slot_word(uint64_t hash, RecordHandle record) const;
  RecordHandle record_in(size_t slot) const { return (slots_[slot] & handle_mask_) - 1; }

  const Records& records_;
  uint64_t seed_;
  uint32_t handle_mask_;       // The low bits of a slot: handle + 1, so that 0 is an empty slot.
  LazyArray<uint32_t> slots_;  // At most two thirds full: a miss probes 5 slots.
};

}  // namespace xord
