// Finds without recursion how deeply a text is nested. Run before the text goes to a parser that
// recurses on each level, or builds a tree whose copying and printing recurse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace xord {

enum class NestedText : uint8_t { json, toml };

// The line, from 1, on which brackets and braces are nested deeper than `most`, or, in TOML, that
// of a key with more than `most` dots. Empty: nowhere. Skips strings, and comments in TOML; text
// that is neither valid JSON nor TOML is left to the parser.
std::optional<size_t> line_nested_deeper_than(size_t most, NestedText kind, std::string_view text);

}  // namespace xord
