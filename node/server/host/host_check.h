// The resources that a host must grant a node: threads, open files, file size, address space.
// Checked before any part of the node is made, so that a missing resource gives an error with the
// number needed, instead of killing a node that had reported itself ready.
#pragma once

#include <cstdint>
#include <optional>

#include "node/server/config/server_config.h"
#include "node/server/config/server_error.h"

namespace xord {

struct HostNeeds {
  uint32_t threads = 0;
  uint32_t files_least = 0;  // With hardly any tables of the database open.
  uint32_t tables = 0;       // Files of the database that may be open at once.
  uint64_t addresses = 0;    // Bytes.
};

// `config` must have its shards and memory resolved; `own_bytes` as in
// node/server/host/host_memory.h.
HostNeeds needs_of(const ServerConfig& config, uint64_t own_bytes);

// Whether the process may have as many addresses; `held`: of those, a node of it has so many
// already.
std::optional<ServerError> check_addresses(const HostNeeds& needs, uint64_t held);
// The first limit of this process that is too low. Lowers needs->tables to what fits.
std::optional<ServerError> check_host(HostNeeds* needs);

}  // namespace xord
