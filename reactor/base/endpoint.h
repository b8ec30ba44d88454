// An IP address and UDP port. IPv4 is held as its IPv4-mapped IPv6 address (RFC 4291 2.5.5.2), so
// an endpoint that a peer calls ::ffff:192.0.2.1 and one it calls 192.0.2.1 are equal.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "reactor/base/bytes.h"

namespace xord {

// How far an address reaches, narrowest first: one host, one link, one site or operator's network,
// the Internet.
enum class Reach : uint8_t { host, link, site, world };

struct IpAddress {
  std::array<uint8_t, 16> bytes{};  // Network order.

  auto operator<=>(const IpAddress&) const = default;
  // By words: a memcmp call for each contact of an answer took a fifth of its time (measured).
  bool operator==(const IpAddress& other) const {
    return ((load_be64(bytes.data()) ^ load_be64(other.bytes.data())) |
            (load_be64(&bytes[8]) ^ load_be64(&other.bytes[8]))) == 0;
  }
  bool is_ipv4() const {
    return load_be64(bytes.data()) == 0 && load_be32(&bytes[8]) == 0x0000ffff;
  }
  bool is_link_local() const { return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }
  bool is_unspecified() const {  // 0.0.0.0 or ::
    return *this == IpAddress{} || (is_ipv4() && load_be32(&bytes[12]) == 0);
  }
  // 127.0.0.0/8 and ::1 themselves, by which only programs on this host can come: unlike reach(),
  // not what a translator turns into them, which strangers can have.
  bool is_loopback() const {
    return is_ipv4() ? bytes[12] == 127 : load_be64(bytes.data()) == 0 && load_be64(&bytes[8]) == 1;
  }
  bool is_multicast() const;  // 224/4 (and 255.255.255.255), ff00::/8.
  // Loopback, RFC 1918 and unique-local (fc00::/7), link-local: addresses of one machine or site.
  bool is_local() const;
  // Loopback; link-local (RFC 3927, RFC 4291); private, unique-local and shared between a carrier's
  // subscribers (RFC 1918, 4193, 6598); anything else. IPv6 that a translator or a 6to4 router
  // turns into IPv4 (RFC 6052, 3056) reaches as far as that does.
  Reach reach() const;

  static IpAddress ipv4(uint32_t host_order);
  // Numeric text as inet_pton reads it; no zone, no name. Empty for anything else.
  static std::optional<IpAddress> parse(std::string_view text);
  // As inet_ntop writes it; IPv4 in dotted form. At most 45 characters.
  std::string text() const;
};
static_assert(sizeof(IpAddress) == 16, "no padding is compared or sent");

// The longest text of an address, including forms like ffff:...:255.255.255.255.
constexpr size_t address_text_max = 45;
// Writes what IpAddress::text() returns to `out` (at least address_text_max bytes), without
// allocating, and returns its length.
size_t write_text(const IpAddress& address, char* out);

struct Endpoint {
  IpAddress address;
  uint32_t scope = 0;  // Interface index of a link-local address, else 0.
  uint16_t port = 0;   // Host order; 0 means "no endpoint" and is never handed out.

  auto operator<=>(const Endpoint&) const = default;
  bool is_ipv4() const { return address.is_ipv4(); }
  // Whether a contact may have it and be sent requests: a port and a unicast address, which is not
  // link-local, since that means another host on each link (RFC 4007).
  bool is_askable() const {
    return port != 0 && !address.is_unspecified() && !address.is_multicast() &&
           !address.is_link_local();
  }
  static Endpoint ipv4(uint32_t host_order, uint16_t port) {
    return {IpAddress::ipv4(host_order), 0, port};
  }
  // "192.0.2.1:8468" or "[2001:db8::1]:8468"; numeric only. Port 0 is accepted.
  static std::optional<Endpoint> parse(std::string_view text);
  std::string text() const;
};
static_assert(sizeof(Endpoint) == 24);

// Whether `named` reaches at least as far as `namer`, who named it: only then does it mean the same
// host to us as to them.
inline bool is_in_reach(const Endpoint& named, const Endpoint& namer) {
  return named.address.reach() >= namer.address.reach();
}

// A source prefix in CIDR form: "10.0.0.0/8", "2001:db8::/32".
struct Subnet {
  IpAddress address;
  uint8_t prefix_bits = 0;  // Out of 128: an IPv4 /8 is 104 here.

  bool operator==(const Subnet&) const = default;
  // A subnet holds addresses of its own family only: ::/0 holds no IPv4 addresses.
  bool contains(const IpAddress& other) const;
  // Empty on malformed text, a prefix that is too long, or bits set after the prefix.
  static std::optional<Subnet> parse(std::string_view text);
  std::string text() const;  // In the form that parse() reads.
};

// Whether one of `nets` holds `address`; false when there are none.
bool is_in_any(std::span<const Subnet> nets, const IpAddress& address);

}  // namespace xord
