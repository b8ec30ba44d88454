#include "reactor/base/nesting.h"

namespace xord {
namespace {

// The position after the string whose opening quote is at `at`, or the text's end if it is not
// closed. An unclosed single-line string ends with its line, so that it hides no other.
size_t behind_string(NestedText kind, std::string_view text, size_t at) {
  const char quote = text[at];
  const bool escapes = quote == '"';
  const std::string_view three = quote == '"' ? "\"\"\"" : "'''";
  const bool is_long = kind == NestedText::toml && text.substr(at, 3) == three;
  at += is_long ? 3 : 1;
  while (at < text.size()) {
    if (escapes && text[at] == '\\') {
      at += 2;
    } else if (is_long ? text.substr(at, 3) == three : text[at] == quote) {
      return at + (is_long ? 3 : 1);
    } else if (!is_long && text[at] == '\n') {
      return at;
    } else {
      ++at;
    }
  }
  return text.size();
}

}  // namespace

std::optional<size_t> line_nested_deeper_than(size_t most, NestedText kind, std::string_view text) {
  const bool is_toml = kind == NestedText::toml;
  size_t line = 1;
  size_t depth = 0;
  size_t dots = 0;  // Since the last character that cannot be part of a dotted key.
  for (size_t at = 0; at < text.size();) {
    const char letter = text[at];
    if (letter == '"' || (is_toml && letter == '\'')) {
      const size_t end = behind_string(kind, text, at);
      for (; at < end; ++at) line += text[at] == '\n' ? 1 : 0;
      continue;
    }
    if (is_toml && letter == '#') {
      at = text.find('\n', at);
      if (at == std::string_view::npos) break;
      continue;
    }
    if (letter == '\n') ++line;
    if (letter == '[' || letter == '{') ++depth;
    if ((letter == ']' || letter == '}') && depth > 0) --depth;
    if (letter == '.') ++dots;
    if (letter == '=' || letter == ',' || letter == '\n' || letter == '[' || letter == '{')
      dots = 0;
    if (depth > most || (is_toml && dots > most)) return line;
    ++at;
  }
  return std::nullopt;
}

}  // namespace xord
