// How --memory-max is split: the index of all records comes first, the value cache gets the rest.
// Both are reserved at start and taken page by page, so neither ever stalls to grow, and together
// they never exceed it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "storage/record.h"

namespace xord {

// A record in memory without its value: 64 bytes, 6 in the index by hash, 9 in the index by key
// order (docs/STORAGE.md), and its share of the expiry ring's buckets, rounded up.
constexpr uint64_t index_bytes_a_record = 80;
static_assert(index_bytes_a_record >= sizeof(Record) + 6 + 9);

struct MemoryPlan {
  uint64_t records_max;  // Never more than asked for; fewer when memory is the tighter bound.
  uint64_t value_bytes_max;
};

// At least an eighth goes to values: without a cache every find would be a read from disk.
constexpr MemoryPlan plan_memory(uint64_t memory_max, uint64_t records_max) {
  const uint64_t fitting = (memory_max - memory_max / 8) / index_bytes_a_record;
  const uint64_t records = std::min(records_max, fitting);
  return {records, memory_max - records * index_bytes_a_record};
}

}  // namespace xord
