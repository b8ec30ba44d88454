// One line on a terminal that says how far long work has come, rewritten four times a second at
// most. Prints nothing where standard error is no terminal, and leaves nothing of itself behind.
#pragma once

#include <cstdint>
#include <string>

#include "reactor/base/instant.h"
#include "tools/terminal.h"

namespace xord {

class Progress {
 public:
  // "checked 1200000 of about 4000000 records (30 %), 380000/s, 7 s left". A `total` of 0 is not
  // known.
  Progress(Terminal& terminal, std::string verb, std::string unit, uint64_t total);
  ~Progress();  // Clears the line.
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void reached(uint64_t count);
  // Clears the line, so that something else can be printed; the next reached() shows it again.
  void clear();

 private:
  void show(Duration now);

  Terminal& terminal_;
  const std::string verb_;
  const std::string unit_;
  const uint64_t total_;
  const bool is_watched_;
  const Duration begun_;  // Monotonic, as is the next.
  Duration show_at_;
  uint64_t count_ = 0;
  size_t shown_ = 0;  // Characters on the line.
};

}  // namespace xord
