// What a command sees of the outside world besides files and the network: two streams and the
// environment. They are passed in, so that a test can inspect them.
#pragma once

#include <map>
#include <ostream>
#include <string>

namespace xord {

using Environment = std::map<std::string, std::string>;

struct Terminal {
  std::ostream& out;  // Results only: read by scripts.
  std::ostream& err;  // Errors, help after an error, and notes to the user.
  Environment environment;
  bool is_watched = false;       // `err` is a terminal: a progress line makes sense.
  bool out_is_terminal = false;  // `out` is a terminal and escapes control characters.
};

// Returns the variable's text; empty if it is not set.
inline std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

}  // namespace xord
