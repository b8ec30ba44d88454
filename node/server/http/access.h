// Who may ask what of the admin port (docs/ADMIN.md, "Trust"): pure rules over a request's header
// and what it came over. They keep out strangers, and pages in a browser on this host: a page of
// another site is refused by its Origin, and one whose name was pointed at this host (DNS
// rebinding) by its Host.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/server/http/http_message.h"

namespace xord {

// What a route does to the node.
enum class RouteAccess : uint8_t {
  reads,
  open,  // Reads, and shows so little that `admin-open` lets everyone ask it.
  changes
};

struct AccessRules {
  // Names in `Host` besides localhost and the address that the client connected to, in lower case.
  std::vector<std::string> hosts;
  std::string token;     // For `Authorization: Bearer`; empty: there is none.
  bool is_open = false;  // Routes that are `open` need no token from elsewhere.
};

// Whether any request with this header may be looked at: 421 for a Host that is not ours, 403 for
// an Origin other than http:// or https:// and that Host.
std::optional<HttpResponse> refuse_header(const AccessRules& rules, const HttpRequest& request);

// Whether the request may use a route: a change must be JSON (415), which no page can send to
// another site without asking first; a change over TCP, and whatever comes from another host,
// needs the token (401, or 403 where there is none).
std::optional<HttpResponse> refuse_use(const AccessRules& rules, const HttpRequest& request,
                                       RouteAccess access);

// The name or address in a Host field, without port and brackets, in lower case.
std::string host_name(std::string_view host);

// Fields for every answer. A page (text/html) may load what comes from here, and nothing else.
std::vector<HttpField> security_fields(std::string_view content_type);

}  // namespace xord
