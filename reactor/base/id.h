// Ids and keys: 160 bits, compared by XOR (paper 2.1). The distance of two ids is their XOR read as
// a big-endian integer, and is itself an Id.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/base/shard.h"

namespace xord {

class Rng;

constexpr uint32_t id_bits = 160;
constexpr size_t id_size = 20;
static_assert(id_size * 8 == id_bits);

struct Id {
  std::array<uint8_t, id_size> bytes{};

  bool operator==(const Id& other) const {  // By words, like IpAddress.
    const uint64_t first = load_be64(bytes.data()) ^ load_be64(other.bytes.data());
    const uint64_t second = load_be64(&bytes[8]) ^ load_be64(&other.bytes[8]);
    return (first | second | (load_be32(&bytes[16]) ^ load_be32(&other.bytes[16]))) == 0;
  }
  std::strong_ordering operator<=>(const Id& other) const {
    const int order = std::memcmp(bytes.data(), other.bytes.data(), id_size);
    return order <=> 0;
  }
  // Bit `index` counted from the most significant, which is 0.
  bool bit(uint32_t index) const {
    DCHECK(index < id_bits);
    return (bytes[index / 8] >> (7 - index % 8)) & 1;
  }
  uint64_t leading_word() const { return load_be64(bytes.data()); }

  // `bytes` has exactly 20 bytes.
  static Id from(Bytes bytes) {
    CHECK(bytes.size() == id_size);
    Id id;
    std::memcpy(id.bytes.data(), bytes.data(), id_size);
    return id;
  }
  // 40 hexadecimal digits, either case; empty for anything else.
  static std::optional<Id> from_hex(std::string_view text);
  std::string hex() const;  // 40 lower-case digits.
};

inline Id distance(const Id& a, const Id& b) {
  Id result;
  for (size_t i = 0; i < id_size; ++i) result.bytes[i] = a.bytes[i] ^ b.bytes[i];
  return result;
}

// How many leading bits `a` and `b` share: 0..160.
inline uint32_t shared_prefix(const Id& a, const Id& b) {
  for (uint32_t at = 0; at < 16; at += 8) {
    const uint64_t differ = load_be64(&a.bytes[at]) ^ load_be64(&b.bytes[at]);
    if (differ != 0) return at * 8 + static_cast<uint32_t>(std::countl_zero(differ));
  }
  const uint32_t differ = load_be32(&a.bytes[16]) ^ load_be32(&b.bytes[16]);
  return 128 + static_cast<uint32_t>(std::countl_zero(differ));
}

// `id` with the bits from `depth` on set to 0, or to 1.
Id first_of_block(const Id& id, uint32_t depth);
Id last_of_block(const Id& id, uint32_t depth);
// The id after `id`; empty after the last one.
std::optional<Id> next_id(const Id& id);

// The id that is farthest from `id`: with every bit inverted.
inline Id farthest_id(Id id) {
  for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>(~byte);
  return id;
}

// An id drawn uniformly.
Id random_id(Rng& rng);

// Whether `a` is strictly nearer to `target` than `b`.
inline bool nearer(const Id& target, const Id& a, const Id& b) {
  const uint32_t at = shared_prefix(a, b);  // The first bit in which they differ decides.
  return at < id_bits && a.bit(at) == target.bit(at);
}

// The shard that owns the record of `key` among `shards` (docs/ARCHITECTURE.md, "Who owns what"):
// by the *last* 16 bits, because a node holds keys near its own id, which share their leading bits.
inline ShardIndex shard_of(const Id& key, uint32_t shards) {
  DCHECK(shards >= 1 && shards <= shards_max);
  return static_cast<ShardIndex>((uint32_t{load_be16(&key.bytes[18])} * shards) >> 16);
}

}  // namespace xord
