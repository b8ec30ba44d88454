#include "node/contact_book.h"

#include <xxhash.h>

#include "node/endpoint_hash.h"

namespace xord {

ContactBook::ContactBook(uint32_t contacts_max, EncodeTail encode_tail, uint64_t seed)
    : contacts_max_(contacts_max),
      encode_tail_(encode_tail),
      seed_(seed),
      cards_(std::make_unique<Card[]>(contacts_max)),
      holders_(contacts_max, no_contact),
      table_(contacts_max) {
  CHECK(contacts_max <= contacts_limit);
  for (uint32_t i = contacts_max; i > 0; --i) {
    holders_[i - 1] = free_;
    free_ = i - 1;
  }
}

uint64_t ContactBook::hash(const Contact& contact) const {
  const uint64_t id = XXH3_64bits_withSeed(contact.id.bytes.data(), id_size, seed_);
  return id ^ endpoint_hash(contact.endpoint, seed_);
}

size_t ContactBook::slot_of(const Contact& contact) const {
  return table_.find(hash(contact),
                     [&](ContactHandle handle) { return cards_[handle].contact == contact; });
}

ContactHandle ContactBook::acquire(const Contact& contact) {
  const size_t slot = slot_of(contact);
  if (table_.at(slot) != no_contact) return share(table_.at(slot));
  if (free_ == no_contact) return no_contact;
  const ContactHandle handle = free_;
  free_ = holders_[handle];
  DCHECK(count_ < contacts_max_ && (free_ == no_contact || free_ < contacts_max_));
  ++count_;
  Card& card = cards_[handle];
  card.contact = contact;
  card.tail_size = static_cast<uint8_t>(encode_tail_(contact.endpoint, card.tail));
  CHECK(card.tail_size <= card.tail.size());
  holders_[handle] = 1;
  table_.put(slot, handle);
  return handle;
}

void ContactBook::release(ContactHandle handle) {
  CHECK(handle < contacts_max_ && holders_[handle] > 0);
  if (--holders_[handle] > 0) return;
  const size_t slot = slot_of(cards_[handle].contact);
  CHECK(table_.at(slot) == handle);
  table_.erase(slot, [&](ContactHandle other) { return hash(cards_[other].contact); });
  CHECK(count_ > 0);
  holders_[handle] = free_;
  free_ = handle;
  --count_;
}

}  // namespace xord
