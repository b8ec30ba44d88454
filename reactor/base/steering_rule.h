// How the bytes of a datagram tell its shard. A dialect (node/wire/) states its wire format as such
// rules, so that the reactor, which knows no dialect, can have the kernel apply them
// (reactor/steering.h). Plain values of static tables. A rule saves a hop between shards and
// correctness never depends on it: the sender chooses the bytes of a datagram.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace xord {

struct SteeringRule {
  struct Match {
    uint16_t offset = 0;  // From the first byte of the datagram.
    std::string_view bytes;
  };
  enum class Target : uint8_t {
    owner_of_key,  // Two big-endian bytes are the end of a key: shard_of().
    index,         // One byte is the shard's index.
  };
  std::array<Match, 3> matches{};  // All must match; one without bytes always does.
  Target target{};
  uint16_t offset = 0;  // Of the byte or bytes that name the shard.
};

}  // namespace xord
