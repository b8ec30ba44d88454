#include "node/contact_book.h"

#include <xxhash.h>

#include <bit>

#include "node/endpoint_hash.h"

namespace xord {

ContactBook::ContactBook(uint32_t contacts_max, EncodeTail encode_tail, uint64_t seed)
    : contacts_max_(contacts_max),
      encode_tail_(encode_tail),
      seed_(seed),
      mask_(std::bit_ceil(uint64_t{contacts_max} * 2) - 1),
      cards_(std::make_unique<Card[]>(contacts_max)),
      holders_(contacts_max, 0),
      table_(mask_ + 1, no_contact) {
  free_.reserve(contacts_max);
  for (uint32_t i = contacts_max; i > 0; --i) free_.push_back(i - 1);
}

size_t ContactBook::home(const Contact& contact) const {
  const uint64_t id = XXH3_64bits_withSeed(contact.id.bytes.data(), id_size, seed_);
  return (id ^ endpoint_hash(contact.endpoint, seed_)) & mask_;
}

ContactHandle ContactBook::acquire(const Contact& contact) {
  size_t at = home(contact);
  for (; table_[at] != no_contact; at = next(at)) {
    if (cards_[table_[at]].contact == contact) return share(table_[at]);
  }
  if (free_.empty()) return no_contact;
  const ContactHandle handle = free_.back();
  free_.pop_back();
  Card& card = cards_[handle];
  card.contact = contact;
  card.tail_size = static_cast<uint8_t>(encode_tail_(contact.endpoint, card.tail));
  holders_[handle] = 1;
  table_[at] = handle;
  return handle;
}

void ContactBook::release(ContactHandle handle) {
  CHECK(handle < contacts_max_ && holders_[handle] > 0);
  if (--holders_[handle] > 0) return;
  size_t hole = home(cards_[handle].contact);
  while (table_[hole] != handle) hole = next(hole);
  // No tombstones: what stands behind the hole and may stand in it moves up.
  for (size_t at = next(hole); table_[at] != no_contact; at = next(at)) {
    const size_t from_home = (at - home(cards_[table_[at]].contact)) & mask_;
    if (from_home < ((at - hole) & mask_)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = no_contact;
  free_.push_back(handle);
}

}  // namespace xord
