// Whether terminfo(5) knows the terminal that TERM names.
#pragma once

namespace xord {

// Where it does not, newterm() fails, too, but leaks memory (ncurses 6.4).
bool is_terminal_type_known();

}  // namespace xord
