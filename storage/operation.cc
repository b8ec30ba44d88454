#include "storage/operation.h"

#include <xxhash.h>

namespace xord {

uint64_t value_fingerprint(uint64_t hash_seed, Bytes value) {
  return XXH3_64bits_withSeed(value.data(), value.size(), hash_seed);
}

}  // namespace xord
