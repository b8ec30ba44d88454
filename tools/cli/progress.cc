#include "tools/cli/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "reactor/base/check.h"
#include "reactor/monotonic.h"

namespace xord {
namespace {

constexpr Duration interval = milliseconds(250);
constexpr uint64_t look_each = 64;  // Reading the clock for each record would dominate.

}  // namespace

PassingLine::PassingLine(Terminal& terminal)
    : terminal_(terminal), begun_(monotonic_time()), now_(begun_), show_at_(begun_) {}

PassingLine::~PassingLine() {
  if (shown_ > 0) terminal_.err << '\r' << std::string(shown_, ' ') << '\r' << std::flush;
}

bool PassingLine::is_due() {
  if (!terminal_.is_watched) return false;
  now_ = monotonic_time();
  return now_ >= show_at_;
}

void PassingLine::show(std::string line) {
  show_at_ = now_ + interval;
  const size_t size = line.size();
  if (size < shown_) line.append(shown_ - size, ' ');
  terminal_.err << '\r' << line << std::flush;
  shown_ = size;
}

Progress::Progress(Terminal& terminal, std::string verb, std::string unit, uint64_t total)
    : line_(terminal), verb_(std::move(verb)), unit_(std::move(unit)), total_(total) {}

void Progress::reached(uint64_t count) {
  CHECK(count >= looked_at_);
  if (count < looked_at_ + look_each && (count == 0 || count != total_)) return;
  looked_at_ = count;
  if (line_.is_due()) line_.show(text_of(count));
}

std::string Progress::text_of(uint64_t count) const {
  const double rate = static_cast<double>(count) / std::max(line_.elapsed().seconds(), 1e-3);
  const std::string done = fmt::format("{} {}", verb_, count);
  if (total_ == 0) return done + fmt::format(" {}, {:.0f}/s", unit_, rate);
  const uint64_t left = total_ - std::min(total_, count);
  return done + fmt::format(" of about {} {} ({} %), {:.0f}/s, {:.0f} s left", total_, unit_,
                            std::min<uint64_t>(100, 100 * count / total_), rate,
                            static_cast<double>(left) / std::max(rate, 1.0));
}

}  // namespace xord
