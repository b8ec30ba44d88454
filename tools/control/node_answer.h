// What a running node answered, over its control socket or HTTP: read with care, and if it is a
// refusal, turned into the end of the command.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace xord {

// Returns a value that is_discarded() if `text` is not JSON. Failure (environment) if it is nested
// more than 32 deep.
nlohmann::ordered_json parse_answer(const std::string& text);

// Throws Failure if `answer` is an object with a sentence in `member`: with that sentence, and the
// exit code in "code", or (environment) where that is none of a node's.
void throw_refusal(const nlohmann::ordered_json& answer, const char* member);

// Throws Failure (environment).
[[noreturn]] void fail_not_understood();

}  // namespace xord
