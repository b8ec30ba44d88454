#include "reactor/base/printable.h"

#include <cstdint>

#include "reactor/base/check.h"

namespace xord {
namespace {

// One character at the front of a text.
struct Character {
  size_t size = 1;
  uint32_t code = 0;
  bool is_utf8 = false;   // As the standard allows it: shortest form, no surrogate.
  bool is_begun = false;  // Incomplete, but more bytes could make it valid.
};

size_t size_by_lead(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

bool is_scalar(uint32_t code, size_t size) {
  if (size == 3) return code >= 0x800 && (code < 0xd800 || code > 0xdfff);
  if (size == 4) return code >= 0x10000 && code <= 0x10ffff;
  return true;
}

Character first_of(std::string_view text) {
  CHECK(!text.empty());
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t size = size_by_lead(lead);
  if (size == 0) return {};
  uint32_t code = size == 1 ? lead : lead & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if (i == text.size()) return {.is_begun = true};
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xc0) != 0x80) return {};
    code = code << 6 | (byte & 0x3fu);
  }
  if (!is_scalar(code, size)) return {};
  return {size, code, true};
}

bool is_control(uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  // Marks that hide text or reorder what is shown (U+200B to U+200F, U+2028 to U+202E, U+2060 to
  // U+2069), and the byte order mark.
  return (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x2069) || code == 0xfeff;
}

void append_escaped(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : bytes) {
    if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

// Takes characters off the front of `text`; `passing` are control characters that stay. Leaves a
// last, incomplete character, if `keeps_begun`.
std::string shown(std::string_view& text, std::string_view passing, bool keeps_begun) {
  std::string out;
  while (!text.empty()) {
    const Character character = first_of(text);
    if (character.is_begun && keeps_begun) break;
    const std::string_view bytes = text.substr(0, character.size);
    const bool passes =
        character.is_utf8 && (!is_control(character.code) ||
                              (bytes.size() == 1 && passing.find(bytes[0]) != passing.npos));
    if (passes) {
      out += bytes;
    } else {
      append_escaped(out, bytes);
    }
    text.remove_prefix(character.size);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  return shown(text, "", false);
}

std::string take_printable(std::string_view& text, std::string_view passing) {
  return shown(text, passing, true);
}

std::string escape_controls_in_json(std::string_view json) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  while (!json.empty()) {
    const Character character = first_of(json);
    if (character.is_utf8 && is_control(character.code)) {
      out += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4) out += digits[character.code >> shift & 15];
    } else {
      out += json.substr(0, character.size);
    }
    json.remove_prefix(character.size);
  }
  return out;
}

}  // namespace xord
