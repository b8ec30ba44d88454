#include "node/calls/ping_cookies.h"

#include <sodium/crypto_shorthash_siphash24.h>

#include <algorithm>
#include <array>

#include "node/budget.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

// Layout of a long one: the shard, the low 24 bits of the second, the hash.
constexpr size_t hash_at = 4;
constexpr int64_t second_mask = (1 << 24) - 1;
static_assert(hash_at + crypto_shorthash_siphashx24_BYTES == transaction_size);
static_assert(PingCookies::cookie_seconds <= transaction_lifetime.whole_seconds(),
              "an answer later than that does not count");
static_assert(PingCookies::cookie_seconds > held_lifetime.whole_seconds(),
              "as long as a request is held, a pong serves it");

int64_t second_of(Instant now) {
  return (now - Instant{}).whole_seconds();
}

}  // namespace

PingCookies::PingCookies(ShardIndex shard, const InFlight::Secret& secret, size_t transaction_bytes,
                         uint32_t shards)
    : shard_(shard),
      secret_(secret),
      transaction_bytes_(transaction_bytes),
      shard_mask_(InFlight::shard_mask(transaction_bytes, shards)) {
  CHECK(transaction_bytes == transaction_size || transaction_bytes == transaction_short);
  CHECK((shard & shard_mask_) == shard);
}

Transaction PingCookies::transaction(Instant now, const Endpoint& to) const {
  DCHECK(to.port != 0);
  return transaction_at(second_of(now), to);
}

bool PingCookies::is_valid(Instant now, Bytes transaction, const Endpoint& source) const {
  if (transaction.size() != transaction_bytes_) return false;
  if ((transaction[0] & shard_mask_) != shard_) return false;
  for (int64_t age = 0; age < cookie_seconds; ++age) {
    const int64_t second = second_of(now) - age;
    // A long one names its second, so at most one hash is computed for a reply that is not ours.
    if (transaction_bytes_ == transaction_size &&
        (load_be32(transaction.data()) & second_mask) != (second & second_mask)) {
      continue;
    }
    const Transaction expected = transaction_at(second, source);
    if (equal(transaction, Bytes(expected).first(transaction_bytes_))) return true;
  }
  return false;
}

Transaction PingCookies::transaction_at(int64_t second, const Endpoint& to) const {
  // InFlight hashes 24 bytes, so that none of its transactions is one of these.
  std::array<uint8_t, 16 + sizeof(uint32_t) + sizeof(uint16_t) + sizeof(uint64_t) + 1> input;
  static_assert(sizeof(IpAddress) == 16 && input.size() == 31);
  std::copy(to.address.bytes.begin(), to.address.bytes.end(), input.begin());
  store_be32(&input[16], to.scope);
  store_be16(&input[20], to.port);
  store_be64(&input[22], static_cast<uint64_t>(second));
  input[30] = shard_;
  std::array<uint8_t, crypto_shorthash_siphashx24_BYTES> hash;
  crypto_shorthash_siphashx24(hash.data(), input.data(), input.size(), secret_.data());
  Transaction transaction{};
  if (transaction_bytes_ == transaction_short) {
    std::copy_n(hash.begin(), transaction_short, transaction.begin());
    transaction[0] = static_cast<uint8_t>((transaction[0] & ~shard_mask_) | shard_);
    return transaction;
  }
  store_be32(transaction.data(),
             uint32_t{shard_} << 24 | static_cast<uint32_t>(second & second_mask));
  std::copy(hash.begin(), hash.end(), transaction.begin() + hash_at);
  return transaction;
}

}  // namespace xord
