#include "node/server/http/problem.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace xord {
namespace {

TEST(Problem, HasTheFourMembersInOrder) {
  const HttpResponse response = problem(404, "no such key: list them", ProblemCode::refused);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            R"({"title":"Not Found","status":404,"detail":"no such key: list them","code":1})");
}

TEST(Problem, TheCodeFollowsTheStatus) {
  const auto code_of = [](uint16_t status) {
    return nlohmann::json::parse(problem(status, "x").body).at("code");
  };
  EXPECT_EQ(code_of(400), 2);
  EXPECT_EQ(code_of(499), 2);
  EXPECT_EQ(code_of(500), 4);
  EXPECT_EQ(code_of(503), 4);
}

TEST(Problem, IsJsonWhateverTheDetail) {
  const std::string detail = std::string("\xff\"\\\n\0 end", 9);
  const auto body = nlohmann::json::parse(problem(400, detail).body);
  EXPECT_EQ(body.at("detail").get<std::string>().find("\xEF\xBF\xBD\"\\\n"), 0u);
}

TEST(Problem, ATitleIsThePhraseOfItsStatus) {
  const std::pair<uint16_t, const char*> titles[] = {{400, "Bad Request"},
                                                     {401, "Unauthorized"},
                                                     {403, "Forbidden"},
                                                     {404, "Not Found"},
                                                     {405, "Method Not Allowed"},
                                                     {413, "Content Too Large"},
                                                     {415, "Unsupported Media Type"},
                                                     {421, "Misdirected Request"},
                                                     {431, "Request Header Fields Too Large"},
                                                     {499, "Refused"},
                                                     {500, "Internal Server Error"},
                                                     {501, "Not Implemented"},
                                                     {503, "Service Unavailable"},
                                                     {504, "Failed"}};
  for (const auto& [status, title] : titles) {
    const HttpResponse response = problem(status, "detail");
    EXPECT_EQ(response.status, status);
    const auto body = nlohmann::json::parse(response.body);
    EXPECT_EQ(body.at("title"), title) << status;
    EXPECT_EQ(body.at("status"), status);
  }
}

TEST(Problem, EveryStatusHasATitle) {
  for (int status = 400; status < 600; ++status) {
    const auto body = nlohmann::json::parse(problem(static_cast<uint16_t>(status), "detail").body);
    EXPECT_FALSE(body.at("title").get<std::string>().empty()) << status;
  }
}

}  // namespace
}  // namespace xord
