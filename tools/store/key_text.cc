#include "tools/store/key_text.h"

#include "node/server/key_digest.h"

namespace xord {

Id id_of_key(const std::string& text) {
  const auto id = Id::from_hex(text);
  return id ? *id : key_digest(text);
}

}  // namespace xord
