// How much memory a node takes, and how that is made to fit what the host or the container grants:
// where a setting is `auto` it follows the grant, where one is given that cannot fit it is warned
// of, and a node for which there is not enough is refused before the kernel ends it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "node/server/server.h"
#include "reactor/cgroup.h"

namespace xord {

// `auto` gives memory-max as much where there is enough.
constexpr uint64_t memory_auto_most = uint64_t{1} << 30;

struct MemoryFit {
  uint32_t shards = 1;         // Of a config with 0: as many as are given, if memory has room.
  uint64_t memory_max = 0;     // Of a config with 0: `auto`, resolved.
  uint64_t own_bytes = 0;      // What the node takes beside memory_max, once everything is in use.
  uint64_t log_bytes_max = 0;  // RocksConfig's.
  uint64_t block_bytes_max = 0;
  std::string warning;  // Not empty: what was asked for cannot fit.
  std::string note;     // Not empty: what `auto` came to, where that is less than usual.
};

// `shards_auto` is what `auto` is by the cores. `granted` empty: nobody knows, all is enough.
std::variant<MemoryFit, ServerError> fit_memory(const ServerConfig& config, uint32_t shards_auto,
                                                const std::optional<GroupLimitFound>& granted);

// "512 MiB", rounded up.
std::string mebibytes(uint64_t bytes);

}  // namespace xord
