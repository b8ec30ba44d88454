// printf into a string, with its arguments checked by the compiler: for reports and pictures.
#pragma once

#include <string>

namespace xord {

// Truncated after 511 bytes: append what may be longer to a string instead.
[[gnu::format(printf, 1, 2)]] std::string printed(const char* format, ...);

}  // namespace xord
