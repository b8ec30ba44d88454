#include "reactor/base/id.h"

#include "reactor/base/hex.h"

namespace xord {

std::optional<Id> Id::from_hex(std::string_view text) {
  const auto decoded = xord::from_hex(text);
  if (!decoded || decoded->size() != id_size) return std::nullopt;
  return Id::from(*decoded);
}

std::string Id::hex() const {
  return to_hex(bytes);
}

}  // namespace xord
