#include "storage/key_index.h"

#include <xxhash.h>

#include <array>
#include <bit>

namespace xord {

KeyIndex::KeyIndex(const Records& records, uint64_t seed)
    : records_(records),
      seed_(seed),
      handle_mask_((uint32_t{1} << std::bit_width(records.size())) - 1),
      slots_(records.size() + records.size() / 2 + 8) {
  CHECK(records.size() < uint32_t{1} << 31);
}

uint64_t KeyIndex::hash(const Id& key) const {
  return XXH3_64bits_withSeed(key.bytes.data(), id_size, seed_);
}

// The home slot comes from the hash's high bits; the low ones are independent of it.
uint32_t KeyIndex::slot_word(uint64_t hash, RecordHandle record) const {
  return tag(hash) | (record + 1);
}

size_t KeyIndex::slot_with(uint32_t tag, size_t slot) const {
  while (slots_[slot] != 0 && (slots_[slot] & ~handle_mask_) != tag) slot = after(slot);
  return slot;
}

RecordHandle KeyIndex::find(const Id& key) const {
  const uint64_t hashed = hash(key);
  size_t slot = slot_with(tag(hashed), home(hashed));
  while (slots_[slot] != 0) {
    const RecordHandle record = record_in(slot);
    if (records_[record].key == key) return record;
    slot = slot_with(tag(hashed), after(slot));
  }
  return no_record;
}

void KeyIndex::fetch_ahead(Bytes keys) const {
  DCHECK(keys.size() % id_size == 0);
  for (; keys.size() >= id_size; keys = keys.subspan(id_size)) {
    const uint64_t hashed = XXH3_64bits_withSeed(keys.data(), id_size, seed_);
    __builtin_prefetch(&slots_[home(hashed)], 1);
  }
}

void KeyIndex::fetch_records_ahead(std::span<const Id> keys, std::span<RecordHandle> likely) const {
  CHECK(keys.size() <= keys_ahead_max && keys.size() == likely.size());
  std::array<uint64_t, keys_ahead_max> hashes;
  for (size_t i = 0; i < keys.size(); ++i) {
    hashes[i] = hash(keys[i]);
    __builtin_prefetch(&slots_[home(hashes[i])]);
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    const size_t slot = slot_with(tag(hashes[i]), home(hashes[i]));
    likely[i] = slots_[slot] == 0 ? no_record : record_in(slot);
    if (likely[i] != no_record) __builtin_prefetch(&records_[likely[i]]);
  }
}

void KeyIndex::insert(RecordHandle record) {
  DCHECK(find(records_[record].key) == no_record);
  const uint64_t hashed = hash(records_[record].key);
  size_t slot = home(hashed);
  while (slots_[slot] != 0) slot = after(slot);
  slots_[slot] = slot_word(hashed, record);
}

void KeyIndex::erase(RecordHandle record) {
  size_t hole = home(hash(records_[record].key));
  while (slots_[hole] == 0 || record_in(hole) != record) {
    CHECK(slots_[hole] != 0);
    hole = after(hole);
  }
  // Moves back every slot that the hole would make unreachable (Knuth 6.4, algorithm R).
  for (size_t slot = after(hole); slots_[slot] != 0; slot = after(slot)) {
    const size_t wanted = home(hash(records_[record_in(slot)].key));
    const bool is_reached =
        hole < slot ? hole < wanted && wanted <= slot : hole < wanted || wanted <= slot;
    if (is_reached) continue;
    slots_[hole] = slots_[slot];
    hole = slot;
  }
  slots_[hole] = 0;
}

void KeyIndex::check_invariants(uint32_t records) const {
  uint32_t taken = 0;
  for (size_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot] == 0) continue;
    CHECK(record_in(slot) < records_.size());
    CHECK(find(records_[record_in(slot)].key) == record_in(slot));
    ++taken;
  }
  CHECK(taken == records);
}

}  // namespace xord
