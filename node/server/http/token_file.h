// The token of `admin-token-file`, which whoever sends it may change the node with. The file must
// be readable by its owner alone. Reads one file, at start.
#pragma once

#include <string>
#include <variant>

#include "reactor/io_error.h"

namespace xord {

// From sixteen hexadecimal digits (64 bits) on it cannot be guessed over the network.
constexpr size_t token_size_min = 16;
constexpr size_t token_size_max = 1024;

// The token, without blanks and line ends around it. An error if the file cannot be read, if its
// mode lets group or others do anything, or if what it holds is not a token: token_size_min to
// token_size_max printable ASCII characters without blanks.
std::variant<std::string, IoError> read_token_file(const std::string& path);

}  // namespace xord
