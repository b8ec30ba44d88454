#include "tools/control/admin_routes.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "node/server/http/url.h"
#include "reactor/base/check.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

struct AdminRoute {
  std::string_view command;
  const char* method;
  const char* path;
};
constexpr AdminRoute routes[] = {
    {"status", "GET", "/v1/status"},   {"health", "GET", "/v1/health"},
    {"stats", "GET", "/v1/stats"},     {"contacts", "GET", "/v1/contacts"},
    {"records", "GET", "/v1/records"}, {"explain", "GET", "/v1/explain"},
    {"limits", "GET", "/v1/limits"},   {"log-level", "POST", "/v1/log-level"},
    {"reload", "POST", "/v1/reload"},  {"shutdown", "POST", "/v1/shutdown"},
};

// What the query calls a member of the request.
std::string parameter_of(std::string_view command, const std::string& member) {
  if (command == "explain" && member == "address") return "ip";
  // /v1/records/{id} answers with the record alone; a prefix of 40 digits, with a list of one.
  if (command == "records" && member == "id") return "prefix";
  return member;
}

}  // namespace

HttpAsk admin_ask_of(const Json& request) {
  const auto command = request.at("command").get<std::string>();
  const auto* const route =
      std::find_if(std::begin(routes), std::end(routes),
                   [&](const AdminRoute& each) { return each.command == command; });
  CHECK(route != std::end(routes));
  HttpAsk ask;
  ask.method = route->method;
  ask.target = route->path;
  Json rest = request;
  rest.erase("command");
  if (ask.method == "POST") {
    ask.body = rest.dump(-1, ' ', false, Json::error_handler_t::replace);
    return ask;
  }
  char mark = '?';
  for (const auto& [member, value] : rest.items()) {
    ask.target += mark + parameter_of(command, member) + "=" +
                  percent_encoded(value.get_ref<const std::string&>());
    mark = '&';
  }
  return ask;
}

}  // namespace xord
