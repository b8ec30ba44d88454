#include "node/server/http/front.h"

#include "reactor/base/check.h"

namespace xord {
namespace {

std::vector<std::string_view> paths_of(const std::vector<Route>& routes) {
  std::vector<std::string_view> paths;
  for (const Route& route : routes) paths.push_back(route.pattern);
  return paths;
}

}  // namespace

HttpFront::HttpFront(AccessRules rules, std::vector<Route> routes)
    : rules_(std::make_shared<const AccessRules>(std::move(rules))),
      router_(std::move(routes)),
      answers_(std::make_shared<AnswerCounts>(paths_of(router_.routes()))) {}

void HttpFront::set_rules(AccessRules rules) {
  auto next = std::make_shared<const AccessRules>(std::move(rules));
  const std::lock_guard lock(mutex_);
  rules_.swap(next);
}

std::shared_ptr<const AccessRules> HttpFront::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

HttpReply HttpFront::counted(std::string_view path, const HttpReply& reply) const {
  CHECK(reply != nullptr);
  return [answers = answers_, path, reply](HttpResponse response) {
    answers->add(path, response.status);
    reply(std::move(response));
  };
}

void HttpFront::serve(HttpRequest request, const HttpReply& to) const {
  const auto rules = this->rules();
  CHECK(rules != nullptr);
  const HttpReply turn_away = counted(AnswerCounts::no_route, to);
  if (auto refused = refuse_header(*rules, request)) return turn_away(std::move(*refused));
  auto found = router_.find(&request);
  if (auto* none = std::get_if<HttpResponse>(&found)) return turn_away(std::move(*none));
  const Route* route = std::get<const Route*>(found);
  CHECK(route != nullptr);
  const HttpReply reply = counted(route->pattern, to);
  if (auto refused = refuse_use(*rules, request, route->access)) {
    return reply(std::move(*refused));
  }
  route->handle(std::move(request), reply);
}

}  // namespace xord
