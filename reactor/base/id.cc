#include "reactor/base/id.h"

#include "reactor/base/hex.h"
#include "reactor/base/rng.h"

namespace xord {

std::optional<Id> Id::from_hex(std::string_view text) {
  const auto decoded = xord::from_hex(text);
  if (!decoded || decoded->size() != id_size) return std::nullopt;
  return Id::from(*decoded);
}

std::string Id::hex() const {
  return to_hex(bytes);
}

Id first_of_block(const Id& id, uint32_t depth) {
  DCHECK(depth <= id_bits);
  Id first = id;
  for (uint32_t i = 0; i < id_size; ++i) {
    if (depth >= (i + 1) * 8) continue;
    const uint32_t kept = depth > i * 8 ? depth - i * 8 : 0;
    first.bytes[i] = static_cast<uint8_t>(first.bytes[i] & ~(0xffu >> kept));
  }
  return first;
}

Id last_of_block(const Id& id, uint32_t depth) {
  DCHECK(depth <= id_bits);
  Id last = id;
  for (uint32_t i = 0; i < id_size; ++i) {
    if (depth >= (i + 1) * 8) continue;
    const uint32_t kept = depth > i * 8 ? depth - i * 8 : 0;
    last.bytes[i] = static_cast<uint8_t>(last.bytes[i] | (0xffu >> kept));
  }
  return last;
}

std::optional<Id> next_id(const Id& id) {
  Id next = id;
  for (size_t i = id_size; i > 0; --i) {
    if (++next.bytes[i - 1] != 0) return next;
  }
  return std::nullopt;
}

Id random_id(Rng& rng) {
  Id id;
  rng.fill(id.bytes);
  return id;
}

}  // namespace xord
