// HandleTable: contact handles by a hash computed by their owner: linear probing over one and a
// half times as many slots as handles, without tombstones. Knows nothing of contacts. Fixed size.
#pragma once

#include <cstdint>
#include <vector>

#include "reactor/base/check.h"

namespace xord {

using ContactHandle = uint32_t;
constexpr ContactHandle no_contact = UINT32_MAX;

class HandleTable {
 public:
  // The caller never inserts more than `handles_max`.
  explicit HandleTable(uint32_t handles_max)
      : slots_(uint64_t{handles_max} + handles_max / 2 + 1, no_contact) {
    CHECK(slots_.size() <= UINT32_MAX);  // home() multiplies it by 32 bits.
  }

  // The slot of the first handle with that hash for which matches(handle) is true; or the empty
  // slot where it belongs: put() it there.
  template <class Matches>
  size_t find(uint64_t hash, Matches&& matches) const {
    size_t at = home(hash);
    while (slots_[at] != no_contact && !matches(slots_[at])) at = next(at);
    return at;
  }
  ContactHandle at(size_t slot) const {
    DCHECK(slot < slots_.size());
    return slots_[slot];
  }
  void put(size_t slot, ContactHandle handle) {
    DCHECK(slots_[slot] == no_contact && handle != no_contact);
    slots_[slot] = handle;
  }
  // Empties `slot`; later handles move up where they may. hash_of(handle) is the hash under which
  // the handle was put.
  template <class HashOf>
  void erase(size_t slot, HashOf&& hash_of) {
    DCHECK(slots_[slot] != no_contact);
    size_t hole = slot;
    for (size_t at = next(hole); slots_[at] != no_contact; at = next(at)) {
      if (steps(home(hash_of(slots_[at])), at) < steps(hole, at)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = no_contact;
  }
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const ContactHandle handle : slots_) {
      if (handle != no_contact) visit(handle);
    }
  }

 private:
  // Uses the hash's upper half, so that any number of slots will do.
  size_t home(uint64_t hash) const { return ((hash >> 32) * slots_.size()) >> 32; }
  size_t next(size_t at) const { return at + 1 == slots_.size() ? 0 : at + 1; }
  size_t steps(size_t from, size_t to) const {
    return to >= from ? to - from : to + slots_.size() - from;
  }

  std::vector<ContactHandle> slots_;  // Sized at construction; never full.
};

}  // namespace xord
