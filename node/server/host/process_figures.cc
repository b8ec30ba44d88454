#include "node/server/host/process_figures.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "reactor/base/check.h"

namespace xord {
namespace {

std::string text_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The words of /proc/self/stat from its third on, the state; the second is the name of the program
// in brackets, which may hold spaces and brackets.
constexpr size_t first_word = 3;
constexpr size_t last_word = 24;
std::optional<std::array<std::string_view, last_word - first_word + 1>> words_of(
    std::string_view stat) {
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(name_end + 1);
  std::array<std::string_view, last_word - first_word + 1> words;
  for (std::string_view& word : words) {
    const size_t begin = stat.find_first_not_of(' ');
    if (begin == std::string_view::npos) return std::nullopt;
    stat.remove_prefix(begin);
    word = stat.substr(0, stat.find_first_of(" \n"));
    stat.remove_prefix(word.size());
  }
  return words;
}

// When the host booted, in seconds since 1970.
std::optional<uint64_t> boot_time(std::string_view boot) {
  constexpr std::string_view key = "\nbtime ";
  const size_t at = boot.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  boot.remove_prefix(at + key.size());
  return number_of(boot.substr(0, boot.find('\n')));
}

uint64_t descriptors_open() {
  std::error_code error;
  uint64_t count = 0;
  for (std::filesystem::directory_iterator each("/proc/self/fd", error), end; !error && each != end;
       each.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // Without the one that lists them.
}

}  // namespace

std::optional<ProcessFigures> parse_process(std::string_view stat, std::string_view boot,
                                            uint64_t ticks_a_second, uint64_t page_bytes) {
  CHECK(ticks_a_second > 0 && page_bytes > 0);
  const auto words = words_of(stat);
  const auto booted = boot_time(boot);
  if (!words || !booted) return std::nullopt;
  const auto word = [&](size_t number) { return number_of((*words)[number - first_word]); };
  const auto user = word(14);
  const auto system = word(15);
  const auto started = word(22);
  const auto virtual_bytes = word(23);
  const auto resident_pages = word(24);
  if (!user || !system || !started || !virtual_bytes || !resident_pages) return std::nullopt;
  const auto ticks = static_cast<double>(ticks_a_second);
  ProcessFigures figures;
  figures.cpu_seconds = static_cast<double>(*user + *system) / ticks;
  figures.start_seconds = static_cast<double>(*booted) + static_cast<double>(*started) / ticks;
  figures.resident_bytes = *resident_pages * page_bytes;
  figures.virtual_bytes = *virtual_bytes;
  return figures;
}

std::optional<ProcessFigures> process_figures() {
  const long ticks = sysconf(_SC_CLK_TCK);
  const long page = sysconf(_SC_PAGESIZE);
  CHECK(ticks > 0 && page > 0);
  auto figures = parse_process(text_of("/proc/self/stat"), text_of("/proc/stat"),
                               static_cast<uint64_t>(ticks), static_cast<uint64_t>(page));
  if (!figures) return std::nullopt;
  // The boot time moves with the wall clock. A start that seemed to move would look like a restart.
  static const double started = figures->start_seconds;
  figures->start_seconds = started;
  figures->descriptors = descriptors_open();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) figures->descriptors_max = limit.rlim_cur;
  return figures;
}

}  // namespace xord
