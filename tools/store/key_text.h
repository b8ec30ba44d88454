// Keys as a person names them to `xord store`.
#pragma once

#include <string>

#include "reactor/base/id.h"

namespace xord {

// An id's 40 hexadecimal digits are that id; anything else is a key's text, whose id is its digest
// as everywhere.
Id id_of_key(const std::string& text);

}  // namespace xord
