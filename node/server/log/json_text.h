// JSON as printed by the log and the commands: one line, always valid, whatever bytes are in a key,
// a file name or a host name.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "reactor/base/printable.h"

namespace xord {

// Bytes that are not UTF-8 become U+FFFD; characters that a terminal would act on become \u
// escapes, which a JSON reader decodes again.
template <class Json>
std::string json_text(const Json& json) {
  return escape_controls_in_json(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace xord
