#include "node/endpoint_hash.h"

#include <xxhash.h>

namespace xord {

uint64_t endpoint_hash(const Endpoint& endpoint, uint64_t seed) {
  // The fields are adjacent, so the padding at the end can be left out.
  static_assert(offsetof(Endpoint, scope) == 16 && offsetof(Endpoint, port) == 20);
  return XXH3_64bits_withSeed(&endpoint, offsetof(Endpoint, port) + sizeof endpoint.port, seed);
}

uint64_t contact_hash(const Contact& contact, uint64_t seed) {
  return XXH3_64bits_withSeed(contact.id.bytes.data(), id_size, seed) ^
         endpoint_hash(contact.endpoint, seed);
}

uint64_t prefix_seed_of(Bytes secret) {
  constexpr uint64_t purpose = 0x7072656669786573;  // "prefixes": other uses get other seeds.
  return XXH3_64bits_withSeed(secret.data(), secret.size(), purpose);
}

uint64_t prefix_hash(const IpAddress& address, uint64_t seed) {
  const size_t prefix_size = address.is_ipv4() ? 15 : 8;
  return XXH3_64bits_withSeed(address.bytes.data(), prefix_size, seed);
}

}  // namespace xord
