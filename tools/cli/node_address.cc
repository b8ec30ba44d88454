#include "tools/cli/node_address.h"

#include "reactor/base/check.h"
#include "reactor/base/endpoint.h"
#include "tools/cli/flags.h"

namespace xord {
namespace {

// Ignores a zone, which names an interface of this host, or none at all.
bool is_ipv6(std::string_view text) {
  return text.find(':') != text.npos &&
         IpAddress::parse(text.substr(0, text.find('%'))).has_value();
}

// Whether the last colon may begin a port: the text before it is an address by itself.
bool may_end_in_port(std::string_view address) {
  const std::string_view before = address.substr(0, address.rfind(':'));
  return is_ipv6(before) && parse_host_port("h" + std::string(address.substr(before.size())));
}

// `port` with its colon, as in the following.
std::string with_port(std::string_view text, const std::string& port) {
  CHECK(port.starts_with(':'));
  if (is_ipv6(text)) return "[" + std::string(text) + "]" + port;
  return std::string(text) + port;
}

// 0.0.0.0 and :: can be bound, but not sent to.
std::string reached(const std::string& host) {
  const auto address = IpAddress::parse(host);
  if (!address || !address->is_unspecified()) return host;
  return address->is_ipv4() ? "127.0.0.1" : "::1";
}

}  // namespace

HostPort parse_address(const std::string& text, std::string_view scheme, uint16_t port) {
  const std::string usual = ":" + std::to_string(port);
  std::string_view rest = text;
  if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  const bool is_bare_ipv6 = is_ipv6(rest);
  if (is_bare_ipv6 && may_end_in_port(rest)) {
    const std::string all(rest);
    const size_t colon = all.rfind(':');
    refuse("\"" + text + "\" may end in a port or not: write [" + all.substr(0, colon) + "]" +
           all.substr(colon) + ", or " + with_port(all, usual));
  }
  auto address = is_bare_ipv6 ? std::nullopt : parse_host_port(rest);
  const bool has_port =
      rest.find(':', rest.find(']') == rest.npos ? 0 : rest.find(']')) != rest.npos;
  if (!address && (is_bare_ipv6 || !has_port)) address = parse_host_port(with_port(rest, usual));
  if (!address) {
    refuse("\"" + text + "\" is not HOST:PORT: write it like node.example, 192.0.2.1" + usual +
           " or [2001:db8::1]" + usual);
  }
  const auto numeric = IpAddress::parse(address->host);
  if (numeric && numeric->is_link_local()) {
    refuse("\"" + text +
           "\" is a link-local address, which needs its interface: write it like "
           "[fe80::1%eth0]" +
           usual);
  }
  address->host = reached(address->host);
  DCHECK(parse_host_port(text_of(*address)) == *address);
  return *address;
}

HostPort parse_node_address(const std::string& text) {
  return parse_address(text, "rpcudp://", port_default);
}

std::string text_of(const HostPort& address) {
  const bool is_bracketed = address.host.find(':') != std::string::npos;
  return (is_bracketed ? "[" + address.host + "]" : address.host) + ":" +
         std::to_string(address.port);
}

}  // namespace xord
