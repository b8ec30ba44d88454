#include "node/server/http/access.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace xord {
namespace {

const std::string token = "0123456789abcdef0123";

HttpRequest request_from(HttpSource source) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/purge";
  request.host = "127.0.0.1:8470";
  request.content_type = "application/json";
  request.source = source;
  request.local = *IpAddress::parse("127.0.0.1");
  return request;
}

AccessRules rules_with(const std::string& with_token, bool is_open = false) {
  return {{"dht.example.org", "10.0.0.9"}, with_token, is_open};
}

// 0: it may pass.
uint16_t status_of(const std::optional<HttpResponse>& refused) {
  if (!refused) return 0;
  EXPECT_TRUE(refused->refused_as) << "each refusal is counted";
  EXPECT_FALSE(nlohmann::json::parse(refused->body).at("detail").get<std::string>().empty());
  return refused->status;
}

uint16_t header_status(const std::string& host, const std::string& origin,
                       HttpSource source = HttpSource::loopback) {
  HttpRequest request = request_from(source);
  request.host = host;
  request.origin = origin;
  return status_of(refuse_header(rules_with(""), request));
}

TEST(Access, TheHostIsTheAddressConnectedToOrANameThatIsGiven) {
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:8470", "127.0.0.1:9", "localhost", "LocalHost:8470",
        "dht.example.org", "DHT.example.org:80", "10.0.0.9:1"}) {
    EXPECT_EQ(header_status(host, ""), 0) << host;
  }
  for (const char* host : {"", "127.0.0.2", "example.org", "localhost.", "localhost.example.org",
                           "127.0.0.1.example.org", "[::1]", "dht.example.org.evil.org",
                           "2130706433", ":8470", "[127.0.0.1", "0.0.0.0"}) {
    EXPECT_EQ(header_status(host, ""), 421) << host;
  }
}

TEST(Access, AnIpv6HostHasBrackets) {
  HttpRequest request = request_from(HttpSource::loopback);
  request.local = *IpAddress::parse("::1");
  for (const char* host : {"[::1]", "[::1]:8470", "[0:0::1]:8470"}) {
    request.host = host;
    EXPECT_EQ(status_of(refuse_header(rules_with(""), request)), 0) << host;
  }
  for (const char* host : {"[::2]", "::1", "127.0.0.1"}) {
    request.host = host;
    EXPECT_EQ(status_of(refuse_header(rules_with(""), request)), 421) << host;
  }
}

TEST(Access, OverAUnixSocketAnyHostWillDo) {
  EXPECT_EQ(header_status("anything", "", HttpSource::unix_socket), 0);
  EXPECT_EQ(header_status("", "", HttpSource::unix_socket), 0);
  EXPECT_EQ(header_status("localhost", "http://evil.org", HttpSource::unix_socket), 403);
}

TEST(Access, AnOriginIsThatOfTheHost) {
  for (const char* origin :
       {"", "http://127.0.0.1:8470", "HTTP://127.0.0.1:8470", "https://127.0.0.1:8470"}) {
    EXPECT_EQ(header_status("127.0.0.1:8470", origin), 0) << origin;
  }
  for (const char* origin :
       {"null", "http://127.0.0.1", "http://127.0.0.1:8471", "http://evil.org",
        "http://127.0.0.1:8470.evil.org", "file://", "http://localhost:8470"}) {
    EXPECT_EQ(header_status("127.0.0.1:8470", origin), 403) << origin;
  }
}

struct Use {
  HttpSource source;
  RouteAccess access;
  bool is_open;        // The setting admin-open.
  uint16_t without;    // The status without a token in the request; no token file.
  uint16_t with_file;  // The same, and there is a token file.
};

TEST(Access, WhoMayUseWhat) {
  using enum HttpSource;
  using enum RouteAccess;
  for (const Use& use : {
           Use{unix_socket, reads, false, 0, 0},
           Use{unix_socket, open, false, 0, 0},
           Use{unix_socket, changes, false, 0, 0},
           Use{loopback, reads, false, 0, 0},
           Use{loopback, open, false, 0, 0},
           Use{loopback, changes, false, 403, 401},
           Use{loopback, changes, true, 403, 401},
           Use{other, reads, false, 403, 401},
           Use{other, reads, true, 403, 401},
           Use{other, open, false, 403, 401},
           Use{other, open, true, 0, 0},
           Use{other, changes, true, 403, 401},
       }) {
    const std::string where = "source " + std::to_string(static_cast<int>(use.source)) +
                              ", access " + std::to_string(static_cast<int>(use.access)) +
                              ", open " + std::to_string(use.is_open);
    HttpRequest request = request_from(use.source);
    const auto status = [&](const std::string& with_token) {
      return status_of(refuse_use(rules_with(with_token, use.is_open), request, use.access));
    };
    EXPECT_EQ(status(""), use.without) << where;
    EXPECT_EQ(status(token), use.with_file) << where;
    request.authorization = "Bearer " + token;
    EXPECT_EQ(status(token), 0) << where;
    EXPECT_EQ(status(""), use.without) << where << ": no token is not any token";
  }
}

