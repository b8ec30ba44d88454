#include "tools/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "reactor/monotonic.h"

namespace xord {
namespace {

constexpr Duration interval = milliseconds(250);
constexpr uint64_t look_each = 64;  // Reading the clock for each record would be the work.

}  // namespace

Progress::Progress(Terminal& terminal, std::string verb, std::string unit, uint64_t total)
    : terminal_(terminal),
      verb_(std::move(verb)),
      unit_(std::move(unit)),
      total_(total),
      is_watched_(&terminal.err == &std::cerr && isatty(STDERR_FILENO) == 1),
      begun_(monotonic_time()),
      show_at_(begun_) {}

Progress::~Progress() {
  clear();
}

void Progress::reached(uint64_t count) {
  count_ = count;
  if (!is_watched_ || count == 0 || (count % look_each != 0 && count != total_)) return;
  const Duration now = monotonic_time();
  if (now < show_at_) return;
  show_at_ = now + interval;
  show(now);
}

void Progress::show(Duration now) {
  const double rate = static_cast<double>(count_) / std::max((now - begun_).seconds(), 1e-3);
  std::string line = fmt::format("{} {}", verb_, count_);
  if (total_ > 0) {
    const uint64_t left = total_ - std::min(total_, count_);
    line += fmt::format(" of about {} {} ({} %), {:.0f}/s, {:.0f} s left", total_, unit_,
                        std::min<uint64_t>(100, 100 * count_ / total_), rate,
                        static_cast<double>(left) / std::max(rate, 1.0));
  } else {
    line += fmt::format(" {}, {:.0f}/s", unit_, rate);
  }
  const size_t size = line.size();
  if (size < shown_) line.append(shown_ - size, ' ');
  terminal_.err << '\r' << line << std::flush;
  shown_ = size;
}

void Progress::clear() {
  if (shown_ == 0) return;
  terminal_.err << '\r' << std::string(shown_, ' ') << '\r' << std::flush;
  shown_ = 0;
}

}  // namespace xord
