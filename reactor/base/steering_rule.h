// How the bytes of a datagram say which shard it is for: what a dialect states of its spelling
// (node/wire/), so that the reactor, which knows no dialect, can have the kernel look at it
// (reactor/steering.h). Plain values of static tables. A rule saves a hop between shards and is
// never a condition of a right answer: whoever writes a datagram chooses its bytes.
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
    owner_of_key,  // Two bytes, big endian, are the end of a key: shard_of().
    index,         // One byte is the shard's index.
  };
  std::array<Match, 3> matches{};  // All of them; one without bytes always matches.
  Target target{};
  uint16_t offset = 0;  // Of the byte or bytes that say which shard.
};

}  // namespace xord
