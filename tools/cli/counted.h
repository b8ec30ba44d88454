// Returns a count with its noun in the right number and `rest`: "1 record", "2 records",
// "1 range of keys", "2 ranges of keys".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace xord {

inline std::string counted(uint64_t count, std::string_view noun, std::string_view rest = "") {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s") +
         std::string(rest);
}

}  // namespace xord
