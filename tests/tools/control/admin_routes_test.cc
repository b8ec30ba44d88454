#include "tools/control/admin_routes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "node/server/admin/admin.h"
#include "node/server/api/api.h"
#include "node/server/node_doors.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

struct Mapped {
  Json request;
  const char* method;
  const char* target;
  const char* body;
};

std::vector<Mapped> all_mapped() {
  return {
      {{{"command", "status"}}, "GET", "/v1/status", ""},
      {{{"command", "health"}}, "GET", "/v1/health", ""},
      {{{"command", "stats"}}, "GET", "/v1/stats", ""},
      {{{"command", "contacts"}}, "GET", "/v1/contacts", ""},
      {{{"command", "contacts"}, {"near", "ff"}, {"state", "a&b"}, {"from", "01"}},
       "GET",
       "/v1/contacts?near=ff&state=a%26b&from=01",
       ""},
      {{{"command", "records"}, {"prefix", "d1"}}, "GET", "/v1/records?prefix=d1", ""},
      {{{"command", "records"}, {"id", "aabb"}}, "GET", "/v1/records?prefix=aabb", ""},
      {{{"command", "explain"}, {"address", "2001:db8::7"}},
       "GET",
       "/v1/explain?ip=2001%3Adb8%3A%3A7",
       ""},
      {{{"command", "limits"}}, "GET", "/v1/limits", ""},
      {{{"command", "limits"}, {"address", "192.0.2.7"}, {"by", "work"}},
       "GET",
       "/v1/limits?address=192.0.2.7&by=work",
       ""},
      {{{"command", "log-level"}, {"level", "debug"}},
       "POST",
       "/v1/log-level",
       R"({"level":"debug"})"},
      {{{"command", "reload"}}, "POST", "/v1/reload", "{}"},
      {{{"command", "shutdown"}}, "POST", "/v1/shutdown", "{}"},
  };
}

TEST(AdminRoutes, EachCommandHasItsMethodTargetAndBody) {
  for (const Mapped& each : all_mapped()) {
    const HttpAsk ask = admin_ask_of(each.request);
    EXPECT_EQ(ask.method, each.method) << each.request;
    EXPECT_EQ(ask.target, each.target) << each.request;
    EXPECT_EQ(ask.body, each.body) << each.request;
    EXPECT_EQ(ask.accept, "application/json") << each.request;
  }
}

TEST(AdminRoutes, AreThoseOfTheApiWithItsParameters) {
  const TemporaryDirectory directory;
  Admin admin(loopback_config(directory.at("data")), node_doors());
  ASSERT_FALSE(admin.start());
  Api api(admin, {}, {});
  const std::vector<Route> routes = api.routes();
  for (const Mapped& each : all_mapped()) {
    const std::string target = each.target;
    const size_t query = std::min(target.find('?'), target.size());
    const auto route = std::find_if(routes.begin(), routes.end(), [&](const Route& one) {
      return one.method == each.method && one.pattern == target.substr(0, query);
    });
    ASSERT_NE(route, routes.end()) << target;
    for (size_t at = query; at < target.size();
         at = std::min(target.find('&', at), target.size())) {
      ++at;
      const std::string name = target.substr(at, target.find('=', at) - at);
      EXPECT_TRUE(std::any_of(route->parameters.begin(), route->parameters.end(),
                              [&](const RouteParameter& one) {
                                return one.place == ParameterPlace::query && one.name == name;
                              }))
          << target << " " << name;
    }
  }
}

}  // namespace
}  // namespace xord
