// One line on a terminal that says how far long work has come, rewritten four times a second at
// most. Prints nothing where standard error is no terminal, and leaves nothing of itself behind.
#pragma once

#include <cstdint>
#include <string>

#include "reactor/base/instant.h"
#include "tools/cli/terminal.h"

namespace xord {

// The line itself, whatever it says.
class PassingLine {
 public:
  explicit PassingLine(Terminal& terminal);
  ~PassingLine();  // Clears the line.
  PassingLine(const PassingLine&) = delete;
  PassingLine& operator=(const PassingLine&) = delete;

  // Whether it is time to show something. Reads the clock.
  bool is_due();
  void show(std::string line);
  // Since it was made.
  Duration elapsed() const { return now_ - begun_; }

 private:
  Terminal& terminal_;
  const Duration begun_;  // Monotonic, as are the next two.
  Duration now_;          // When is_due() last looked.
  Duration show_at_;
  size_t shown_ = 0;  // Characters on the line.
};

// What counts: "checked 1200000 of about 4000000 records (30 %), 380000/s, 7 s left".
class Progress {
 public:
  // A `total` of 0 is not known.
  Progress(Terminal& terminal, std::string verb, std::string unit, uint64_t total);

  // `count` grows, by one or by many at a time.
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
