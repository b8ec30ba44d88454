// Prints a value as the Python library would hold it.
#pragma once

#include <cstdint>
#include <string>

#include "reactor/base/bytes.h"
#include "tools/cli/key_flags.h"
#include "tools/cli/terminal.h"

namespace xord {

enum class ValueForm : uint8_t { plain, json };

// Plain: text, a number, true or false, each with a newline; bytes unchanged, with a newline only
// on a terminal. JSON: {"key" or "id", "type", "value"}. Failure (not_found) if the value has a
// type that the library never stores, except in JSON.
void show_value(const Key& key, Bytes packed, ValueForm form, Terminal& terminal);

}  // namespace xord
