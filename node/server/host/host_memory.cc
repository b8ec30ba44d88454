#include "node/server/host/host_memory.h"

#include <algorithm>

#include "reactor/base/check.h"
#include "reactor/base/shard.h"

namespace xord {
namespace {

constexpr uint64_t mib = uint64_t{1} << 20;

// Measured (VmRSS of idle nodes of 1, 2 and 8 shards): 3 MiB, and 38 MiB per shard with the default
// contacts-max, of which contacts are 7. Rounded up. The pools of held requests are not touched
// before a flood of strangers: at most 17 MiB, a sixteenth of memory-max (Budget::size_held), and 2
// MiB at least, which are included.
constexpr uint64_t own_fixed = 8 * mib;
constexpr uint64_t own_a_shard = 32 * mib;
constexpr uint64_t own_a_contact = 112;  // Per shard.

// For RocksDB: unwritten tables and their arenas, blocks, indices of tables.
constexpr uint64_t log_most = 32 * mib;
constexpr uint64_t log_least = 4 * mib;
constexpr uint64_t blocks_most = 16 * mib;
constexpr uint64_t blocks_least = 1 * mib;
static_assert(log_least <= log_most && blocks_least <= blocks_most);
static_assert(memory_bounds.contain(memory_auto_most));

uint64_t own_a_shard_of(const ServerConfig& config) {
  return own_a_shard + config.contacts_max * own_a_contact;
}

// RocksDB's part is taken from what the shards leave, but grows more slowly than that: so it is
// enough to raise the limit by what is missing.
void size_node(MemoryFit* fit, const ServerConfig& config, uint64_t most) {
  const uint64_t shards = own_fixed + fit->shards * own_a_shard_of(config);
  const uint64_t left = most - std::min(most, shards);
  fit->log_bytes_max = std::clamp(left / 4, log_least, log_most);
  fit->block_bytes_max = std::clamp(left / 8, blocks_least, blocks_most);
  fit->own_bytes = shards + fit->log_bytes_max + fit->log_bytes_max / 4 + fit->block_bytes_max;
}

std::string granted_text(const GroupLimitFound& granted) {
  return mebibytes(granted.value) + " (" + granted.file + ")";
}

ServerError refusal(const MemoryFit& fit, uint64_t needed, const GroupLimitFound& granted) {
  return {ServerErrorKind::environment,
          "a node of " + std::to_string(fit.shards) + (fit.shards == 1 ? " shard" : " shards") +
              " needs " + mebibytes(needed) + " of memory, and this process may use " +
              granted_text(granted) + ": raise the limit" +
              (fit.shards > 1 ? ", or lower --shards" : ", or lower --contacts-max")};
}

}  // namespace

std::string mebibytes(uint64_t bytes) {
  return std::to_string((bytes + mib - 1) / mib) + " MiB";
}

std::variant<MemoryFit, ServerError> fit_memory(const ServerConfig& config, uint32_t shards_auto,
                                                const std::optional<GroupLimitFound>& granted) {
  CHECK(shards_auto >= 1 && shards_auto <= shards_max);
  const uint64_t most = granted ? granted->value : UINT64_MAX;
  MemoryFit fit;
  fit.shards = config.shards > 0 ? config.shards : shards_auto;
  size_node(&fit, config, most);
  while (config.shards == 0 && fit.shards > 1 && fit.own_bytes + memory_bounds.least > most) {
    --fit.shards;
    size_node(&fit, config, most);
  }
  if (fit.own_bytes + memory_bounds.least > most) {
    CHECK(granted.has_value());  // Everything fits what is unknown.
    return refusal(fit, fit.own_bytes + memory_bounds.least, *granted);
  }
  // Half of what is left: the rest is for the page cache, without which RocksDB reads everything
  // from disk, and for other programs on the host.
  CHECK(fit.shards >= 1 && fit.own_bytes < most);
  const uint64_t left = most - fit.own_bytes;
  fit.memory_max = config.memory_max > 0
                       ? config.memory_max
                       : std::clamp(left / 2 / mib * mib, memory_bounds.least, memory_auto_most);
  if (fit.memory_max > left) {
    fit.warning = "memory-max is " + mebibytes(fit.memory_max) + ", the node itself takes up to " +
                  mebibytes(fit.own_bytes) + ", and this process may use " +
                  granted_text(*granted) +
                  " of memory: the kernel will kill it once its records have grown; lower "
                  "memory-max to " +
                  std::to_string(left / mib) + "MiB, or raise the limit";
  } else if (config.memory_max == 0 && fit.memory_max < memory_auto_most) {
    fit.note = "memory-max is " + mebibytes(fit.memory_max) + ", because this process may use " +
               granted_text(*granted) + " of memory";
  }
  if (config.shards == 0 && fit.shards < shards_auto) {
    fit.note += (fit.note.empty() ? "" : "; ") + std::string("shards is ") +
                std::to_string(fit.shards) + " instead of " + std::to_string(shards_auto) +
                ", because each takes " + mebibytes(own_a_shard_of(config));
  }
  return fit;
}

}  // namespace xord
