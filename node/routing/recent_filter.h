// Whether something was seen within the last interval: a fixed table of short hashes, so that a
// busy contact is reported once a minute and not a thousand times. It may forget early (on a
// collision), and then says "first" once more; it wrongly says "not first" once in 2^32.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "node/contact.h"
#include "node/endpoint_hash.h"
#include "reactor/base/check.h"
#include "reactor/base/instant.h"

namespace xord {

class RecentFilter {
 public:
  RecentFilter(uint32_t rows, uint64_t seed, Duration interval = minutes(1))
      : seed_(seed), interval_(interval), rows_(std::bit_ceil(rows)) {
    CHECK(interval > Duration{});
  }

  // Whether `contact` was not seen in the last interval; if so, records it as seen at `now`.
  bool is_first(const Contact& contact, Instant now) {
    const uint64_t hash = contact_hash(contact, seed_);
    Row& row = rows_[hash & (rows_.size() - 1)];
    const auto tag = static_cast<uint32_t>(hash >> 32);
    if (row.tag == tag && now - row.seen < interval_) return false;
    row = {tag, now};
    return true;
  }

 private:
  struct Row {
    uint32_t tag = 0;
    Instant seen = Instant::min();
  };

  uint64_t seed_;
  Duration interval_;
  std::vector<Row> rows_;  // Sized at construction.
};

}  // namespace xord
