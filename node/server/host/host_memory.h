// Computes how much memory a node takes, and makes it fit what the host or the container grants: an
// `auto` setting follows the grant, a given setting that cannot fit causes a warning, and a node
// for which there is not enough is refused before the kernel kills it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "node/server/config/server_config.h"
#include "node/server/config/server_error.h"
#include "reactor/cgroup.h"

namespace xord {

// `auto` sets memory-max to this where there is enough.
constexpr uint64_t memory_auto_most = uint64_t{1} << 30;

struct MemoryFit {
  uint32_t shards = 1;         // If the config has 0: as many as granted, if memory allows.
  uint64_t memory_max = 0;     // If the config has 0: `auto`, resolved.
  uint64_t own_bytes = 0;      // What the node takes besides memory_max, with everything in use.
  uint64_t log_bytes_max = 0;  // For RocksConfig.
  uint64_t block_bytes_max = 0;
  std::string warning;  // Not empty: the given settings cannot fit.
  std::string note;     // Not empty: `auto` was resolved to less than usual.
};

// `shards_auto`: the number of shards that `auto` means by the cores alone. Empty `granted`:
// unknown, so everything fits.
std::variant<MemoryFit, ServerError> fit_memory(const ServerConfig& config, uint32_t shards_auto,
                                                const std::optional<GroupLimitFound>& granted);

// "512 MiB", rounded up.
std::string mebibytes(uint64_t bytes);

}  // namespace xord
