// What a host must grant a node: threads, open files, the size of a file, addresses. Looked at
// before anything of the node is made, so that what is missing is a sentence with the number that
// is needed, and not the end of a node that called itself ready.
#pragma once

#include <cstdint>
#include <optional>

#include "node/server/server.h"

namespace xord {

struct HostNeeds {
  uint32_t threads = 0;
  uint32_t files_least = 0;  // With hardly any tables of the database open.
  uint32_t tables = 0;       // Files of the database that may be open at once.
  uint64_t addresses = 0;    // Bytes.
};

// `config` with a number of shards and of memory; `own_bytes` as in node/server/host_memory.h.
HostNeeds needs_of(const ServerConfig& config, uint64_t own_bytes);

// The first limit of this process that is too low. Lowers needs->tables to what fits.
std::optional<ServerError> check_host(HostNeeds* needs);

}  // namespace xord
