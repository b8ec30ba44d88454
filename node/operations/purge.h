// The one purge that a node's shard is at: records of a key or a key range that are being erased at
// its program's wish, a bounded number a call. Whoever asked goes on behind `next` until the range
// is at its end.
#pragma once

#include <cstdint>
#include <optional>

#include "node/operation_result.h"
#include "reactor/base/id.h"

namespace xord {

// Records that one call erases: their operations and their completions fit beside everything else.
constexpr uint32_t purge_records_max = 64;
// Records that one call looks at: expired ones are passed over.
constexpr uint32_t purge_visits_max = 256;

struct Purge {
  OperationId operation = 0;
  uint32_t waiting_count = 0;  // For the disk; 0: no purge is under way.
  uint16_t erased_count = 0;
  uint16_t failed_count = 0;
  std::optional<Id> next;  // Where to go on; empty at the end of the range.
};

}  // namespace xord
