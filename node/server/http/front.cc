#include "node/server/http/front.h"

#include "reactor/base/check.h"

namespace xord {

HttpFront::HttpFront(AccessRules rules, std::vector<Route> routes)
    : rules_(std::move(rules)), router_(std::move(routes)) {}

void HttpFront::serve(HttpRequest request, const HttpReply& reply) const {
  if (auto refused = refuse_header(rules_, request)) return reply(std::move(*refused));
  auto found = router_.find(&request);
  if (auto* none = std::get_if<HttpResponse>(&found)) return reply(std::move(*none));
  const Route* route = std::get<const Route*>(found);
  CHECK(route != nullptr);
  if (auto refused = refuse_use(rules_, request, route->access)) {
    return reply(std::move(*refused));
  }
  route->handle(std::move(request), reply);
}

}  // namespace xord
