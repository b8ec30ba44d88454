#include "tools/control/terminal_type.h"

#include <curses.h>
// A file of its own, because this header defines macros like `lines` and `tone`.
#include <term.h>
#include <unistd.h>

#include "reactor/base/check.h"

namespace xord {

bool is_terminal_type_known() {
  int found = 0;
  if (setupterm(nullptr, STDOUT_FILENO, &found) != OK) return false;
  const int freed = del_curterm(cur_term);
  CHECK(freed == OK);
  return true;
}

}  // namespace xord
