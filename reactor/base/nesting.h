// How deep a text is nested, told without recursion: asked before it is given to a parser that
// calls itself for each level, or builds a tree whose copies and output do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace xord {

enum class NestedText : uint8_t { json, toml };

// The line, from 1, on which brackets and braces are nested deeper than `most`; in TOML also that
// of a key with more than `most` dots. Empty: nowhere. Strings are skipped, comments of TOML too;
// what is neither JSON nor TOML is left to the parser.
std::optional<size_t> line_nested_deeper_than(size_t most, NestedText kind, std::string_view text);

}  // namespace xord
