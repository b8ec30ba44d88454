#include "node/server/http/router.h"

#include <gtest/gtest.h>

#include <set>

namespace xord {
namespace {

Route route(std::string_view method, std::string_view pattern,
            RouteAccess access = RouteAccess::reads) {
  Route result;
  result.method = method;
  result.pattern = pattern;
  result.access = access;
  result.summary = "what it does";
  result.handle = [](HttpRequest, const HttpReply&) {};
  for (size_t at = pattern.find('{'); at != std::string_view::npos;
       at = pattern.find('{', at + 1)) {
    const std::string_view name = pattern.substr(at + 1, pattern.find('}', at) - at - 1);
    result.parameters.push_back({name, ParameterPlace::path, "which"});
  }
  return result;
}

class RouterTest : public testing::Test {
 protected:
  // The pattern of the route found, or the status of the problem.
  std::string found(const std::string& method, const std::string& path) {
    request = {};
    request.method = method;
    request.path = path;
    const auto result = router.find(&request);
    if (const auto* refused = std::get_if<HttpResponse>(&result)) {
      response = *refused;
      return std::to_string(refused->status);
    }
    const Route* one = std::get<const Route*>(result);
    return std::string(one->method) + " " + std::string(one->pattern);
  }

  const Router router{{
      route("GET", "/"),
      route("GET", "/livez", RouteAccess::open),
      route("GET", "/v1/records/{id}"),
      route("DELETE", "/v1/records/{id}", RouteAccess::changes),
      route("POST", "/v1/purge", RouteAccess::changes),
      route("GET", "/v1/{what}/{id}/more"),
  }};
  HttpRequest request;
  HttpResponse response;
};

TEST_F(RouterTest, APathLeadsToItsRoute) {
  EXPECT_EQ(found("GET", "/"), "GET /");
  EXPECT_EQ(found("GET", "/livez"), "GET /livez");
  EXPECT_EQ(found("HEAD", "/livez"), "GET /livez");
  EXPECT_EQ(found("POST", "/v1/purge"), "POST /v1/purge");
}

TEST_F(RouterTest, ANameStandsForOnePartWhichIsDecoded) {
  EXPECT_EQ(found("GET", "/v1/records/a%2Fb+c"), "GET /v1/records/{id}");
  EXPECT_EQ(request.parts.at("id"), "a/b+c");
  EXPECT_EQ(found("DELETE", "/v1/records/7"), "DELETE /v1/records/{id}");
  EXPECT_EQ(found("GET", "/v1/x/y/more"), "GET /v1/{what}/{id}/more");
  EXPECT_EQ(request.parts.at("what"), "x");
  EXPECT_EQ(request.parts.at("id"), "y");
}

TEST_F(RouterTest, WhatIsNotThereIs404) {
  for (const char* path : {"", "*", "livez", "/Livez", "/livez/", "//livez", "/livez//", "/v1",
                           "/v1/records", "/v1/records/", "/v1/records/a/b", "/v1/records//",
                           "/../livez", "/%6Civez", "http://localhost/livez"}) {
    EXPECT_EQ(found("GET", path), "404") << path;
    EXPECT_EQ(response.refused_as, HttpCount::requests_unknown);
  }
}

TEST_F(RouterTest, AnotherMethodIs405WithThoseThatAreAllowed) {
  EXPECT_EQ(found("PUT", "/v1/records/7"), "405");
  EXPECT_EQ(response.fields, (std::vector<HttpField>{{"Allow", "DELETE, GET, HEAD"}}));
  EXPECT_EQ(found("HEAD", "/v1/purge"), "405");
  EXPECT_EQ(response.fields, (std::vector<HttpField>{{"Allow", "POST"}}));
  EXPECT_EQ(found("get", "/livez"), "405");
  EXPECT_EQ(found("OPTIONS", "/livez"), "405");
  EXPECT_EQ(response.refused_as, HttpCount::requests_unknown);
}

TEST_F(RouterTest, ABadlyEncodedPartIs400) {
  EXPECT_EQ(found("GET", "/v1/records/%zz"), "400");
}

TEST_F(RouterTest, EveryRouteIsInTheDocument) {
  const auto document = openapi_of(router.routes(), "0.1.0 (test)");
  EXPECT_EQ(document.at("openapi"), "3.1.0");
  EXPECT_EQ(document.at("info").at("version"), "0.1.0 (test)");
  size_t operations = 0;
  for (const auto& path : document.at("paths")) operations += path.size();
  EXPECT_EQ(operations, router.routes().size());
  const auto& one = document.at("paths").at("/v1/records/{id}").at("delete");
  EXPECT_EQ(one.at("parameters").at(0).at("name"), "id");
  EXPECT_EQ(one.at("parameters").at(0).at("in"), "path");
  EXPECT_TRUE(one.at("parameters").at(0).at("required"));
  EXPECT_TRUE(one.contains("requestBody"));
  EXPECT_TRUE(one.at("responses").at("200").at("content").contains("application/json"));
  EXPECT_FALSE(document.at("paths").at("/livez").at("get").contains("requestBody"));
  EXPECT_TRUE(document.at("components").at("schemas").contains("Problem"));
}

std::variant<PageWanted, HttpResponse> page_of(const std::string& query) {
  HttpRequest request;
  request.query = query;
  return page_wanted(request);
}

TEST(Pages, HaveAtMostAThousandRows) {
  const auto limit_of = [](const std::string& query) {
    return std::get<PageWanted>(page_of(query)).limit;
  };
  EXPECT_EQ(limit_of(""), 1000u);
  EXPECT_EQ(limit_of("limit=1"), 1u);
  EXPECT_EQ(limit_of("from=a&limit=1000"), 1000u);
  EXPECT_EQ(std::get<PageWanted>(page_of("from=a%20b")).from, "a b");
  for (const char* query : {"limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit",
                            "limit=1x", "limit=99999999999", "limit=+1"}) {
    const auto refused = page_of(query);
    ASSERT_TRUE(std::holds_alternative<HttpResponse>(refused)) << query;
    EXPECT_EQ(std::get<HttpResponse>(refused).status, 400) << query;
  }
}

TEST(Pages, TheirParametersAreThoseThatAreRead) {
  std::set<std::string_view> names;
  for (const RouteParameter& each : page_parameters()) names.insert(each.name);
  EXPECT_EQ(names, (std::set<std::string_view>{"from", "limit"}));
}

}  // namespace
}  // namespace xord
