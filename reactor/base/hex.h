// Bytes as hexadecimal text and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/bytes.h"

namespace xord {

std::string to_hex(Bytes bytes);  // Two lower-case digits a byte.
// Empty when the text has an odd length or a character that is not a hexadecimal digit.
std::optional<std::vector<uint8_t>> from_hex(std::string_view text);

}  // namespace xord
