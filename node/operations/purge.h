// The one purge in progress on a node's shard: records of a key or a key range that are being
// erased at the program's request, a bounded number per call. The caller continues from `next`
// until the end of the range.
#pragma once

#include <cstdint>
#include <optional>

#include "node/operation_result.h"
#include "reactor/base/id.h"

namespace xord {

// Records erased per call: their operations and completions fit beside everything else.
constexpr uint32_t purge_records_max = 64;
// Records looked at per call: expired ones are skipped.
constexpr uint32_t purge_visits_max = 256;
static_assert(purge_records_max <= purge_visits_max);
static_assert(purge_records_max <= UINT16_MAX, "a result counts records in 16 bits");

struct Purge {
  OperationId operation = 0;
  uint32_t waiting_count = 0;  // For the disk; 0: no purge is in progress.
  uint16_t erased_count = 0;
  uint16_t failed_count = 0;
  std::optional<Id> next;  // Where to continue; empty at the end of the range.
};

}  // namespace xord
