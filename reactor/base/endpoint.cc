#include "reactor/base/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "reactor/base/check.h"

namespace xord {
namespace {

constexpr uint8_t mapped_prefix_bits = 96;

std::optional<uint32_t> parse_number(std::string_view text, uint32_t most) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

// Dotted decimal as inet_pton accepts it: four numbers to 255, without leading zeros. By hand,
// since every contact of every reply is parsed here (20 contacts: 1.5 us with inet_pton).
std::optional<uint32_t> parse_ipv4(std::string_view text) {
  uint32_t address = 0;
  size_t at = 0;
  for (int octets = 0; octets < 4; ++octets) {
    if (octets > 0 && (at == text.size() || text[at++] != '.')) return std::nullopt;
    const size_t begin = at;
    uint32_t octet = 0;
    while (at < text.size() && at - begin < 3 && text[at] >= '0' && text[at] <= '9') {
      octet = octet * 10 + static_cast<uint32_t>(text[at++] - '0');
    }
    const bool has_leading_zero = at - begin > 1 && text[begin] == '0';
    if (at == begin || octet > 255 || has_leading_zero) return std::nullopt;
    address = address << 8 | octet;
  }
  if (at != text.size()) return std::nullopt;
  return address;
}

Reach reach_of_ipv4(uint32_t host_order) {
  if (host_order >> 24 == 127) return Reach::host;
  if (host_order >> 16 == 0xa9fe) return Reach::link;  // 169.254/16
  const bool is_private =
      host_order >> 24 == 10 || host_order >> 20 == 0xac1 || host_order >> 16 == 0xc0a8;
  const bool is_shared = host_order >> 22 == 0x6440'0000 >> 22;  // 100.64/10
  return is_private || is_shared ? Reach::site : Reach::world;
}

size_t write_ipv4(const uint8_t* octets, char* out) {
  char* at = out;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) *at++ = '.';
    at = std::to_chars(at, at + 3, octets[i]).ptr;
  }
  return static_cast<size_t>(at - out);
}

}  // namespace

bool IpAddress::is_multicast() const {
  if (is_ipv4()) return (bytes[12] & 0xf0) == 0xe0 || load_be32(&bytes[12]) == 0xffffffff;
  return bytes[0] == 0xff;
}

bool IpAddress::is_local() const {
  if (!is_ipv4()) {
    IpAddress loopback;
    loopback.bytes[15] = 1;
    return *this == loopback || is_link_local() || (bytes[0] & 0xfe) == 0xfc;
  }
  const uint8_t a = bytes[12];
  const uint8_t b = bytes[13];
  return a == 127 || a == 10 || (a == 172 && (b & 0xf0) == 16) || (a == 192 && b == 168) ||
         (a == 169 && b == 254);
}

Reach IpAddress::reach() const {
  if (is_ipv4()) return reach_of_ipv4(load_be32(&bytes[12]));
  const uint64_t high = load_be64(bytes.data());
  const uint64_t low = load_be64(&bytes[8]);
  if (high == 0 && low == 1) return Reach::host;
  if (is_link_local()) return Reach::link;
  const bool is_unique_local = (bytes[0] & 0xfe) == 0xfc;
  const bool is_site_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0;  // Deprecated.
  const bool is_own_translator = high >> 16 == 0x0064ff9b0001;               // RFC 8215.
  if (is_unique_local || is_site_local || is_own_translator) return Reach::site;
  if (high == 0x0064ff9b00000000 && low >> 32 == 0) {
    return reach_of_ipv4(static_cast<uint32_t>(low));
  }
  DCHECK(!is_ipv4());
  if (high >> 48 == 0x2002) return reach_of_ipv4(static_cast<uint32_t>(high >> 16));
  return Reach::world;
}

IpAddress IpAddress::ipv4(uint32_t host_order) {
  IpAddress address;
  address.bytes[10] = address.bytes[11] = 0xff;
  store_be32(&address.bytes[12], host_order);
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (const auto host_order = parse_ipv4(text)) return ipv4(*host_order);
  char terminated[address_text_max + 1];
  if (text.empty() || text.size() > address_text_max) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  IpAddress address;
  if (inet_pton(AF_INET6, terminated, address.bytes.data()) == 1) return address;
  return std::nullopt;
}

size_t write_text(const IpAddress& address, char* out) {
  if (address.is_ipv4()) return write_ipv4(&address.bytes[12], out);
  char terminated[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, address.bytes.data(), terminated, sizeof terminated);
  const size_t size = std::strlen(terminated);
  std::memcpy(out, terminated, size);
  return size;
}

std::string IpAddress::text() const {
  char buffer[address_text_max];
  return std::string(buffer, write_text(*this, buffer));
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto port = parse_number(text.substr(colon + 1), 65535);
  const auto address = IpAddress::parse(host);
  if (!port || !address) return std::nullopt;
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (has_colon != bracketed) return std::nullopt;
  return Endpoint{*address, 0, static_cast<uint16_t>(*port)};
}

std::string Endpoint::text() const {
  const std::string host = address.text();
  const std::string shown = is_ipv4() ? host : "[" + host + "]";
  return shown + ":" + std::to_string(port);
}

bool Subnet::contains(const IpAddress& other) const {
  CHECK(prefix_bits <= 128);
  // ::/0 is all of IPv6; that IPv4 addresses are held as mapped ones must not show.
  if (prefix_bits < mapped_prefix_bits && other.is_ipv4()) return false;
  const auto differ = [&](size_t at, int bits) -> uint64_t {
    if (bits <= 0) return 0;
    const uint64_t all = load_be64(&address.bytes[at]) ^ load_be64(&other.bytes[at]);
    return bits >= 64 ? all : all >> (64 - bits);
  };
  return (differ(0, prefix_bits) | differ(8, prefix_bits - 64)) == 0;
}

bool is_in_any(std::span<const Subnet> nets, const IpAddress& address) {
  return std::any_of(nets.begin(), nets.end(),
                     [&](const Subnet& net) { return net.contains(address); });
}

std::optional<Subnet> Subnet::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (slash == std::string_view::npos || !address) return std::nullopt;
  const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
  const auto bits = parse_number(text.substr(slash + 1), dotted ? 32 : 128);
  if (!bits) return std::nullopt;
  Subnet subnet{*address, static_cast<uint8_t>(*bits + (dotted ? mapped_prefix_bits : 0))};
  for (uint32_t bit = subnet.prefix_bits; bit < 128; ++bit) {
    if (address->bytes[bit / 8] >> (7 - bit % 8) & 1) return std::nullopt;
  }
  DCHECK(subnet.contains(*address));
  return subnet;
}

std::string Subnet::text() const {
  DCHECK(!address.is_ipv4() || prefix_bits >= mapped_prefix_bits);
  const int bits = address.is_ipv4() ? prefix_bits - mapped_prefix_bits : prefix_bits;
  return address.text() + "/" + std::to_string(bits);
}

}  // namespace xord
