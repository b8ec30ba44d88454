#include "tools/load/process_time.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace xord {

std::optional<ProcessTime> process_time(int pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  std::ifstream stat(process + "/stat");
  std::string text;
  if (!std::getline(stat, text)) return std::nullopt;
  // The name, in parentheses, may contain anything; utime and stime are the 12th and 13th fields
  // after it.
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  uint64_t user = 0;
  uint64_t system = 0;
  if (!(fields >> user >> system)) return std::nullopt;
  const uint64_t tick = 1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  ProcessTime time{0, user * tick, system * tick};
  std::error_code gone;
  for (const auto& thread : std::filesystem::directory_iterator(process + "/task", gone)) {
    std::ifstream schedstat(thread.path() / "schedstat");
    uint64_t ran = 0;
    if (schedstat >> ran) time.run_nanoseconds += ran;
  }
  if (gone) return std::nullopt;
  return time;
}

std::optional<uint64_t> process_memory(int pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  uint64_t all = 0;
  uint64_t resident = 0;
  if (!(statm >> all >> resident)) return std::nullopt;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace xord
