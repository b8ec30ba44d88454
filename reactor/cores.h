// Which cores this process may use, and threads pinned to them. The number of shards is what the
// affinity mask and the cgroup's CPU quota allow, not what the machine has. sched_setaffinity(2),
// cgroups(7).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reactor/io_error.h"
#include "reactor/thread.h"

namespace xord {

struct AllowedCores {
  std::vector<uint32_t> cpus;   // From the affinity mask, ascending; never empty.
  std::optional<double> quota;  // The CPU time granted by the cgroups, in CPUs; empty: no limit.
  // The default number of shards: the number of cores or the quota rounded down, whichever is
  // smaller; between 1 and shards_max.
  uint32_t shards = 1;
};

// Reads the mask of the calling thread and the cgroup files (version 2 or 1) under `root`, which is
// empty except in tests. A file that is absent or unreadable means no limit.
AllowedCores allowed_cores(const std::string& root = {});

// The core of a shard's thread, if it is pinned, among those of allowed_cores(). Shards in excess
// of the cores share them.
uint32_t core_of(uint32_t shard, const std::vector<uint32_t>& cpus);
constexpr uint32_t no_core = UINT32_MAX;  // The kernel may move the thread.

enum class Pinning : uint8_t { pinned, floating };

// A named thread, joined on destruction. A shard's thread is pinned to its core; threads that may
// block are not shard threads.
class ShardThread {
 public:
  // Runs `body` on a new thread, named `name` (15 characters are shown), on core `cpu`. If that
  // core is unavailable (the mask shrank), the thread is not pinned, and `body` is notified. An
  // error: no thread can be started.
  [[nodiscard]] std::optional<IoError> start(const std::string& name, uint32_t cpu,
                                             std::function<void(Pinning)> body);
  void join() { thread_.join(); }

 private:
  Thread thread_;
};

}  // namespace xord
