#include "tools/run/admin_text.h"

#include <sys/un.h>

#include "tools/run/settings.h"

namespace xord {
namespace {

constexpr std::string_view unix_mark = "unix:";
constexpr char optional_mark = '?';
constexpr size_t path_max = sizeof(sockaddr_un::sun_path) - 1;

}  // namespace

AdminAddress parse_admin(const std::string& text) {
  AdminAddress address;
  if (text.starts_with(unix_mark)) {
    address.path = text.substr(unix_mark.size());
    const bool has_nul = address.path.find('\0') != std::string::npos;
    if (address.path.empty() || address.path.size() > path_max || has_nul) {
      throw BadValue("\"" + text + "\" has no path of 1 to " + std::to_string(path_max) +
                     " bytes: write one like unix:/run/xord/admin");
    }
    return address;
  }
  address.is_optional = text.ends_with(optional_mark);
  const auto endpoint = Endpoint::parse(text.substr(0, text.size() - address.is_optional));
  if (!endpoint) {
    throw BadValue("\"" + text +
                   "\" is not an address for the admin port: write a numeric ADDR:PORT such as "
                   "127.0.0.1:8470 or [::1]:0, unix:PATH, or off");
  }
  const IpAddress& ip = endpoint->address;
  if (ip.is_multicast() || ip.is_link_local()) {
    throw BadValue("\"" + text +
                   "\" is a multicast or link-local address: name a unicast one of this host");
  }
  address.endpoint = *endpoint;
  return address;
}

std::string show_admin(const AdminAddress& address) {
  if (!address.path.empty()) return std::string(unix_mark) + address.path;
  std::string text = address.endpoint.text();
  if (address.is_optional) text += optional_mark;
  return text;
}

}  // namespace xord
