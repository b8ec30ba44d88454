// Errors of the API as RFC 9457 says: application/problem+json, with the sentence that the command
// line would print and the exit code that it would have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "node/server/http/http_message.h"

namespace xord {

// As the exit codes of the commands (docs/commands/README.md).
enum class ProblemCode : uint8_t { refused = 1, usage = 2, environment = 4 };

// {"title": "Not Found", "status": 404, "detail": "...", "code": 1}. `detail` says what was refused
// and what to do; bytes in it that are not UTF-8 become U+FFFD. `status` is 400 to 599.
HttpResponse problem(uint16_t status, std::string_view detail, ProblemCode code);

// The same, with the code that fits the status: usage up to 499, environment from 500.
HttpResponse problem(uint16_t status, std::string_view detail);

}  // namespace xord
