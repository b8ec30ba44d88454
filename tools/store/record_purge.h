// Erases records from a stopped node's database in batches, each of which reaches the disk whole or
// not at all; an interrupted purge leaves the remaining records. Damaged rows are erased like any
// other.
#pragma once

#include <cstdint>
#include <string>

#include "reactor/base/id.h"
#include "tools/cli/terminal.h"

namespace xord {

struct PurgeSelection {
  Id prefix;  // Selects keys that share its first `prefix_bits` bits; 0: all.
  uint32_t prefix_bits = 0;
  bool is_expired_only = false;
};

// Returns the number of records erased, and frees their disk space unless it was a single key's.
// Failure: (environment) the directory or its disk; (interrupted) SIGINT, which needs a live
// Interrupt.
uint64_t purge_records(const std::string& data_dir, const PurgeSelection& selection,
                       Terminal& terminal);

}  // namespace xord
