#include "tools/control/admin_url.h"

#include "node/server/config/server_config.h"
#include "reactor/base/check.h"
#include "tools/cli/flags.h"
#include "tools/cli/node_address.h"
#include "tools/run/admin_text.h"
#include "tools/run/settings.h"

namespace xord {
namespace {

constexpr std::string_view scheme = "http://";

[[noreturn]] void refuse_part(const std::string& text, const std::string& fault) {
  refuse("--admin \"" + text + "\" " + fault);
}

// What a URL may have and this one must not.
void refuse_further_parts(const std::string& text, std::string_view rest) {
  if (text.starts_with("https:")) {
    refuse_part(text,
                "asks for encryption, which a node's admin port does not have: write "
                "http://HOST:PORT, and let ssh carry it");
  }
  if (rest.find("://") != rest.npos) {
    refuse_part(text, "is of a kind that is not known: write http://HOST:PORT or unix:PATH");
  }
  if (rest.find('@') != rest.npos) {
    refuse_part(text,
                "has a user's name, which a node does not know: write http://HOST:PORT, and name "
                "the file with the token by --admin-token-file");
  }
  if (rest.find_first_of("/?#") != rest.npos) {
    refuse_part(text, "goes on after the port: write http://HOST:PORT, the command adds the path");
  }
}

}  // namespace

std::string AdminUrl::text() const {
  return is_unix() ? "unix:" + path : std::string(scheme) + text_of(host);
}

std::string AdminUrl::host_field() const {
  if (is_unix()) return "localhost";
  const HostPort named = {host.host.substr(0, host.host.find('%')), host.port};  // A zone is ours.
  return text_of(named);
}

AdminUrl parse_admin_url(const std::string& text) {
  AdminUrl url;
  if (text.starts_with("unix:")) {
    try {
      url.path = parse_admin(text).path;
    } catch (const BadValue& bad) {
      refuse("--admin " + std::string(bad.what()));
    }
    CHECK(url.is_unix());
    return url;
  }
  std::string address = text;
  const size_t begin = text.starts_with(scheme) ? scheme.size() : 0;
  // As browsers show it.
  if (address.size() > begin && begin > 0 && address.back() == '/') address.pop_back();
  refuse_further_parts(text, std::string_view(address).substr(begin));
  url.host = parse_address(address, scheme, default_admin_port);
  return url;
}

}  // namespace xord
