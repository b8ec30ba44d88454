// ContactReplica: what every shard knows of the whole routing table: all contacts that are filed in
// a bucket, and of those the answerable ones in XOR order. It decides nothing: the owner of a
// contact's bucket does, and each of its changes is applied here, on every shard alike.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "node/contact_book.h"
#include "node/nearest.h"

namespace xord {

enum class Family : uint8_t { ipv4, ipv6 };
inline Family family_of(const Endpoint& endpoint) {
  return endpoint.is_ipv4() ? Family::ipv4 : Family::ipv6;
}

// What became of a contact; idempotent, so that telling it twice does no harm.
struct ContactChange {
  enum class Kind : uint8_t {
    answerable,    // Filed, and to be handed out.
    unanswerable,  // Filed, and not to be handed out.
    removed,
  };
  Kind kind{};
  Contact contact;
};

class ContactReplica {
 public:
  ContactReplica(uint32_t contacts_max, ContactBook& book, uint64_t seed);

  // False when there is no room for it: the contact is then unknown here.
  bool apply(const ContactChange& change);

  // As NearestIndex::nearest(), over the answerable contacts of one family.
  size_t nearest(Family family, const Id& target, const Endpoint& excluded,
                 std::span<ContactHandle> out) const {
    return answerable_[static_cast<size_t>(family)].nearest(target, excluded, out);
  }
  // The contact filed at `endpoint`, or no_contact.
  ContactHandle filed_at(const Endpoint& endpoint) const;
  uint32_t count() const { return count_; }  // Filed.
  uint32_t answerable_count() const { return answerable_[0].count() + answerable_[1].count(); }

 private:
  NearestIndex& index_of(const Contact& contact) {
    return answerable_[static_cast<size_t>(family_of(contact.endpoint))];
  }
  size_t home(const Endpoint& endpoint) const;
  size_t next(size_t at) const { return (at + 1) & mask_; }
  size_t slot_of(const Contact& contact) const;
  void erase(size_t slot);

  uint32_t contacts_max_;
  ContactBook& book_;
  uint64_t seed_;
  size_t mask_;
  uint32_t count_ = 0;
  std::array<NearestIndex, 2> answerable_;
  std::vector<ContactHandle> filed_;  // By hash of the endpoint, linear probing, half full.
};

}  // namespace xord
