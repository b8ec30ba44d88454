// Counting what a data directory holds: records by network and by what is left of their lives.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/store/stored_records.h"

namespace xord {

// A record whose rest of life is at most the bound, and more than the bound before.
struct ExpiryBound {
  const char* name;
  NodeSeconds at_most;
};
constexpr ExpiryBound expiry_bounds[] = {
    {"1h", 3'600},      {"6h", 6 * 3'600},    {"1d", 86'400},         {"3d", 3 * 86'400},
    {"7d", 7 * 86'400}, {"30d", 30 * 86'400}, {"longer", UINT32_MAX},
};

struct NetworkStats {
  std::string network;
  uint64_t records = 0;  // Whole and not expired; as are the next.
  uint64_t value_bytes = 0;
  uint32_t value_size_most = 0;
  std::array<uint64_t, std::size(expiry_bounds)> expiring{};
  uint64_t expired = 0;  // Rows that compaction will reclaim.
  uint64_t damaged = 0;  // Rows that a node would not serve.
  uint64_t table_bytes = 0;
  uint64_t published = 0;  // Keys that the node publishes anew each day.
};

struct StoreStats {
  std::vector<NetworkStats> networks;
  uint64_t disk_bytes = 0;  // Of every file in the data directory.
  UnreadableRows unreadable;

  nlohmann::ordered_json json() const;
  std::string text() const;
};

StoreStats count_records(const StoredRecords& stored, Terminal& terminal);

}  // namespace xord
