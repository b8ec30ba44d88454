// A value as the commands print it: as the Python library would hold it.
#pragma once

#include <cstdint>
#include <string>

#include "reactor/base/bytes.h"
#include "tools/cli/key_flags.h"
#include "tools/cli/terminal.h"

namespace xord {

enum class ValueForm : uint8_t { plain, json };

// Plain: text, a number, true or false and a newline; bytes as they are, without one unless a
// terminal shows them. JSON: {"key" or "id", "type", "value"}. Failure (not_found) for a value of a
// type that the library never stores, unless as JSON.
void show_value(const Key& key, Bytes packed, ValueForm form, Terminal& terminal);

}  // namespace xord
