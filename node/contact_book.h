// ContactBook: every contact once, in one cache line with its encoded form, named by a 4-byte
// handle. Tables, lookups and replacement caches hold handles; a contact lives while anyone holds
// it. Fixed size: full gives no_contact. Used by one thread; in a simulation by many nodes on it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "node/contact.h"
#include "reactor/base/bytes.h"
#include "reactor/base/check.h"

namespace xord {

using ContactHandle = uint32_t;
constexpr ContactHandle no_contact = UINT32_MAX;

class ContactBook {
 public:
  // Writes a contact's tail as the dialect has it (rpcudp::encode_contact_tail); 0: does not fit.
  using EncodeTail = size_t (*)(const Endpoint& endpoint, MutableBytes out);

  ContactBook(uint32_t contacts_max, EncodeTail encode_tail, uint64_t seed);

  // The handle of `contact`, with one more holder; no_contact when the book is full.
  ContactHandle acquire(const Contact& contact);
  // One more holder of a handle that is held already.
  ContactHandle share(ContactHandle handle) {
    ++holders_[handle];
    return handle;
  }
  // One holder less; the last one frees the handle.
  void release(ContactHandle handle);

  const Id& id(ContactHandle handle) const { return cards_[handle].contact.id; }
  const Endpoint& endpoint(ContactHandle handle) const { return cards_[handle].contact.endpoint; }
  const Contact& contact(ContactHandle handle) const { return cards_[handle].contact; }
  // Encoded once, at most 19 bytes; empty when it is longer (IPv6) and has to be encoded when sent.
  Bytes tail(ContactHandle handle) const {
    const Card& card = cards_[handle];
    return {card.tail.data(), card.tail_size};
  }
  uint32_t count() const { return contacts_max_ - static_cast<uint32_t>(free_.size()); }

 private:
  struct alignas(64) Card {
    Contact contact;
    std::array<uint8_t, 19> tail;
    uint8_t tail_size = 0;
  };
  static_assert(sizeof(Card) == 64);

  size_t home(const Contact& contact) const;
  size_t next(size_t at) const { return (at + 1) & mask_; }

  uint32_t contacts_max_;
  EncodeTail encode_tail_;
  uint64_t seed_;
  size_t mask_;
  std::unique_ptr<Card[]> cards_;
  std::vector<uint32_t> holders_;     // By handle.
  std::vector<ContactHandle> free_;   // A stack.
  std::vector<ContactHandle> table_;  // By hash of id and endpoint, linear probing, half full.
};

}  // namespace xord
