#include "node/server/http/router.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "node/server/http/problem.h"
#include "node/server/http/url.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

// The parts of a path between its slashes: "/v1/a" has two. "/" has none.
std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  CHECK(path.starts_with('/'));
  path.remove_prefix(1);
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, slash));
    path.remove_prefix(slash);
    if (path == "/") parts.emplace_back();  // "/v1/" is not "/v1".
    if (!path.empty()) path.remove_prefix(1);
  }
  return parts;
}

bool is_name(std::string_view part) {
  return part.starts_with('{') && part.ends_with('}');
}

std::string_view name_in(std::string_view part) {
  CHECK(is_name(part) && part.size() > 2);
  return part.substr(1, part.size() - 2);
}

bool is_match(std::string_view pattern, const std::vector<std::string_view>& path) {
  const std::vector<std::string_view> parts = parts_of(pattern);
  return std::equal(parts.begin(), parts.end(), path.begin(), path.end(),
                    [](std::string_view wanted, std::string_view part) {
                      return is_name(wanted) ? !part.empty() : wanted == part;
                    });
}

// False if one of them is badly encoded.
bool fill_in(const Route& route, const std::vector<std::string_view>& path, HttpRequest* request) {
  const std::vector<std::string_view> pattern = parts_of(route.pattern);
  CHECK(pattern.size() == path.size());
  for (size_t i = 0; i < path.size(); ++i) {
    if (!is_name(pattern[i])) continue;
    auto text = percent_decoded(path[i]);
    if (!text) return false;
    request->parts[std::string(name_in(pattern[i]))] = std::move(*text);
  }
  return true;
}

bool is_served_by(const Route& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

HttpResponse not_allowed(const std::string& method, const std::set<std::string>& allowed) {
  std::string list;
  for (const std::string& each : allowed) list += (list.empty() ? "" : ", ") + each;
  HttpResponse response =
      problem(405, "this path does not know the method " + method + ": use " + list);
  response.fields.push_back({"Allow", list});
  response.refused_as = HttpCount::requests_unknown;
  return response;
}

Json parameters_of(const Route& route) {
  Json list = Json::array();
  for (const RouteParameter& parameter : route.parameters) {
    const bool is_part = parameter.place == ParameterPlace::path;
    Json entry = {{"name", parameter.name},
                  {"in", is_part ? "path" : "query"},
                  {"description", parameter.description},
                  {"required", is_part},
                  {"schema", {{"type", "string"}}}};
    list.push_back(std::move(entry));
  }
  return list;
}

Json operation_of(const Route& route) {
  Json schema = Json::object();
  if (route.content_type != "application/json") schema["type"] = "string";
  const Json answer = {{std::string(route.content_type), {{"schema", schema}}}};
  const Json refusal = {
      {"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}};
  Json operation = {{"summary", route.summary}, {"parameters", parameters_of(route)}};
  if (route.access == RouteAccess::changes) {
    operation["requestBody"] = {
        {"content", {{"application/json", {{"schema", {{"type", "object"}}}}}}}};
  }
  operation["responses"] = {
      {"200", {{"description", "done"}, {"content", answer}}},
      {"default", {{"description", "refused or failed"}, {"content", refusal}}}};
  // Without a token: from this host, and over the Unix socket.
  operation["security"] = Json::array({{{"token", Json::array()}}, Json::object()});
  return operation;
}

Json problem_schema() {
  return {{"type", "object"},
          {"required", {"title", "status", "detail", "code"}},
          {"properties",
           {{"title", {{"type", "string"}}},
            {"status", {{"type", "integer"}}},
            {"detail", {{"type", "string"}}},
            {"code", {{"type", "integer"}, {"enum", {1, 2, 4}}}}}}};
}

}  // namespace

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const Route& route : routes_) {
    CHECK(route.handle != nullptr && !route.summary.empty());
    CHECK(seen.emplace(route.method, route.pattern).second);
    for (const std::string_view part : parts_of(route.pattern)) {
      const auto is_it = [&](const RouteParameter& parameter) {
        return parameter.place == ParameterPlace::path && parameter.name == name_in(part);
      };
      CHECK(!is_name(part) || std::any_of(route.parameters.begin(), route.parameters.end(), is_it));
    }
  }
}

std::variant<const Route*, HttpResponse> Router::find(HttpRequest* request) const {
  std::set<std::string> allowed;
  if (request->path.starts_with('/')) {
    const std::vector<std::string_view> path = parts_of(request->path);
    for (const Route& route : routes_) {
      if (!is_match(route.pattern, path)) continue;
      allowed.emplace(route.method);
      if (route.method == "GET") allowed.emplace("HEAD");
      if (!is_served_by(route, request->method)) continue;
      if (fill_in(route, path, request)) return &route;
      return problem(400, "the path is badly encoded: write % and two hexadecimal digits");
    }
  }
  if (!allowed.empty()) return not_allowed(request->method, allowed);
  HttpResponse response =
      problem(404, "there is nothing at " + request->path + ": see /v1/openapi.json");
  response.refused_as = HttpCount::requests_unknown;
  return response;
}

Json openapi_of(const std::vector<Route>& routes, const std::string& version) {
  Json paths = Json::object();
  for (const Route& route : routes) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c + ('a' - 'A'));
    paths[std::string(route.pattern)][method] = operation_of(route);
  }
  return {{"openapi", "3.1.0"},
          {"info", {{"title", "xord"}, {"version", version}}},
          {"paths", paths},
          {"components",
           {{"schemas", {{"Problem", problem_schema()}}},
            {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
}

std::variant<PageWanted, HttpResponse> page_wanted(const HttpRequest& request) {
  PageWanted page;
  page.from = query_value(request.query, "from").value_or("");
  const auto limit = query_value(request.query, "limit");
  if (!limit) return page;
  const char* last = limit->data() + limit->size();
  const auto [end, error] = std::from_chars(limit->data(), last, page.limit);
  if (error != std::errc{} || end != last || page.limit < 1 || page.limit > page_rows_max) {
    return problem(400, "limit is a number from 1 to " + std::to_string(page_rows_max));
  }
  return page;
}

std::vector<RouteParameter> page_parameters() {
  return {in_query("from", "the `next` of the previous page"),
          in_query("limit", "the most rows, 1 to 1000")};
}

}  // namespace xord
