// The ids and values of a load run. All are computed from the run's seed and a number, so that
// nothing has to be kept to check an answer, a million records included. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/id.h"
#include "reactor/base/rng.h"

namespace xord {

// What an id is for: the ids of two domains have nothing in common.
enum class IdDomain : uint8_t {
  targets,  // Of find_node.
  hits,     // Keys stored in the warm-up.
  misses,   // Keys that nobody stores.
  stores,   // Keys stored by the load itself.
  sources,  // Who asks.
};

enum class Spread : uint8_t {
  uniform,
  zipf,  // Keys: the n-th is drawn 1/n^s as often as the first. Sizes: small ones are common.
};

struct ValueSizes {
  uint32_t least = 100;  // Bytes of the value, without the 2 or 3 that say so.
  uint32_t most = 100;
  Spread spread = Spread::uniform;
};

class KeySpace {
 public:
  // Keys (all domains but sources) share their first `near_bits` bits with `near`.
  KeySpace(uint64_t seed, const ValueSizes& sizes, const Id& near, uint32_t near_bits);

  Id id(IdDomain domain, uint64_t number) const;
  // Writes the packed value of a key (a msgpack bin) to `out`, which has room for
  // value_room() bytes, and returns its size.
  size_t write_value(IdDomain domain, uint64_t number, MutableBytes out) const;
  bool is_value(IdDomain domain, uint64_t number, Bytes packed) const;
  size_t value_room() const { return sizes_.most + size_t{16}; }

 private:
  uint32_t value_size(uint64_t hash) const;

  uint64_t seed_;
  ValueSizes sizes_;
  Id near_;
  uint32_t near_bits_;
};

// Draws numbers below a bound, all alike or by Zipf's law; one draw costs the same for any bound
// (alias method, Walker 1977): 8 bytes a number are kept for zipf, none for uniform.
class NumberDraw {
 public:
  NumberDraw() = default;
  static NumberDraw uniform(uint64_t bound);
  static NumberDraw zipf(uint32_t bound, double exponent);

  uint64_t draw(Rng& rng) const;

 private:
  struct Cell {
    float keep = 1;      // The chance that the cell's own number is drawn...
    uint32_t other = 0;  // ...and what is drawn else.
  };
  uint64_t bound_ = 1;
  std::vector<Cell> cells_;  // Empty: uniform.
};

}  // namespace xord
