#include "node/contact_replica.h"

#include <bit>

#include "node/endpoint_hash.h"

namespace xord {

ContactReplica::ContactReplica(uint32_t contacts_max, ContactBook& book, uint64_t seed)
    : contacts_max_(contacts_max),
      book_(book),
      seed_(seed),
      mask_(std::bit_ceil(uint64_t{contacts_max} * 2) - 1),
      answerable_{NearestIndex(contacts_max, book), NearestIndex(contacts_max, book)},
      filed_(mask_ + 1, no_contact) {}

size_t ContactReplica::home(const Endpoint& endpoint) const {
  return endpoint_hash(endpoint, seed_) & mask_;
}

// Where `contact` is filed, or the empty slot where it would be.
size_t ContactReplica::slot_of(const Contact& contact) const {
  size_t at = home(contact.endpoint);
  while (filed_[at] != no_contact && book_.contact(filed_[at]) != contact) at = next(at);
  return at;
}

ContactHandle ContactReplica::filed_at(const Endpoint& endpoint) const {
  size_t at = home(endpoint);
  while (filed_[at] != no_contact && book_.endpoint(filed_[at]) != endpoint) at = next(at);
  return filed_[at];
}

bool ContactReplica::apply(const ContactChange& change) {
  const size_t slot = slot_of(change.contact);
  if (change.kind == ContactChange::Kind::removed) {
    if (filed_[slot] != no_contact) erase(slot);
    return true;
  }
  if (filed_[slot] == no_contact) {
    if (count_ == contacts_max_) return false;
    filed_[slot] = book_.acquire(change.contact);
    if (filed_[slot] == no_contact) return false;
    ++count_;
  }
  NearestIndex& index = index_of(change.contact);
  if (change.kind == ContactChange::Kind::answerable) {
    index.add(filed_[slot]);
  } else {
    index.remove(filed_[slot]);
  }
  return true;
}

void ContactReplica::erase(size_t slot) {
  const ContactHandle handle = filed_[slot];
  index_of(book_.contact(handle)).remove(handle);
  size_t hole = slot;
  for (size_t at = next(hole); filed_[at] != no_contact; at = next(at)) {
    const size_t from_home = (at - home(book_.endpoint(filed_[at]))) & mask_;
    if (from_home < ((at - hole) & mask_)) continue;
    filed_[hole] = filed_[at];
    hole = at;
  }
  filed_[hole] = no_contact;
  --count_;
  book_.release(handle);
}

}  // namespace xord
