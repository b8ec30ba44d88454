// RecentArrivals: the contacts that arrived last (ContactChange::Kind::arrived), with the time. A
// contact that first answered us after a request came is alive as far as a ping could tell, and
// needs none. Fixed size: when many arrive at once, the oldest are forgotten, and pinged like any
// other contact.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "node/contact_book.h"
#include "reactor/base/check.h"
#include "reactor/base/instant.h"

namespace xord {

class RecentArrivals {
 public:
  static constexpr size_t kept_max = 64;

  // `now` must not decrease between calls. A contact that is kept already moves to the end.
  void add(ContactHandle contact, Instant now) {
    CHECK(contact != no_contact);
    remove(contact);
    if (count_ == kept_max) drop(0);
    contacts_[count_] = contact;
    arrived_at_[count_] = now;
    ++count_;
  }
  // Must be called before `contact` is given back to the book.
  void remove(ContactHandle contact) {
    const auto end = contacts_.begin() + count_;
    const auto at = std::find(contacts_.begin(), end, contact);
    if (at != end) drop(static_cast<size_t>(at - contacts_.begin()));
  }
  // Those that arrived after `begin`, oldest first. Valid until the next add() or remove().
  std::span<const ContactHandle> since(Instant begin) const {
    size_t first = count_;
    while (first > 0 && arrived_at_[first - 1] > begin) --first;
    return {contacts_.data() + first, count_ - first};
  }

 private:
  void drop(size_t index) {
    CHECK(index < count_);
    std::copy(contacts_.begin() + index + 1, contacts_.begin() + count_, contacts_.begin() + index);
    std::copy(arrived_at_.begin() + index + 1, arrived_at_.begin() + count_,
              arrived_at_.begin() + index);
    --count_;
  }

  size_t count_ = 0;
  std::array<ContactHandle, kept_max> contacts_{};
  std::array<Instant, kept_max> arrived_at_{};
};

}  // namespace xord
