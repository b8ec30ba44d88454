#include "node/server/http/front.h"

#include "reactor/base/check.h"

namespace xord {

HttpFront::HttpFront(AccessRules rules, std::vector<Route> routes)
    : rules_(std::make_shared<const AccessRules>(std::move(rules))), router_(std::move(routes)) {}

void HttpFront::set_rules(AccessRules rules) {
  auto next = std::make_shared<const AccessRules>(std::move(rules));
  const std::lock_guard lock(mutex_);
  rules_.swap(next);
}

std::shared_ptr<const AccessRules> HttpFront::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

void HttpFront::serve(HttpRequest request, const HttpReply& reply) const {
  const auto rules = this->rules();
  CHECK(rules != nullptr);
  if (auto refused = refuse_header(*rules, request)) return reply(std::move(*refused));
  auto found = router_.find(&request);
  if (auto* none = std::get_if<HttpResponse>(&found)) return reply(std::move(*none));
  const Route* route = std::get<const Route*>(found);
  CHECK(route != nullptr);
  if (auto refused = refuse_use(*rules, request, route->access)) {
    return reply(std::move(*refused));
  }
  route->handle(std::move(request), reply);
}

}  // namespace xord
