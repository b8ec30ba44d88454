// The ADDRESS of commands about a source.
#pragma once

#include <string>

namespace xord {

// Returns it in its usual spelling. Failure (usage) unless it is an address without port or prefix
// length.
std::string source_address(const std::string& text);

}  // namespace xord
