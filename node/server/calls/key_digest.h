// Maps the key that a person or a program uses to the 160 bits by which the network knows it:
// SHA-1, as the Python library digests it (docs/WIRE.md). Text and bytes with equal content are one
// key; a Python key that is neither is the text that str() makes of it ("1" for 1, "None" for
// None).
#pragma once

#include <string_view>

#include "reactor/base/bytes.h"
#include "reactor/base/id.h"

namespace xord {

Id key_digest(Bytes key);
Id key_digest(std::string_view key);

}  // namespace xord
