// A seeded stream of numbers (xoshiro256**, Blackman and Vigna 2018), the same on every machine for
// the same seed. Not for secrets by itself: code that needs unguessable numbers keys a hash
// (node/calls/in_flight.h). One stream per concern: split("network") makes a separate stream, so
// that a draw added in one place does not shift the draws of another.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "reactor/base/bytes.h"

namespace xord {

class Rng {
 public:
  explicit Rng(uint64_t seed);
  uint64_t next();
  // Uniform in 0..bound-1; `bound` is at least 1.
  uint64_t bounded(uint64_t bound);
  // Uniform in [0, 1).
  double unit();
  bool chance(double probability) { return unit() < probability; }
  void fill(MutableBytes out);
  // A stream that depends on this one's seed and on `name`, not on what was drawn so far.
  Rng split(std::string_view name) const;

  template <class Sequence>
  void shuffle(Sequence& sequence) {
    for (size_t i = sequence.size(); i > 1; --i) {
      std::swap(sequence[i - 1], sequence[static_cast<size_t>(bounded(i))]);
    }
  }

 private:
  uint64_t seed_;
  std::array<uint64_t, 4> state_;
};

}  // namespace xord
