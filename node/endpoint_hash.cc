#include "node/endpoint_hash.h"

#include <xxhash.h>

#include <array>

#include "reactor/base/check.h"

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

uint64_t prefix_hash(const IpAddress& address, uint32_t bits, uint64_t seed) {
  DCHECK(bits > 0 && bits <= (address.is_ipv4() ? 32u : 64u));
  const uint64_t word = address.is_ipv4() ? uint64_t{load_be32(&address.bytes[12])} << 32
                                          : load_be64(&address.bytes[0]);
  // Prefixes of another length or family are others, even if their first bits are equal.
  const std::array<uint64_t, 2> prefix = {word >> (64 - bits), bits << 1 | address.is_ipv4()};
  return XXH3_64bits_withSeed(prefix.data(), sizeof prefix, seed);
}

uint64_t site_hash(const IpAddress& address, uint64_t seed) {
  const size_t site_size = address.is_ipv4() ? 15 : 6;
  static_assert(sizeof address.bytes == 16);
  return XXH3_64bits_withSeed(address.bytes.data(), site_size, seed);
}

}  // namespace xord
