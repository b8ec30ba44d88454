// All routes of the API as one table: who may use each, and what it may be asked.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "node/server/admin/admin.h"
#include "node/server/api/api.h"
#include "node/server/node_doors.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

// "reads near state": its access, then its parameters; those of the path in braces.
std::string shown(const Route& route) {
  constexpr std::string_view access[] = {"reads", "open", "changes"};
  std::string text(access[static_cast<size_t>(route.access)]);
  for (const RouteParameter& each : route.parameters) {
    const bool is_part = each.place == ParameterPlace::path;
    text += " " + (is_part ? "{" + std::string(each.name) + "}" : std::string(each.name));
    EXPECT_FALSE(each.description.empty()) << route.pattern << " " << each.name;
  }
  if (route.content_type != "application/json") text += ": " + std::string(route.content_type);
  return text;
}

TEST(ApiRoutes, EachHasItsRightAndParameters) {
  TemporaryDirectory directory;
  Admin admin(loopback_config(directory.at("data")), node_doors());
  ASSERT_FALSE(admin.start());
  Api api(admin, {}, {});
  std::map<std::string, std::string> routes;
  for (const Route& route : api.routes()) {
    routes[std::string(route.method) + " " + std::string(route.pattern)] = shown(route);
    EXPECT_FALSE(route.summary.empty()) << route.pattern;
  }
  const std::map<std::string, std::string> expected = {
      {"GET /", "reads: text/html; charset=utf-8"},
      {"GET /page.css", "reads: text/css; charset=utf-8"},
      {"GET /page.js", "reads: text/javascript; charset=utf-8"},
      {"GET /network.js", "reads: text/javascript; charset=utf-8"},
      {"GET /favicon.svg", "reads: image/svg+xml"},
      {"GET /livez", "open verbose exclude: text/plain"},
      {"GET /readyz", "open verbose exclude: text/plain"},
      {"GET /startupz", "open verbose exclude: text/plain"},
      {"GET /metrics", "open: text/plain; version=0.0.4; charset=utf-8"},
      {"GET /v1/status", "reads"},
      {"GET /v1/health", "open"},
      {"GET /v1/stats", "reads"},
      {"GET /v1/config", "reads"},
      {"GET /v1/limits", "reads address by"},
      {"GET /v1/openapi.json", "reads"},
      {"GET /v1/events", "reads: text/event-stream"},
      {"GET /v1/history", "reads span step series"},
      {"GET /v1/log", "reads level limit after"},
      {"GET /v1/published", "reads from limit"},
      {"PUT /v1/published/{key}", "changes {key} kind"},
      {"DELETE /v1/published/{key}", "changes {key} kind"},
      {"GET /v1/contacts", "reads near state from limit network"},
      {"GET /v1/buckets", "reads from limit network"},
      {"GET /v1/records", "reads prefix from limit network"},
      {"GET /v1/records/{id}", "reads {id} network"},
      {"DELETE /v1/records/{id}", "changes {id}"},
      {"GET /v1/lookup", "reads key id"},
      {"GET /v1/explain", "reads ip"},
      {"POST /v1/purge", "changes"},
      {"POST /v1/snapshot", "changes"},
      {"POST /v1/reload", "changes"},
      {"POST /v1/log-level", "changes"},
      {"POST /v1/shutdown", "changes"},
  };
  EXPECT_EQ(routes, expected);
}

}  // namespace
}  // namespace xord
