// What the control groups of this process grant it: a container's limits, which getrlimit(2) does
// not report. cgroups(7), versions 1 and 2. A file that is absent or unreadable means no limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace xord {

enum class GroupLimit : uint8_t { memory, threads };  // In bytes; processes and threads.

struct GroupLimitFound {
  uint64_t value = 0;
  std::string file;  // The file that states it.
};

// The smallest limit of the process's group and all groups above it; empty: none. Reads the files
// under `root`, which is empty except in tests.
std::optional<GroupLimitFound> group_limit(GroupLimit which, const std::string& root = {});

// Memory that the process may use: the smaller of what its groups grant and what the host has.
std::optional<GroupLimitFound> granted_memory(const std::string& root = {});

// The CPU time that they grant, in CPUs; empty: no limit.
std::optional<double> group_cpu_quota(const std::string& root = {});

}  // namespace xord
