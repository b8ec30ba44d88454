// Text of others (keys, values, file names, what a peer sent) made safe to show: a terminal acts on
// control characters, so that one in a value could rewrite the screen or forge a sentence.
#pragma once

#include <string>
#include <string_view>

namespace xord {

// `text` with every control character as an escape: \n and \t as such, others as \x1b; and with
// those of Unicode (C1, and the marks that reorder or hide text) and the bytes that are not UTF-8
// byte by byte. Everything else stays as it is, a backslash too: this is for reading, not for
// reading back.
std::string printable(std::string_view text);
// The same of text that comes in parts: takes it off the front of `text`, and leaves a character
// whose other bytes are still to come. `passing` are control characters that stay.
std::string take_printable(std::string_view& text, std::string_view passing);

// The same for JSON text, whose strings keep their meaning: \u009b instead of the character.
std::string escape_controls_in_json(std::string_view json);

}  // namespace xord
