// The ids and values of a load run. All are computed from the run's seed and a number, so nothing
// has to be stored to check an answer, even with a million records. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/id.h"
#include "reactor/base/rng.h"

namespace xord {

// The purpose of an id: ids of different domains have nothing in common.
enum class IdDomain : uint8_t {
  targets,  // Targets of find_node.
  hits,     // Keys stored in the warm-up.
  misses,   // Keys that are never stored.
  stores,   // Keys stored by the load itself.
  sources,  // Senders of the requests.
};

enum class Spread : uint8_t {
  uniform,
  zipf,  // The n-th key is drawn 1/n^s as often as the first; small sizes are common.
};

struct ValueSizes {
  uint32_t least = 100;  // Bytes of the value, without the 2 or 3 of its msgpack head.
  uint32_t most = 100;
  Spread spread = Spread::uniform;
};

class KeySpace {
 public:
  // Keys (ids of all domains except sources) share their first `near_bits` bits with `near`.
  KeySpace(uint64_t seed, const ValueSizes& sizes, const Id& near, uint32_t near_bits);

  Id id(IdDomain domain, uint64_t number) const;
  // Writes the packed value of a key (a msgpack bin) to `out`, which must have room for 16 bytes
  // more than the longest value has, and returns its size.
  size_t write_value(IdDomain domain, uint64_t number, MutableBytes out) const;
  bool is_value(IdDomain domain, uint64_t number, Bytes packed) const;

 private:
  uint32_t value_size(uint64_t hash) const;

  uint64_t seed_;
  ValueSizes sizes_;
  Id near_;
  uint32_t near_bits_;
};

// Draws numbers below a bound, uniformly or by Zipf's law. A draw costs the same for any bound
// (alias method, Walker 1977); Zipf's law takes 8 bytes for each number, the uniform draw none.
class NumberDraw {
 public:
  NumberDraw() = default;
  static NumberDraw uniform(uint64_t bound);
  static NumberDraw zipf(uint32_t bound, double exponent);

  uint64_t draw(Rng& rng) const;

 private:
  struct Cell {
    float keep = 1;      // The chance that the cell's own number is drawn.
    uint32_t other = 0;  // The number drawn otherwise.
  };
  uint64_t bound_ = 1;
  std::vector<Cell> cells_;  // Empty: uniform.
};

}  // namespace xord
