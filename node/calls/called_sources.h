// Which endpoints we called lately: two Bloom filters, one for the present span of five minutes and
// one for the span before. It never forgets a call of the last five minutes, and forgets each after
// ten at the latest. It may take a source for called that was not: with the default size one in 50
// when 40,000 were called, every second one when 300,000 were. Nothing allocates after
// construction.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord {

class CalledSources {
 public:
  static constexpr Duration remembered = minutes(5);

  // `bits` of each filter: a power of two, at least 64. `seed` is a secret: without it no one can
  // choose endpoints that pass for called.
  CalledSources(uint32_t bits, uint64_t seed);

  // Records a call at `now`, which must not decrease between calls. Whether it is the first to
  // `source` in the present span, as far as the filter can tell.
  bool add(const Endpoint& source, Instant now);
  // False only if `source` was not called in the last five minutes.
  bool was_called(const Endpoint& source, Instant now) const;

 private:
  using Filter = std::vector<uint64_t>;
  struct Bits {
    std::array<uint64_t, 2> at{};
  };

  static int64_t span_of(Instant now) { return now.nanoseconds / remembered.nanoseconds; }
  Bits bits_of(const Endpoint& source) const;
  static bool contains(const Filter& filter, const Bits& bits);

  const uint64_t seed_;
  const uint64_t mask_;
  int64_t span_ = 0;
  Filter present_;
  Filter before_;
};

}  // namespace xord
