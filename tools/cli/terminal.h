// What a command has of the outside world, beside files and the network: two streams and the
// environment. Handed in, so that a test can look at all of it.
#pragma once

#include <map>
#include <ostream>
#include <string>

namespace xord {

using Environment = std::map<std::string, std::string>;

struct Terminal {
  std::ostream& out;  // Results only: what a script reads.
  std::ostream& err;  // Errors, help after an error, and notes to a person.
  Environment environment;
  bool is_watched = false;       // `err` is a terminal: somebody sees lines that pass.
  bool out_is_terminal = false;  // Results are read by a person. `out` escapes control characters.
};

// The variable's text; empty when it is not set.
inline std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

}  // namespace xord
