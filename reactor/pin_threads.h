// Whether each shard's thread stays on one core (reactor/cores.h).
#pragma once

#include <cstdint>

namespace xord {

enum class PinThreads : uint8_t {
  automatic,  // With several shards, each of which can have a core of its own.
  on,         // Shards in excess of the cores share them.
  off,
};

}  // namespace xord
