// Pings of strangers, which take no slot: the transaction is a keyed hash of the endpoint that is
// pinged and of the time, so a pong shows by itself that it answers a ping of ours. It proves its
// source and nothing else: it has no round trip, and may be repeated while it is valid. Nobody off
// the path can make one up. Keeps nothing, sends nothing.
//
// A transaction is valid for at least cookie_seconds - 1 and less than cookie_seconds after the
// ping. Of 20 bytes, 16 are the hash. In a dialect of four-byte transactions, all bits but those of
// the shard are, and cookie_seconds of them are valid at a time: a forger who sends 50,000 pongs a
// second hits one of 2^32 in five hours, with 8 shards in half an hour (docs/DECISIONS.md,
// "Strangers are pinged without a slot").
#pragma once

#include <cstdint>

#include "node/calls/in_flight.h"
#include "node/wire/message.h"
#include "reactor/base/bytes.h"
#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord {

class PingCookies {
 public:
  static constexpr int64_t cookie_seconds = 5;

  // As InFlight, whose secret and form of transactions it shares.
  PingCookies(ShardIndex shard, const InFlight::Secret& secret, size_t transaction_bytes,
              uint32_t shards);

  // The transaction of a ping to `to`, of which the first `transaction_bytes` are to be sent. The
  // same for all pings within a second.
  Transaction transaction(Instant now, const Endpoint& to) const;
  // Whether a pong from `source` with `transaction` answers a ping of ours. Any length is accepted.
  bool is_valid(Instant now, Bytes transaction, const Endpoint& source) const;

 private:
  Transaction transaction_at(int64_t second, const Endpoint& to) const;

  const ShardIndex shard_;
  const InFlight::Secret secret_;
  const size_t transaction_bytes_;
  const uint8_t shard_mask_;
};

}  // namespace xord
