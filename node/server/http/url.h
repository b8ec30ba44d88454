// Reading and writing the parts of a request's target: percent-encoding (RFC 3986 2.1) and the
// pairs of a query (WHATWG URL, application/x-www-form-urlencoded). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace xord {

// Empty if a % is not followed by two hexadecimal digits. Any bytes may result, NUL among them.
std::optional<std::string> percent_decoded(std::string_view text);

// What percent_decoded() turns back into `text`: letters, digits and -._~ stay as they are, so that
// it can stand anywhere in a target.
std::string percent_encoded(std::string_view text);

// The decoded value of the first pair of that name; "" if it has no value, as in ?verbose; empty
// without such a pair, or if it is badly encoded.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace xord
