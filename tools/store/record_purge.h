// Taking records out of a stopped node's database, in batches that are on disk as a whole or not at
// all; an interrupted purge leaves the others. Damaged rows go like any other.
#pragma once

#include <cstdint>
#include <string>

#include "reactor/base/id.h"
#include "tools/cli/terminal.h"

namespace xord {

struct PurgeSelection {
  Id prefix;  // Keys that share `prefix_bits` leading bits with it; 0: all.
  uint32_t prefix_bits = 0;
  bool is_expired_only = false;
};

// How many went. Gives their room on disk back, unless it was a single key's. Failure:
// (environment) the directory or its disk, (interrupted) SIGINT, for which an Interrupt must live.
uint64_t purge_records(const std::string& data_dir, const PurgeSelection& selection,
                       Terminal& terminal);

}  // namespace xord
