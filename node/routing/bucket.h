// Bucket: up to k contacts in one range of ids, least recently seen first, and a replacement cache
// of contacts that answered but found no room, last seen last (paper 2.2, 4.1). Keeps their order
// and nothing else: RoutingTable decides who enters and who leaves.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "node/budget.h"
#include "node/contact_book.h"
#include "node/routing/standing.h"
#include "reactor/base/check.h"
#include "reactor/base/instant.h"

namespace xord {

// A contact with a place in a bucket.
struct FiledContact {
  // State of the ping that an answer asked for.
  enum class Asked : uint8_t { no, yes, in_vain };

  ContactHandle handle = no_contact;
  uint8_t failures = 0;       // Consecutive calls that expired or got a malformed answer.
  uint8_t probes_failed = 0;  // Likewise, since the ping before eviction.
  bool answered_in_this_run : 1 = false;
  bool is_reported : 1 = false;  // The replicas know its standing, as `reported`.
  bool is_slow : 1 = false;      // It replied late to the last ping that an answer asked for.
  Asked asked = Asked::no;
  Standing reported{};
  Instant first_answered = Instant::min();
  Instant answered = Instant::min();      // The last time.
  Instant ping_at = Instant::min();       // When the next upkeep ping is due.
  Instant probed_until = Instant::min();  // A ping before eviction is in flight until then.
  // Asked::no: it is named at once until then. Otherwise: when the wait for its answer ends or
  // ended.
  Instant trusted_until = Instant::min();

  Duration uptime() const { return answered - first_answered; }  // As far as answers prove it.
};

struct SpareContact {
  ContactHandle handle = no_contact;
  Instant answered = Instant::min();  // The last time. Its first answer was a pong.
};

class Bucket {
 public:
  static constexpr uint32_t spares_max = bucket_size;
  static_assert(id_bits <= UINT8_MAX, "`range` holds the number of any range");

  // The bits that the range shares with our id, followed by `depth` more bits, `prefix`.
  uint8_t range = 0;
  uint8_t depth = 0;
  uint8_t prefix = 0;
  Instant refresh_at = Instant::min();
  Instant pings_from = Instant::min();  // No upkeep pings before this.

  // Whether it is one of contacts(), or of spares(), and no copy.
  bool holds(const FiledContact& contact) const {
    return &contact >= contacts_.data() && &contact < contacts_.data() + contacts_count_;
  }
  bool holds(const SpareContact& spare) const {
    return &spare >= spares_.data() && &spare < spares_.data() + spares_count_;
  }
  std::span<FiledContact> contacts() { return {contacts_.data(), contacts_count_}; }
  std::span<const FiledContact> contacts() const { return {contacts_.data(), contacts_count_}; }
  std::span<SpareContact> spares() { return {spares_.data(), spares_count_}; }
  std::span<const SpareContact> spares() const { return {spares_.data(), spares_count_}; }
  bool is_full() const { return contacts_count_ == bucket_size; }

  // Appends at the tail, as seen last. The bucket must not be full.
  FiledContact& append(const FiledContact& contact) {
    CHECK(!is_full());
    CHECK(contact.handle != no_contact);
    contacts_[contacts_count_] = contact;
    return contacts_[contacts_count_++];
  }
  // Moves it to the tail; returns its new place. References to other contacts move.
  FiledContact& move_to_tail(FiledContact& contact) {
    DCHECK(holds(contact));
    FiledContact* end = contacts_.data() + contacts_count_;
    std::rotate(&contact, &contact + 1, end);
    return *(end - 1);
  }
  void remove(FiledContact& contact) {
    CHECK(holds(contact));
    std::copy(&contact + 1, contacts_.data() + contacts_count_, &contact);
    --contacts_count_;
  }

  // Appends it as seen last; if there is no room, drops the one seen first and returns it for
  // release.
  ContactHandle append_spare(const SpareContact& spare) {
    CHECK(spare.handle != no_contact);
    ContactHandle dropped = no_contact;
    if (spares_count_ == spares_max) {
      dropped = spares_[0].handle;
      remove_spare(spares_[0]);
    }
    spares_[spares_count_++] = spare;
    return dropped;
  }
  void move_spare_to_tail(SpareContact& spare) {
    DCHECK(holds(spare));
    std::rotate(&spare, &spare + 1, spares_.data() + spares_count_);
  }
  void remove_spare(SpareContact& spare) {
    CHECK(holds(spare));
    std::copy(&spare + 1, spares_.data() + spares_count_, &spare);
    --spares_count_;
  }

 private:
  uint32_t contacts_count_ = 0;
  uint32_t spares_count_ = 0;
  std::array<FiledContact, bucket_size> contacts_;
  std::array<SpareContact, spares_max> spares_;
};

}  // namespace xord