TEST(Access, OnlyTheTokenIsTheToken) {
  HttpRequest request = request_from(HttpSource::loopback);
  const auto status = [&](const std::string& field) {
    request.authorization = field;
    return status_of(refuse_use(rules_with(token), request, RouteAccess::changes));
  };
  EXPECT_EQ(status("Bearer " + token), 0);
  EXPECT_EQ(status("bearer " + token), 0);
  for (const std::string& field :
       {std::string(), std::string("Bearer"), std::string("Bearer "), token, "Basic " + token,
        "Bearer " + token + "4", "Bearer " + token.substr(1), "Bearer  " + token,
        "Bearer " + token.substr(0, 19) + "4", "Bearer" + token}) {
    EXPECT_EQ(status(field), 401) << field;
  }
  const auto refused = refuse_use(rules_with(token), request, RouteAccess::changes);
  EXPECT_EQ(refused->fields, (std::vector<HttpField>{{"WWW-Authenticate", "Bearer"}}));
}

struct Refused {
  HttpCount counter;
  int code;  // ProblemCode
  std::string detail;
};

Refused what_is(const std::optional<HttpResponse>& refused) {
  if (!refused || !refused->refused_as) return {HttpCount::count, 0, ""};
  const auto body = nlohmann::json::parse(refused->body);
  return {*refused->refused_as, body.at("code"), body.at("detail")};
}

TEST(Access, EachRefusalIsCountedAsWhatItIsAndSaysWhatToDo) {
  HttpRequest request = request_from(HttpSource::loopback);
  const auto check = [](const Refused& refused, HttpCount counter, int code, const char* advice) {
    EXPECT_EQ(refused.counter, counter) << refused.detail;
    EXPECT_EQ(refused.code, code) << refused.detail;
    EXPECT_NE(refused.detail.find(advice), std::string::npos) << refused.detail;
  };
  const auto use = [&](const std::string& with_token, RouteAccess access) {
    return what_is(refuse_use(rules_with(with_token), request, access));
  };
  check(use("", RouteAccess::changes), HttpCount::requests_unauthorized, 1,
        "a change over TCP needs a token, and this node has none: use its Unix socket");
  check(use(token, RouteAccess::changes), HttpCount::requests_unauthorized, 1,
        "a change over TCP needs a token: send `Authorization: Bearer`");
  request.source = HttpSource::other;
  check(use(token, RouteAccess::reads), HttpCount::requests_unauthorized, 1,
        "a request from another host needs a token: send");
  request.source = HttpSource::unix_socket;
  request.content_type = "text/plain";
  check(use("", RouteAccess::changes), HttpCount::requests_wrong_type, 2,
        "`Content-Type: application/json`");
  request.source = HttpSource::loopback;
  request.origin = "http://Evil.org";
  check(what_is(refuse_header(rules_with(""), request)), HttpCount::requests_wrong_origin, 1,
        "pages of \"http://Evil.org\" may not use this node");
  request.host = "Evil.org";
  check(what_is(refuse_header(rules_with(""), request)), HttpCount::requests_wrong_host, 2,
        "the Host \"Evil.org\" is not this node");
}

TEST(Access, ARefusalWithoutATokenFileAsksForNoToken) {
  const HttpRequest request = request_from(HttpSource::loopback);
  EXPECT_TRUE(refuse_use(rules_with(""), request, RouteAccess::changes)->fields.empty());
}

TEST(Access, AChangeIsJson) {
  HttpRequest request = request_from(HttpSource::unix_socket);
  const auto status = [&](const std::string& type, RouteAccess access) {
    request.content_type = type;
    return status_of(refuse_use(rules_with(""), request, access));
  };
  for (const char* type : {"application/json", "Application/JSON",
                           "application/json; charset=utf-8", "application/json ;x=1"}) {
    EXPECT_EQ(status(type, RouteAccess::changes), 0) << type;
  }
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded",
                           "application/jsonx", "multipart/form-data; a=application/json", ";"}) {
    EXPECT_EQ(status(type, RouteAccess::changes), 415) << type;
    EXPECT_EQ(status(type, RouteAccess::reads), 0) << type;
  }
}

TEST(Access, APageMayLoadFromHereAlone) {
  const auto has_policy = [](std::string_view type) {
    const auto fields = security_fields(type);
    EXPECT_NE(
        std::find(fields.begin(), fields.end(), HttpField{"X-Content-Type-Options", "nosniff"}),
        fields.end());
    EXPECT_NE(std::find(fields.begin(), fields.end(), HttpField{"Referrer-Policy", "no-referrer"}),
              fields.end());
    return std::any_of(fields.begin(), fields.end(), [](const HttpField& field) {
      return field.name == "Content-Security-Policy" &&
             field.value ==
                 "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    });
  };
  EXPECT_TRUE(has_policy("text/html; charset=utf-8"));
  EXPECT_FALSE(has_policy("application/json"));
}

TEST(Access, TheNameOfAHost) {
  EXPECT_EQ(host_name("A.b:1"), "a.b");
  EXPECT_EQ(host_name("[2001:DB8::1]:80"), "2001:db8::1");
  EXPECT_EQ(host_name("["), "");
  EXPECT_EQ(host_name(""), "");
}

}  // namespace
}  // namespace xord
