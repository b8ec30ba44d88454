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

TEST_F(RouterTest, ARefusalSaysWhatWouldBeServed) {
  const auto detail = [&] {
    return nlohmann::json::parse(response.body).at("detail").get<std::string>();
  };
  EXPECT_EQ(found("PUT", "/v1/records/7"), "405");
  EXPECT_EQ(detail(), "this path does not know the method PUT: use DELETE, GET, HEAD");
  EXPECT_EQ(found("GET", "/nothing"), "404");
  EXPECT_EQ(detail(), "there is nothing at /nothing: see /v1/openapi.json");
}

TEST(RouterBraces, OneBraceAloneNamesNothing) {
  Route begins = route("GET", "/a");
  begins.pattern = "/{b";
  Route ends = route("GET", "/a");
  ends.pattern = "/b}";
  const Router router({begins, ends});
  HttpRequest request;
  request.method = "GET";
  for (const char* path : {"/{b", "/b}"}) {
    request.path = path;
    const auto found = router.find(&request);
    ASSERT_TRUE(std::holds_alternative<const Route*>(found)) << path;
    EXPECT_EQ(std::get<const Route*>(found)->pattern, path);
  }
  EXPECT_TRUE(request.parts.empty());
  request.path = "/b";
  EXPECT_TRUE(std::holds_alternative<HttpResponse>(router.find(&request)));
}

TEST_F(RouterTest, ABadlyEncodedPartIs400) {
  EXPECT_EQ(found("GET", "/v1/records/%zz"), "400");
  EXPECT_EQ(found("GET", "/v1/x/%/more"), "400");
  EXPECT_EQ(found("GET", "/v1/%4/y/more"), "400");
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

// One route of each kind, as a whole: clients are generated from it.
TEST(OpenApi, DescribesARouteWithItsParametersAnswersAndRights) {
  Route look = route("GET", "/v1/things/{id}");
  look.parameters = {in_path("id", "which thing"), in_query("limit", "how many")};
  Route text = route("GET", "/livez", RouteAccess::open);
  text.content_type = "text/plain";
  const Route change = route("POST", "/v1/things", RouteAccess::changes);
  const nlohmann::json document(openapi_of({look, text, change}, "7"));
  EXPECT_EQ(document.at("paths").at("/v1/things/{id}").at("get"), nlohmann::json::parse(R"(
      {"summary": "what it does",
       "parameters": [
         {"name": "id", "in": "path", "description": "which thing", "required": true,
          "schema": {"type": "string"}},
         {"name": "limit", "in": "query", "description": "how many", "required": false,
          "schema": {"type": "string"}}],
       "responses": {
         "200": {"description": "done", "content": {"application/json": {"schema": {}}}},
         "default": {"description": "refused or failed", "content": {
           "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}},
       "security": [{"token": []}, {}]})"));
  EXPECT_EQ(document.at("paths").at("/livez").at("get").at("responses").at("200").at("content"),
            nlohmann::json::parse(R"({"text/plain": {"schema": {"type": "string"}}})"));
  EXPECT_EQ(document.at("paths").at("/v1/things").at("post").at("requestBody"),
            nlohmann::json::parse(
                R"({"content": {"application/json": {"schema": {"type": "object"}}}})"));
  EXPECT_EQ(document.at("info"), nlohmann::json::parse(R"({"title": "xord", "version": "7"})"));
  EXPECT_EQ(document.at("components"), nlohmann::json::parse(R"(
      {"schemas": {"Problem": {
         "type": "object", "required": ["title", "status", "detail", "code"],
         "properties": {"title": {"type": "string"}, "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "code": {"type": "integer", "enum": [1, 2, 4]}}}},
       "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}})"));
}

TEST(OpenApi, HasEachMethodOfAPathInLowerCase) {
  const nlohmann::json document = openapi_of(
      {route("GET", "/a"), route("PUT", "/a"), route("DELETE", "/a"), route("POST", "/b")}, "");
  EXPECT_EQ(document.at("paths").size(), 2u);
  for (const char* method : {"get", "put", "delete"}) {
    EXPECT_TRUE(document.at("paths").at("/a").contains(method)) << method;
  }
  EXPECT_TRUE(document.at("paths").at("/b").contains("post"));
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
  for (const RouteParameter& each : page_parameters()) {
    EXPECT_EQ(each.place, ParameterPlace::query) << each.name;
    EXPECT_FALSE(each.description.empty()) << each.name;
  }
}

}  // namespace
}  // namespace xord
