// The terminal that `xord top` draws on, by ncurses: colours, keys and changes of its size. It
// takes over the terminal while it lives, and gives it back as it was. One at a time in a process.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tools/control/top_view.h"

namespace xord {

class TopTerminal {
 public:
  // Without colours: bold and reverse alone. Failure (environment) if the terminal is not known.
  explicit TopTerminal(bool has_colours);
  ~TopTerminal();
  TopTerminal(const TopTerminal&) = delete;
  TopTerminal& operator=(const TopTerminal&) = delete;

  uint32_t width() const;
  uint32_t height() const;
  // Draws `lines` from the top; the rest of the screen is empty.
  void show(const std::vector<TopLine>& lines);
  // A key that was pressed, which has been read from standard input; 0: none was.
  static constexpr int resized = -1;  // No key: the terminal has another size.
  int key();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xord
