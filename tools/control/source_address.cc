#include "tools/control/source_address.h"

#include "reactor/base/endpoint.h"
#include "tools/cli/flags.h"

namespace xord {

std::string source_address(const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (!address || address->is_unspecified()) {
    refuse("\"" + text +
           "\" is not the address of a source: write one without port or prefix length, such as "
           "192.0.2.7 or 2001:db8::7");
  }
  return address->text();
}

}  // namespace xord
