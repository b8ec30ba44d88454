#include "tools/control/top_terminal.h"

#define NCURSES_NOMACROS 1  // Its macros have names like move and erase.
#include <curses.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "reactor/base/check.h"
#include "tools/cli/failure.h"
#include "tools/control/terminal_type.h"

namespace xord {
namespace {

// Pairs of colours, by TopTone from `good` on.
constexpr short good_pair = 1;
constexpr short warning_pair = 2;
constexpr short bad_pair = 3;

}  // namespace

class TopTerminal::Impl {
 public:
  explicit Impl(bool has_colours) {
    std::setlocale(LC_CTYPE, "");  // ncurses counts the columns of characters by it.
    // initscr() would end the process.
    if (is_terminal_type_known()) screen_ = newterm(nullptr, stdout, stdin);
    if (screen_ == nullptr) {
      const char* name = std::getenv("TERM");
      throw Failure(ExitCode::environment, "cannot draw on a terminal of the type \"" +
                                               std::string(name == nullptr ? "" : name) +
                                               "\"; set TERM, or use `xord top --json`");
    }
    cbreak();
    noecho();
    curs_set(0);
    nodelay(stdscr, true);
    keypad(stdscr, true);
    has_colours_ = has_colours && ::has_colors() && start_color() == OK;
    if (!has_colours_) return;
    use_default_colors();
    init_pair(good_pair, COLOR_GREEN, -1);
    init_pair(warning_pair, COLOR_YELLOW, -1);
    init_pair(bad_pair, COLOR_RED, -1);
  }
  ~Impl() {
    endwin();
    delscreen(screen_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void show(const std::vector<TopLine>& lines) {
    CHECK(screen_ != nullptr);
    werase(stdscr);
    const int height = getmaxy(stdscr);
    for (int y = 0; y < height && y < static_cast<int>(lines.size()); ++y) {
      const TopLine& line = lines[static_cast<size_t>(y)];
      wattrset(stdscr, static_cast<int>(attributes(line.tone)));
      mvwaddnstr(stdscr, y, 0, line.text.c_str(), static_cast<int>(line.text.size()));
    }
    wattrset(stdscr, 0);
    wrefresh(stdscr);
  }

 private:
  chtype attributes(TopTone tone) const {
    switch (tone) {
      case TopTone::plain:
        return A_NORMAL;
      case TopTone::heading:
        return A_REVERSE;
      case TopTone::good:
        return A_BOLD | colour(good_pair);
      case TopTone::warning:
        return A_BOLD | colour(warning_pair);
      case TopTone::bad:
        return A_BOLD | colour(bad_pair);
    }
    CHECK(false);
    return A_NORMAL;
  }
  chtype colour(short pair) const {
    return has_colours_ ? static_cast<chtype>(COLOR_PAIR(pair)) : A_NORMAL;
  }

  SCREEN* screen_ = nullptr;
  bool has_colours_ = false;
};

TopTerminal::TopTerminal(bool has_colours) : impl_(std::make_unique<Impl>(has_colours)) {}
TopTerminal::~TopTerminal() = default;

uint32_t TopTerminal::width() const {
  return static_cast<uint32_t>(std::max(getmaxx(stdscr), 0));
}

uint32_t TopTerminal::height() const {
  return static_cast<uint32_t>(std::max(getmaxy(stdscr), 0));
}

void TopTerminal::show(const std::vector<TopLine>& lines) {
  CHECK(impl_ != nullptr);
  impl_->show(lines);
}

int TopTerminal::key() {
  const int key = wgetch(stdscr);
  if (key == KEY_RESIZE) return resized;
  return key == ERR || key > 0xff ? 0 : key;
}

}  // namespace xord
