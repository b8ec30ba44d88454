// When a store is acknowledged, as configured by --durability.
#pragma once

#include <cstdint>

namespace xord {

enum class Durability : uint8_t {
  sync,  // Once its batch is synced: it survives power loss.
  os,    // Once the kernel has it: it survives `kill -9`; the disk is synced once a second.
};

}  // namespace xord
