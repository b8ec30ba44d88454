// ContactBook: every contact once, in one cache line with its encoded form, identified by a 4-byte
// handle. Tables, lookups and replacement caches hold handles; a contact lives while anyone holds
// it. Fixed size, 74 bytes per contact; acquire() returns no_contact when it is full. Used by one
// thread; in a simulation by all the nodes on that thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "node/contact.h"
#include "node/handle_table.h"
#include "reactor/base/bytes.h"
#include "reactor/base/check.h"

namespace xord {

class ContactBook {
 public:
  // Writes a contact's tail in the dialect's form (rpcudp::encode_contact_tail); 0: does not fit.
  using EncodeTail = size_t (*)(const Endpoint& endpoint, MutableBytes out);

  // NearestIndex uses the upper bits for marks.
  static constexpr uint32_t contacts_limit = (1u << 29) - 1;

  // The longest tail that is kept with its contact: an IPv4 address and port in rpcudp.
  static constexpr size_t tail_kept_max = 19;

  // `contacts_max` at most contacts_limit. `seed` is a secret.
  ContactBook(uint32_t contacts_max, EncodeTail encode_tail, uint64_t seed);

  // The handle of `contact`, with one more holder; no_contact when the book is full.
  [[nodiscard]] ContactHandle acquire(const Contact& contact);
  // Adds a holder to a handle that is already held.
  ContactHandle share(ContactHandle handle) {
    DCHECK(handle < contacts_max_ && holders_[handle] > 0);
    ++holders_[handle];
    return handle;
  }
  // Removes a holder; the last one frees the handle.
  void release(ContactHandle handle);

  // For a handle that is held. References and views live as long as it is held.
  const Id& id(ContactHandle handle) const { return contact(handle).id; }
  const Endpoint& endpoint(ContactHandle handle) const { return contact(handle).endpoint; }
  const Contact& contact(ContactHandle handle) const {
    DCHECK(handle < contacts_max_);
    return cards_[handle].contact;
  }
  // Encoded once; empty if it is longer than tail_kept_max (IPv6) and must be encoded when sent.
  Bytes tail(ContactHandle handle) const {
    const Card& card = cards_[handle];
    DCHECK(handle < contacts_max_ && card.tail_size <= card.tail.size());
    return {card.tail.data(), card.tail_size};
  }
  // A hint that the contact will be read soon.
  void fetch_ahead(ContactHandle handle) const { __builtin_prefetch(&cards_[handle]); }
  uint32_t count() const { return count_; }

 private:
  struct alignas(64) Card {
    Contact contact;
    std::array<uint8_t, tail_kept_max> tail;
    uint8_t tail_size = 0;
  };
  static_assert(sizeof(Card) == 64);

  uint64_t hash(const Contact& contact) const;
  size_t slot_of(const Contact& contact) const;

  uint32_t contacts_max_;
  EncodeTail encode_tail_;
  uint64_t seed_;
  uint32_t count_ = 0;
  ContactHandle free_ = no_contact;  // The first free handle.
  std::unique_ptr<Card[]> cards_;
  std::vector<uint32_t> holders_;  // By handle: its holders; if free: the next free handle.
  HandleTable table_;              // By id and endpoint.
};

}  // namespace xord
