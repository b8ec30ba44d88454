// What the programs of this folder share to read their flags.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "reactor/base/instant.h"

namespace xord {

// The value that `text` was read as. Ends the process with a sentence if it could not be read.
template <class Value>
Value need(const std::optional<Value>& value, const std::string& text) {
  if (value) return *value;
  std::fprintf(stderr, "cannot read %s\n", text.c_str());
  std::exit(2);
}

inline Duration seconds_of(double count) {
  return nanoseconds(static_cast<int64_t>(count * 1e9));
}

}  // namespace xord
