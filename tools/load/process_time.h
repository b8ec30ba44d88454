// CPU time and memory of another process of this machine, all its threads together. proc(5): stat,
// statm, schedstat.
#pragma once

#include <cstdint>
#include <optional>

namespace xord {

struct ProcessTime {
  uint64_t run_nanoseconds = 0;  // From schedstat: exact. What threads that ended ran is missing.
  // From stat: in ticks of 10 ms, sampled; for the share of each only.
  uint64_t user_nanoseconds = 0;
  uint64_t system_nanoseconds = 0;

  ProcessTime operator-(const ProcessTime& earlier) const {
    return {run_nanoseconds - earlier.run_nanoseconds, user_nanoseconds - earlier.user_nanoseconds,
            system_nanoseconds - earlier.system_nanoseconds};
  }
};

// Empty when there is no such process, or it may not be looked at.
std::optional<ProcessTime> process_time(int pid);
// Its resident memory in bytes.
std::optional<uint64_t> process_memory(int pid);

}  // namespace xord
