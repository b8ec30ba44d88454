// How start-up reports what the environment refused: one sentence for a person, and the errno for a
// program. A value, not an exception; functions return std::optional<IoError>, empty on success.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace xord {

struct IoError {
  std::string sentence;  // Names what was refused and what to do; no full stop, no newline.
  int error_number = 0;  // errno(3); 0 when no system call failed.
};

// "<what>: <text of error_number>".
inline IoError io_error(const std::string& what, int error_number) {
  return {what + ": " + std::strerror(error_number), error_number};
}

}  // namespace xord
