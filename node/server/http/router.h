// The table of routes, and what follows from it: which handler serves a request, what is answered
// if none does, and the OpenAPI document. Pure; it neither knows what a handler does nor checks who
// may ask (node/server/http/access.h). Fixed after construction.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "node/server/http/access.h"
#include "node/server/http/http_message.h"
#include "reactor/base/check.h"

namespace xord {

enum class ParameterPlace : uint8_t { path, query };

struct RouteParameter {
  std::string_view name;
  ParameterPlace place{};
  std::string_view description;
};
inline RouteParameter in_path(std::string_view name, std::string_view description) {
  CHECK(!name.empty());
  return {name, ParameterPlace::path, description};
}
inline RouteParameter in_query(std::string_view name, std::string_view description) {
  CHECK(!name.empty());
  return {name, ParameterPlace::query, description};
}

// The views are of text that outlives the router, such as literals.
struct Route {
  // Runs on the server's thread, so it must not block; the reply may come later, by any thread.
  using Handler = std::function<void(HttpRequest, HttpReply)>;

  std::string_view method;   // GET, POST, PUT or DELETE; a GET serves HEAD, too.
  std::string_view pattern;  // "/v1/records/{id}": a part in braces stands for any one part.
  RouteAccess access = RouteAccess::reads;
  std::string_view summary;  // One sentence without a full stop.
  Handler handle;
  std::vector<RouteParameter> parameters;  // All that the pattern names, and those of the query.
  std::string_view content_type = "application/json";  // Of the answer.
};

class Router {
 public:
  // No two routes may have the same method and pattern.
  explicit Router(std::vector<Route> routes);

  // The route that serves the request, whose `parts` it then fills in; otherwise a problem: 400
  // for a badly encoded path, 404, or 405 with the methods that are allowed.
  std::variant<const Route*, HttpResponse> find(HttpRequest* request) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

// The OpenAPI 3.1 document of all of them.
nlohmann::ordered_json openapi_of(const std::vector<Route>& routes, const std::string& version);

// Lists come in pages: rows from the key `from` on, at most `limit`, and the answer's `next` is the
// `from` of the following page.
constexpr uint32_t page_rows_max = 1000;
struct PageWanted {
  std::string from;  // Empty: from the first row.
  uint32_t limit = page_rows_max;
};
// What the query asks for; a problem (400) if `limit` is not a number from 1 to page_rows_max.
std::variant<PageWanted, HttpResponse> page_wanted(const HttpRequest& request);
// The two parameters, for a route's list.
std::vector<RouteParameter> page_parameters();

}  // namespace xord
