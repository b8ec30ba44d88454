// How long answers take, for each contact and for the filed contacts as a whole, and from that how
// long to wait for one: twice srtt + 4 rttvar with the weights of RFC 6298, clamped as
// node/budget.h says. Twice, since a node may ping an unknown source before it answers, as ours do:
// the answer then takes one more round trip. This only decides when a call is slow, never when it
// failed. Fixed size: the most recently used contacts are kept.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "reactor/base/endpoint.h"
#include "reactor/base/instant.h"

namespace xord {

// Smoothed round trip and its variation, in microseconds: 8 bytes.
class RoundTrip {
 public:
  void sample(Duration measured);
  bool is_measured() const { return srtt_ != 0; }
  Duration smoothed() const { return microseconds(srtt_); }  // 0 before any sample.
  // The adaptive timeout; one second before any sample.
  Duration timeout() const;

 private:
  uint32_t srtt_ = 0;  // At least 1 once measured.
  uint32_t rttvar_ = 0;
};

class RoundTrips {
 public:
  // Remembers about `contacts_max` contacts (rounded up to a power of two, at least 4). `seed` is
  // a secret.
  RoundTrips(uint32_t contacts_max, uint64_t seed);

  // A call to `endpoint` was answered after `measured`. Late answers count too: the transaction
  // names the one datagram that was answered, so unlike in TCP there is no ambiguity (Karn).
  void sample(const Endpoint& endpoint, Duration measured);
  // The same, for the estimate used for endpoints without samples of their own.
  void sample_of_node(Duration measured) { of_node_.sample(measured); }
  // How long to wait for `endpoint` until a call is slow: by its own round trips if we have them,
  // otherwise by the node's, but then at most adaptive_timeout_unmeasured.
  Duration timeout(const Endpoint& endpoint) const;
  // The smoothed round trip of `endpoint`, for reports; empty without samples of its own.
  std::optional<Duration> smoothed(const Endpoint& endpoint) const;

 private:
  static constexpr uint32_t ways = 4;
  struct Row {
    uint32_t tag = 0;  // Upper half of the hash, never 0 when used. If two contacts collide, their
                       // timeouts are worse, no more, so the endpoint itself is not kept.
    RoundTrip round_trip;
  };
  struct alignas(64) Set {       // One cache line.
    std::array<Row, ways> rows;  // Most recently used first.
  };
  static_assert(sizeof(Set) == 64);

  // Null without samples of it.
  const RoundTrip* find(const Endpoint& endpoint) const;
  uint64_t hash_of(const Endpoint& endpoint) const;
  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32) | 1; }

  uint64_t seed_;
  uint64_t set_mask_;
  RoundTrip of_node_;
  std::vector<Set> sets_;
};

}  // namespace xord
