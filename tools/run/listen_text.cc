#include "tools/run/listen_text.h"

#include <net/if.h>

#include <optional>

#include "node/server/names/resolve.h"
#include "tools/run/settings.h"

namespace xord {
namespace {

constexpr std::string_view scheme_mark = "://";
constexpr char optional_mark = '?';

// Parses "[fe80::1%eth0]:8468": the zone becomes the interface's index.
std::optional<Endpoint> parse_with_zone(const std::string& text) {
  const size_t percent = text.find('%');
  const size_t bracket = text.find(']', percent);
  if (percent == std::string::npos || bracket == std::string::npos) return std::nullopt;
  const std::string zone = text.substr(percent + 1, bracket - percent - 1);
  auto endpoint = Endpoint::parse(text.substr(0, percent) + text.substr(bracket));
  if (!endpoint || !endpoint->address.is_link_local()) return std::nullopt;
  endpoint->scope = if_nametoindex(zone.c_str());
  if (endpoint->scope == 0) {
    throw BadValue("\"" + text + "\" names the interface " + zone +
                   ", which this host does not have: see `ip link`");
  }
  return endpoint;
}

DialectName parse_scheme(const std::string& text, std::string_view scheme) {
  if (scheme == "rpcudp") return DialectName::rpcudp;
  if (scheme == "mainline") {
    throw BadValue("\"" + text +
                   "\" asks for the Mainline dialect, which is not supported yet: listen on "
                   "rpcudp:// only");
  }
  throw BadValue("\"" + text + "\" has the unknown scheme " + std::string(scheme) +
                 ": write rpcudp://ADDR:PORT, or only ADDR:PORT");
}

[[noreturn]] void refuse(const std::string& text, const std::string& rest) {
  if (parse_host_port(rest)) {
    throw BadValue(
        "\"" + text +
        "\" has a name where an address belongs: write the numeric address to bind, such as "
        "0.0.0.0:8468 or 127.0.0.1:8468");
  }
  throw BadValue("\"" + text +
                 "\" is not an address to listen on: write ADDR:PORT with a port from 0 to 65535, "
                 "such as 0.0.0.0:8468, 127.0.0.1:0 or [::]:8468");
}

}  // namespace

ListenAddress parse_listen(const std::string& text) {
  ListenAddress address;
  std::string rest = text;
  const size_t mark = text.find(scheme_mark);
  if (mark != std::string::npos) {
    address.dialect = parse_scheme(text, std::string_view(text).substr(0, mark));
    rest = text.substr(mark + scheme_mark.size());
  }
  if (rest.ends_with(optional_mark)) {
    address.optional = true;
    rest.pop_back();
  }
  auto endpoint = Endpoint::parse(rest);
  if (!endpoint) endpoint = parse_with_zone(rest);
  if (!endpoint) refuse(text, rest);
  if (*endpoint == Endpoint::ipv4(0xffffffff, endpoint->port)) {
    throw BadValue("\"" + text + "\" is the broadcast address: a node listens on a unicast one");
  }
  if (endpoint->address.is_link_local() && endpoint->scope == 0) {
    throw BadValue("\"" + text +
                   "\" is a link-local address, which needs its interface: write it like "
                   "[fe80::1%eth0]:8468");
  }
  if (endpoint->address.is_multicast()) {
    throw BadValue("\"" + text + "\" is a multicast address: a node listens on a unicast one");
  }
  address.endpoint = *endpoint;
  return address;
}

std::string show_listen(const ListenAddress& address) {
  std::string endpoint = address.endpoint.text();
  char zone[IF_NAMESIZE];
  if (address.endpoint.scope != 0 && if_indextoname(address.endpoint.scope, zone) != nullptr) {
    endpoint.insert(endpoint.find(']'), "%" + std::string(zone));
  }
  if (address.optional) endpoint += optional_mark;
  return (address.dialect == DialectName::rpcudp ? "rpcudp://" : "mainline://") + endpoint;
}

}  // namespace xord
