// One line on a terminal that reports the progress of long work, rewritten at most four times a
// second. Prints nothing if standard error is not a terminal, and clears itself at the end.
#pragma once

#include <cstdint>
#include <string>

#include "reactor/base/instant.h"
#include "tools/cli/terminal.h"

namespace xord {

// The line itself, with any text.
class PassingLine {
 public:
  explicit PassingLine(Terminal& terminal);
  ~PassingLine();  // Clears the line.
  PassingLine(const PassingLine&) = delete;
  PassingLine& operator=(const PassingLine&) = delete;

  // Whether it is time to rewrite the line. Reads the clock.
  bool is_due();
  void show(std::string line);
  // Time since construction.
  Duration elapsed() const { return now_ - begun_; }

 private:
  Terminal& terminal_;
  const MonotonicTime begun_;
  MonotonicTime now_;  // When is_due() last looked.
  MonotonicTime show_at_;
  size_t shown_ = 0;  // Characters on the line.
};

// A count: "checked 1200000 of about 4000000 records (30 %), 380000/s, 7 s left".
class Progress {
 public:
  // A `total` of 0 means unknown.
  Progress(Terminal& terminal, std::string verb, std::string unit, uint64_t total);

  // Reports the count so far. It never falls, and may grow by any amount between calls.
  void reached(uint64_t count);

 private:
  std::string text_of(uint64_t count) const;

  PassingLine line_;
  const std::string verb_;
  const std::string unit_;
  const uint64_t total_;
  uint64_t looked_at_ = 0;  // The count at which the clock was last read.
};

}  // namespace xord
