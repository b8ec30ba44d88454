// Counts what a data directory holds: records by network and by their remaining life.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/store/stored_records.h"

namespace xord {

// Counts records whose remaining life is at most this bound and longer than the previous one.
struct ExpiryBound {
  const char* name;
  NodeSeconds at_most;
};
constexpr ExpiryBound expiry_bounds[] = {
    {"1h", 3'600},      {"6h", 6 * 3'600},    {"1d", 86'400},         {"3d", 3 * 86'400},
    {"7d", 7 * 86'400}, {"30d", 30 * 86'400}, {"longer", UINT32_MAX},
};

static_assert(std::end(expiry_bounds)[-1].at_most == UINT32_MAX);  // Every life is within one.

struct NetworkStats {
  std::string network;
  uint64_t records = 0;  // Intact and not expired, like the next three.
  uint64_t value_bytes = 0;
  uint32_t value_size_most = 0;
  std::array<uint64_t, std::size(expiry_bounds)> expiring{};
  uint64_t expired = 0;  // Rows that compaction will reclaim.
  uint64_t damaged = 0;  // Rows that a node would not serve.
  uint64_t table_bytes = 0;
  uint64_t published = 0;  // Keys that the node publishes again each day.
};

struct StoreStats {
  std::vector<NetworkStats> networks;
  uint64_t disk_bytes = 0;  // Size of all files in the data directory.
  UnreadableRows unreadable;

  nlohmann::ordered_json json() const;
  std::string text() const;
};

StoreStats count_records(const StoredRecords& stored, Terminal& terminal);

}  // namespace xord
