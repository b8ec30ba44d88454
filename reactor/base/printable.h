// Makes foreign text (keys, values, file names, bytes from a peer) safe to show: a terminal acts on
// control characters, so that one in a value could rewrite the screen or forge a message.
#pragma once

#include <string>
#include <string_view>

namespace xord {

// `text` with every control character escaped: \n and \t as such, others as \x1b. Unicode controls
// (C1, and the marks that reorder or hide text) and bytes that are not UTF-8 are escaped byte by
// byte. Everything else stays as it is, a backslash too: this is for reading, not for parsing back.
std::string printable(std::string_view text);
// The same for text that comes in parts: takes it off the front of `text`, and leaves a character
// whose other bytes have not arrived. `passing` are control characters that stay.
std::string take_printable(std::string_view& text, std::string_view passing);

// The same for JSON text, whose strings keep their meaning: \u009b instead of the character.
std::string escape_controls_in_json(std::string_view json);

}  // namespace xord
