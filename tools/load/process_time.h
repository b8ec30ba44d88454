// CPU time and memory of another process on this machine, over all its threads, from proc(5): stat,
// statm, schedstat.
#pragma once

#include <cstdint>
#include <optional>

namespace xord {

struct ProcessTime {
  uint64_t run_nanoseconds = 0;  // From schedstat: exact, but without threads that have ended.
  // From stat: sampled in ticks of 10 ms; good only for the shares of user and system time.
  uint64_t user_nanoseconds = 0;
  uint64_t system_nanoseconds = 0;

  ProcessTime operator-(const ProcessTime& earlier) const {
    return {run_nanoseconds - earlier.run_nanoseconds, user_nanoseconds - earlier.user_nanoseconds,
            system_nanoseconds - earlier.system_nanoseconds};
  }
};

// Empty if there is no such process, or it may not be inspected.
std::optional<ProcessTime> process_time(int pid);
// The resident memory of the process in bytes.
std::optional<uint64_t> process_memory(int pid);

}  // namespace xord
