#include "node/routing/contact_replica.h"

#include "reactor/base/check.h"

namespace xord {

ContactReplica::ContactReplica(uint32_t contacts_max, ContactBook& book, const SubnetLimits& limits,
                               uint64_t seed)
    : contacts_max_(contacts_max),
      book_(book),
      limits_(limits),
      seed_(seed),
      branches_(contacts_max),
      answerable_{NearestIndex(branches_, book), NearestIndex(branches_, book)},
      filed_(contacts_max),
      subnets_(contacts_max, seed),
      spreads_{PrefixSpread(seed), PrefixSpread(seed)} {
  decided_.reserve(decided_max);
}

ContactReplica::~ContactReplica() {
  filed_.for_each([&](ContactHandle handle) { book_.release(handle); });
}

// The slot where `contact` is filed, or the empty slot where it would be.
size_t ContactReplica::slot_of(const Contact& contact) const {
  return filed_.find(hash(contact.endpoint),
                     [&](ContactHandle handle) { return book_.contact(handle) == contact; });
}

ContactHandle ContactReplica::other_at(const Endpoint& endpoint, const Id& id) const {
  return filed_.at(filed_.find(hash(endpoint), [&](ContactHandle handle) {
    return book_.endpoint(handle) == endpoint && book_.id(handle) != id;
  }));
}

bool ContactReplica::apply(const ContactChange& change) {
  const size_t slot = slot_of(change.contact);
  ContactHandle handle = filed_.at(slot);
  switch (change.kind) {
    case ContactChange::Kind::displaced:  // A message to the owner.
      return true;
    case ContactChange::Kind::removed:
      if (handle != no_contact) erase(slot);
      return true;
    case ContactChange::Kind::filed:
    case ContactChange::Kind::arrived:
      if (handle == no_contact) handle = file(change.contact, slot);
      return handle != no_contact && set_standing(handle, change.standing);
  }
  return false;
}

void ContactReplica::note_arrival(const Contact& contact, Instant now) {
  const ContactHandle handle = find(contact);
  if (handle != no_contact) recent_.add(handle, now);
}

bool ContactReplica::set_standing(ContactHandle handle, Standing standing) {
  const Contact& contact = book_.contact(handle);
  DCHECK(find(contact) == handle);
  NearestIndex& index = index_of(contact);
  const Standing former = index.standing(handle);
  if (former == standing) return true;
  if (former == Standing::awaited && decided_.size() < decided_max) {
    decided_.push_back(key_of(contact));
  }
  if (standing == Standing::silent) return index.remove(handle);
  return index.set_standing(handle, standing) || index.add(handle, standing);
}

ContactHandle ContactReplica::file(const Contact& contact, size_t slot) {
  if (count_ == contacts_max_) return no_contact;
  const ContactHandle handle = book_.acquire(contact);
  if (handle == no_contact) return no_contact;
  filed_.put(slot, handle);
  if (limits_.apply_to(contact.endpoint.address)) {
    subnets_.add(contact.endpoint.address);
    spread_of(contact).add(contact.endpoint.address);
  }
  ++count_;
  ++counts_[static_cast<size_t>(family_of(contact.endpoint))];
  return handle;
}

void ContactReplica::erase(size_t slot) {
  const ContactHandle handle = filed_.at(slot);
  CHECK(handle != no_contact && count_ > 0);
  const Contact& contact = book_.contact(handle);
  CHECK(set_standing(handle, Standing::silent));
  recent_.remove(handle);
  filed_.erase(slot, [&](ContactHandle other) { return hash(book_.endpoint(other)); });
  if (limits_.apply_to(contact.endpoint.address)) {
    subnets_.remove(contact.endpoint.address);
    spread_of(contact).remove(contact.endpoint.address);
  }
  --count_;
  --counts_[static_cast<size_t>(family_of(contact.endpoint))];
  book_.release(handle);
}

void ContactReplica::check_invariants() const {
  uint32_t filed_count = 0;
  uint32_t with_standing = 0;
  filed_.for_each([&](ContactHandle handle) {
    ++filed_count;
    with_standing += standing(handle) != Standing::silent;
    CHECK(find(book_.contact(handle)) == handle);
  });
  CHECK(with_standing == answerable_count());  // Neither index has a contact that is not filed.
  for (const ContactHandle handle : arrived_since(Instant::min())) {
    CHECK(find(book_.contact(handle)) == handle);
  }
  CHECK(decided_.size() <= decided_max);
  CHECK(counts_[0] + counts_[1] == count_);
  CHECK(filed_count == count_ && answerable_count() <= count_ && count_ <= contacts_max_);
  for (const NearestIndex& index : answerable_) index.check_invariants();
}

}  // namespace xord
