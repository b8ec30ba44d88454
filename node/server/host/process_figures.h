// What a process sees of itself, read when it is asked for: for the metrics. It does file I/O, so a
// shard's thread never calls it. What the host refuses to tell is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xord {

struct ProcessFigures {
  double cpu_seconds = 0;    // In the kernel too, all threads.
  double start_seconds = 0;  // Since 1970.
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t descriptors = 0;      // Open.
  uint64_t descriptors_max = 0;  // RLIMIT_NOFILE.
};

// Of this process (proc(5)).
std::optional<ProcessFigures> process_figures();

// Its part that is parsed: `stat` is the text of /proc/self/stat, `boot` that of /proc/stat. Empty
// if either is not what proc(5) says.
std::optional<ProcessFigures> parse_process(std::string_view stat, std::string_view boot,
                                            uint64_t ticks_a_second, uint64_t page_bytes);

}  // namespace xord
