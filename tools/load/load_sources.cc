#include "tools/load/load_sources.h"

#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr uint32_t base = 0x7f100000;  // 127.16.0.0; nodes mostly use addresses below it.
constexpr uint32_t per_prefix = 250;   // Sources in a /24: .1 to .250.
static_assert(per_prefix < 255);
static_assert(((LoadSources::addresses_max / per_prefix) << 8) < 0x7fffffff - base,
              "in 127.0.0.0/8");
static_assert(listens_max <= UINT8_MAX + 1, "the index of a socket is a byte");

bool is_ipv4_loopback(const IpAddress& address) {
  return address.is_ipv4() && address.bytes[12] == 127;
}

uint32_t address_of(uint32_t source) {
  return base + (source / per_prefix << 8) + source % per_prefix + 1;
}

}  // namespace

uint32_t LoadSources::most_for(const Endpoint& target) {
  return is_ipv4_loopback(target.address) ? addresses_max : listens_max;
}

LoadSources::LoadSources(const Endpoint& target, uint32_t count)
    : target_(target),
      count_(count),
      by_address_(is_ipv4_loopback(target.address)),
      generations_(count, 0) {
  CHECK(count >= 1 && count <= most_for(target));
}

std::vector<Listen> LoadSources::listens() const {
  const Endpoint any = target_.is_ipv4() ? Endpoint::ipv4(0, 0) : Endpoint{};
  return std::vector<Listen>(by_address_ ? 1 : count_, Listen{any});
}

Path LoadSources::path(uint32_t source) const {
  DCHECK(source < count_);
  Path path{target_, {}};
  path.local.socket = by_address_ ? uint8_t{0} : static_cast<uint8_t>(source);
  if (by_address_) path.local.address = IpAddress::ipv4(address_of(source));
  DCHECK(source_of(path) == source);
  return path;
}

std::optional<uint32_t> LoadSources::source_of(const Path& path) const {
  uint32_t source = path.local.socket;
  if (by_address_) {
    if (!path.local.address.is_ipv4()) return std::nullopt;
    const uint32_t address = load_be32(&path.local.address.bytes[12]) - base;
    const uint32_t last = address & 0xff;
    if (last == 0 || last > per_prefix) return std::nullopt;
    source = (address >> 8) * per_prefix + last - 1;
  }
  if (source >= count_) return std::nullopt;
  return source;
}

}  // namespace xord
