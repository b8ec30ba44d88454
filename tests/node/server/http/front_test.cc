// The order in which the rules before a route apply.
#include "node/server/http/front.h"

#include <gtest/gtest.h>

namespace xord {
namespace {

class FrontTest : public testing::Test {
 protected:
  FrontTest() {
    request.method = "POST";
    request.path = "/change/me";
    request.host = "localhost";
    request.content_type = "application/json";
    request.source = HttpSource::unix_socket;
  }
  uint16_t served() {
    Route change{"POST",
                 "/change/{what}",
                 RouteAccess::changes,
                 "changes",
                 [this](const HttpRequest& got, const HttpReply& reply) {
                   what = got.parts.at("what");
                   reply({});
                 },
                 {{"what", ParameterPlace::path, "it"}}};
    const HttpFront front({}, {std::move(change)});
    uint16_t status = 0;
    front.serve(request, [&](const HttpResponse& response) { status = response.status; });
    return status;
  }

  HttpRequest request;
  std::string what;
};

TEST_F(FrontTest, WhatPassesAllRulesIsServed) {
  EXPECT_EQ(served(), 200);
  EXPECT_EQ(what, "me");
}

TEST_F(FrontTest, AForeignPageLearnsNothingOfThePaths) {
  request.path = "/nothing";
  request.origin = "http://evil.org";
  EXPECT_EQ(served(), 403);
  request.origin.clear();
  EXPECT_EQ(served(), 404);
}

TEST_F(FrontTest, OtherRulesHoldForTheNextRequest) {
  request.source = HttpSource::loopback;
  request.authorization = "Bearer 0123456789abcdef";
  HttpFront front({}, {{"POST",
                        "/change/{what}",
                        RouteAccess::changes,
                        "changes",
                        [](const HttpRequest&, const HttpReply& reply) { reply({}); },
                        {{"what", ParameterPlace::path, "it"}}}});
  const auto status = [&] {
    uint16_t got = 0;
    front.serve(request, [&](const HttpResponse& response) { got = response.status; });
    return got;
  };
  EXPECT_EQ(status(), 403);
  AccessRules rules;
  rules.token = "0123456789abcdef";
  front.set_rules(rules);
  EXPECT_EQ(status(), 200);
  rules.token = "fedcba9876543210";
  front.set_rules(rules);
  EXPECT_EQ(status(), 401);
}

TEST_F(FrontTest, WhatEachPathAnsweredIsCountedOnceItIsAnswered) {
  HttpReply later;
  HttpFront front({}, {{"GET",
                        "/slow/{what}",
                        RouteAccess::reads,
                        "answers later",
                        [&later](const HttpRequest&, const HttpReply& reply) { later = reply; },
                        {{"what", ParameterPlace::path, "it"}}}});
  const HttpReply ignore = [](const HttpResponse&) {};
  request.method = "GET";
  request.path = "/slow/thing";
  front.serve(request, ignore);
  EXPECT_TRUE(front.answers().empty());
  HttpResponse busy;
  busy.status = 503;
  later(busy);
  request.path = "/nothing";
  front.serve(request, ignore);
  request.origin = "http://evil.org";
  front.serve(request, ignore);
  request.origin.clear();
  request.path = "/slow/thing";
  request.source = HttpSource::other;
  request.host = "192.0.2.1";
  front.serve(request, ignore);
  const std::vector<AnswerCount> expected = {
      {"/slow/{what}", 503, 1}, {"other", 403, 1}, {"other", 404, 1}, {"other", 421, 1}};
  EXPECT_EQ(front.answers(), expected);
}

TEST_F(FrontTest, AStrangersRequestIsNotServed) {
  request.source = HttpSource::loopback;
  EXPECT_EQ(served(), 403);
  request.host = "evil.org";
  EXPECT_EQ(served(), 421);
  EXPECT_EQ(what, "");
}

}  // namespace
}  // namespace xord
