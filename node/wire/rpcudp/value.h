// Values as people and programs use them: the five types that the Python library stores, converted
// to and from their packed form. Used at the edges (tools, xord::Server); nodes keep values as
// bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "reactor/base/bytes.h"

namespace xord {

// Integers from -2^63 to 2^64 - 1: those below 2^63 are int64_t, the others uint64_t. Text is
// UTF-8. Types are distinct: 1, true and 1.0 are three values.
using Value = std::variant<bool, int64_t, uint64_t, double, std::string, std::vector<uint8_t>>;

// "bool", "int", "int", "float", "str", "bytes": the names used by --type and `xord get --json`.
std::string_view type_name(const Value& value);

// The same for a packed value that begins with `first`; "other" if it begins none of these types.
std::string_view type_name_of(uint8_t first);

// The packed form, as the Python encoder writes it; empty for text that is not UTF-8.
std::optional<std::vector<uint8_t>> encode_value(const Value& value);
// The value of exactly one packed element of a storable type; empty for anything else.
std::optional<Value> decode_value(Bytes packed);

// As Python prints it: text and bytes raw, numbers as by repr() (shortest form that reads back,
// "1.0", "nan", "inf", "1e+16"), except that True and False are true and false.
std::string render_value(const Value& value);

// Parses `text` as a value of `type` ("str", "int", "float", "bool", "bytes"). On failure, a
// sentence that says what is wrong. bytes: the text's own bytes, or hexadecimal digits after
// "hex:".
struct ValueError {
  std::string sentence;
};
std::variant<Value, ValueError> parse_value(std::string_view text, std::string_view type);

}  // namespace xord
