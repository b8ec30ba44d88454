// ContactReplica: what every shard knows of the whole routing table: all contacts filed in a
// bucket, the answerable ones (standing above silent) in XOR order, and the number of contacts in
// each prefix. It decides nothing: the owner of a contact's bucket does, and each of its changes is
// applied here, identically on every shard. With the book, 98 bytes per contact.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "node/contact_book.h"
#include "node/endpoint_hash.h"
#include "node/handle_table.h"
#include "node/routing/nearest.h"
#include "node/routing/recent_arrivals.h"
#include "node/subnet_limits.h"

namespace xord {

enum class Family : uint8_t { ipv4, ipv6 };
inline Family family_of(const Endpoint& endpoint) {
  return endpoint.is_ipv4() ? Family::ipv4 : Family::ipv6;
}

// A change to a contact; idempotent, so applying it twice does no harm.
struct ContactChange {
  enum class Kind : uint8_t {
    filed,    // With this standing.
    arrived,  // Filed and answerable for the first time: it may be due records.
    removed,
    displaced,  // From another shard to its owner: another id now lives at its endpoint.
  };
  Kind kind{};
  Standing standing{};  // filed and arrived only.
  Contact contact;
};

class ContactReplica {
 public:
  // `book` is borrowed. Contacts to which `limits` do not apply are not counted by subnet.
  ContactReplica(uint32_t contacts_max, ContactBook& book, const SubnetLimits& limits,
                 uint64_t seed);
  ~ContactReplica();
  ContactReplica(const ContactReplica&) = delete;
  ContactReplica& operator=(const ContactReplica&) = delete;

  // False when there is no room for it: the contact is then unknown here.
  [[nodiscard]] bool apply(const ContactChange& change);
  // Notes that `contact` arrived, after apply() of that change. Does nothing if it found no room.
  void note_arrival(const Contact& contact, Instant now);

  // As NearestIndex::nearest(), over the answerable contacts of one family.
  Nearest nearest(Family family, const Id& target, const Contact& asker, Awaited awaited,
                  std::span<const ContactHandle> arrived, std::span<ContactHandle> out) const {
    return answerable_[static_cast<size_t>(family)].nearest(target, asker, awaited, arrived, out);
  }
  // The filed contacts that arrived after `begin`: RecentArrivals::since().
  std::span<const ContactHandle> arrived_since(Instant begin) const { return recent_.since(begin); }
  // For a contact that is filed.
  Standing standing(ContactHandle handle) const {
    return answerable_[static_cast<size_t>(family_of(book_.endpoint(handle)))].standing(handle);
  }
  // The handle of `contact` if it is filed, otherwise no_contact.
  ContactHandle find(const Contact& contact) const { return filed_.at(slot_of(contact)); }
  // A contact filed at `endpoint` under another id than `id`, or no_contact.
  ContactHandle other_at(const Endpoint& endpoint, const Id& id) const;
  // Calls visit(ContactHandle) for each: more than one only while messages are in transit.
  template <class Visit>
  void for_each_other_at(const Endpoint& endpoint, const Id& id, Visit&& visit) const {
    filed_.find(hash(endpoint), [&](ContactHandle handle) {
      if (book_.endpoint(handle) == endpoint && book_.id(handle) != id) visit(handle);
      return false;
    });
  }
  // Whether an answerable contact is filed at `endpoint`, under any id.
  bool is_answerable_at(const Endpoint& endpoint) const {
    bool is_answerable = false;
    filed_.find(hash(endpoint), [&](ContactHandle handle) {
      is_answerable = book_.endpoint(handle) == endpoint && standing(handle) > Standing::silent;
      return is_answerable;
    });
    return is_answerable;
  }
  // Silent when it is not filed.
  Standing standing(const Contact& contact) const {
    const ContactHandle handle = find(contact);
    return handle == no_contact ? Standing::silent : standing(handle);
  }
  // Keys (key_of) of the contacts that were awaited and no longer are, since the last
  // clear_decided(). At most decided_max; any further ones are omitted.
  std::span<const uint64_t> decided() const { return decided_; }
  void clear_decided() { decided_.clear(); }
  uint64_t key_of(const Contact& contact) const { return contact_hash(contact, seed_); }
  // Filed contacts of the subnet of `address`, or of its wide prefix of this level.
  uint32_t subnet_count(const IpAddress& address, size_t level = 0) const {
    return subnets_.count(address, level);
  }
  // Of those filed of one family to which the limits apply.
  const PrefixSpread& spread(Family family) const { return spreads_[static_cast<size_t>(family)]; }
  uint32_t count(Family family) const { return counts_[static_cast<size_t>(family)]; }  // Filed.
  uint32_t count() const { return count_; }                                             // Filed.
  uint32_t answerable_count() const { return answerable_[0].count() + answerable_[1].count(); }
  // For tests: aborts if an invariant is broken.
  void check_invariants() const;

 private:
  NearestIndex& index_of(const Contact& contact) {
    return answerable_[static_cast<size_t>(family_of(contact.endpoint))];
  }
  uint64_t hash(const Endpoint& endpoint) const { return endpoint_hash(endpoint, seed_); }
  size_t slot_of(const Contact& contact) const;
  static constexpr size_t decided_max = 256;

  ContactHandle file(const Contact& contact, size_t slot);
  [[nodiscard]] bool set_standing(ContactHandle handle, Standing standing);
  void erase(size_t slot);
  PrefixSpread& spread_of(const Contact& contact) {
    return spreads_[static_cast<size_t>(family_of(contact.endpoint))];
  }

  uint32_t contacts_max_;
  ContactBook& book_;
  SubnetLimits limits_;
  uint64_t seed_;
  uint32_t count_ = 0;
  std::array<uint32_t, 2> counts_{};  // By family.
  TrieBranches branches_;
  std::array<NearestIndex, 2> answerable_;
  HandleTable filed_;  // By endpoint: two ids may share one until a shard's message arrives.
  SubnetCounts subnets_;
  std::array<PrefixSpread, 2> spreads_;  // By family.
  RecentArrivals recent_;
  std::vector<uint64_t> decided_;  // Reserved at construction.
};

}  // namespace xord
