// Values as a person or a program holds them: the five types that the Python library stores, to and
// from their packed form. Used at the edges (tools, xord::Server); nodes keep values as bytes.
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
// UTF-8. Types are kept apart: 1, true and 1.0 are three values.
using Value = std::variant<bool, int64_t, uint64_t, double, std::string, std::vector<uint8_t>>;

// "bool", "int", "int", "float", "str", "bytes": the names of --type and of `xord get --json`.
std::string_view type_name(const Value& value);

// The packed form, as the Python encoder writes it. Text that is not UTF-8 gives no value.
std::optional<std::vector<uint8_t>> encode_value(const Value& value);
// One packed element of a storable type, and nothing behind it; else empty.
std::optional<Value> decode_value(Bytes packed);

// As Python prints it: text and bytes raw, numbers by repr() (shortest form that reads back, "1.0",
// "nan", "inf", "1e+16"), True and False as true and false.
std::string render_value(const Value& value);

// The value that `text` means as a `type` ("str", "int", "float", "bool", "bytes"). A sentence of
// what is wrong otherwise. bytes: the text's own bytes, or, after "hex:", hexadecimal digits.
struct ValueError {
  std::string sentence;
};
std::variant<Value, ValueError> parse_value(std::string_view text, std::string_view type);

}  // namespace xord
