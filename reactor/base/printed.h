// printf into a string, with its arguments checked by the compiler: for reports and pictures.
#pragma once

#include <string>

namespace xord {

// Cut off behind 511 bytes: what may be long is appended to a string instead.
[[gnu::format(printf, 1, 2)]] std::string printed(const char* format, ...);

}  // namespace xord
