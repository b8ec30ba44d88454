// What /v1/history and /v1/log may be asked for, and the bounds of each.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "node/server/admin/admin.h"
#include "node/server/live/live_figures.h"
#include "node/server/node_doors.h"
#include "tests/node/server/http/http_client.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

class ApiLiveTest : public testing::Test {
 protected:
  void start(LogLevel level = LogLevel::off) {
    ServerConfig config = loopback_config(directory_.at("data"));
    config.log_level = level;
    admin_ = std::make_unique<Admin>(config, node_doors());
    const auto error = admin_->start();
    ASSERT_FALSE(error) << error->sentence;
  }
  HttpReceived get(const std::string& target) const {
    return HttpClient(directory_.at("data") + "/control").get(target);
  }
  Json history(const std::string& query) const {
    return Json::parse(get("/v1/history?" + query).body, nullptr, false);
  }
  // The first `count` series by name, with commas.
  static std::string first_series(size_t count) {
    std::string names;
    for (size_t i = 0; i < count; ++i) {
      names += (i == 0 ? "" : ",") + std::string(name_of(static_cast<Series>(i)));
    }
    return names;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Admin> admin_;
};

TEST_F(ApiLiveTest, EachSpanHasAStepOfItsOwn) {
  start();
  for (const auto& [span, step] :
       std::vector<std::pair<std::string, int>>{{"minute", 1}, {"hour", 5}, {"day", 60}}) {
    const Json json = history("series=contacts&span=" + span);
    EXPECT_EQ(json.at("span"), span);
    EXPECT_EQ(json.at("step_s"), step) << span;
  }
  EXPECT_EQ(history("series=contacts").at("span"), "hour");
  const HttpReceived received = get("/v1/history?series=contacts");
  EXPECT_EQ(received.fields.at("Cache-Control"), "no-store");
  EXPECT_EQ(received.fields.at("Content-Type"), "application/json");
}

TEST_F(ApiLiveTest, AStepIsWithinItsSpanAndInADayOfWholeMinutes) {
  start();
  for (const char* query :
       {"span=minute&step=1", "span=minute&step=60", "span=hour&step=600", "span=hour&step=7",
        "span=day&step=60", "span=day&step=120", "span=day&step=7200"}) {
    EXPECT_EQ(get("/v1/history?series=contacts&" + std::string(query)).status, 200) << query;
  }
  for (const char* query :
       {"span=minute&step=0", "span=minute&step=61", "span=hour&step=601", "span=day&step=0",
        "span=day&step=61", "span=day&step=7201", "span=day&step=7260", "span=minute&step=1x",
        "span=minute&step=", "span=minute&step=99999999999999999999"}) {
    const HttpReceived refused = get("/v1/history?series=contacts&" + std::string(query));
    EXPECT_EQ(refused.status, 400) << query;
    EXPECT_EQ(refused.json().at("detail").get<std::string>().find(
                  "step is a number of seconds, for a span of a day of whole minutes: at most "),
              0u)
        << query;
  }
  EXPECT_TRUE(get("/v1/history?span=hour&step=601").body.find("at most 600") != std::string::npos);
}

TEST_F(ApiLiveTest, AnAnswerHasAtMost75000Values) {
  start();
  const std::string seconds_of_an_hour = "/v1/history?span=hour&step=1&series=";
  EXPECT_EQ(get(seconds_of_an_hour + first_series(20)).status, 200) << "72,000";
  const HttpReceived refused = get(seconds_of_an_hour + first_series(21));
  EXPECT_EQ(refused.status, 400) << "75,600";
  EXPECT_NE(refused.body.find("more than 75000 values"), std::string::npos) << refused.body;
  EXPECT_EQ(get("/v1/history?span=day").status, 200) << "70,560";
  EXPECT_EQ(get("/v1/history?span=hour&step=2").status, 400) << "88,200";
  EXPECT_EQ(get("/v1/history?span=hour&step=3").status, 200) << "58,800";
}

TEST_F(ApiLiveTest, SeriesComeAsTheyWereAskedForAndOnceEach) {
  start();
  const auto names_of = [&](const std::string& asked) {
    std::vector<std::string> names;
    const Json json = history("series=" + asked);
    for (const auto& [name, values] : json.at("series").items()) {
      names.push_back(name);
    }
    return names;
  };
  EXPECT_EQ(names_of("records,contacts"), (std::vector<std::string>{"records", "contacts"}));
  EXPECT_EQ(names_of("contacts,contacts,busy"), (std::vector<std::string>{"contacts", "busy"}));
  EXPECT_EQ(names_of("contacts,"), std::vector<std::string>{"contacts"});
  EXPECT_EQ(get("/v1/history?series=contacts,,busy").status, 400) << "an empty name is none";
  EXPECT_NE(get("/v1/history?series=contacts,none").body.find("there is no series \\\"none\\\""),
            std::string::npos);
}

TEST_F(ApiLiveTest, ValuesHaveFiveDigits) {
  start();
  ASSERT_TRUE(eventually([&] { return history("span=minute&series=contacts").at("points") > 0; }));
  const std::string body = get("/v1/history?span=minute&series=disk_free_bytes,call_p50_s").body;
  const std::string before = "\"disk_free_bytes\":[";
  ASSERT_NE(body.find(before), std::string::npos) << body;
  const std::string rest = body.substr(body.find(before) + before.size());
  const std::string value = rest.substr(0, rest.find_first_of(",]"));
  const std::string mantissa = value.substr(0, value.find('e'));
  EXPECT_LE(
      std::count_if(mantissa.begin(), mantissa.end(), [](char c) { return c >= '0' && c <= '9'; }),
      5)
      << body;
  EXPECT_GT(std::stod(value), 0) << body;
  EXPECT_NE(body.find("\"call_p50_s\":[null"), std::string::npos) << body;
}

TEST_F(ApiLiveTest, TheLogIsAskedForByLevelNumberAndCount) {
  testing::internal::CaptureStderr();
  start(LogLevel::debug);
  const auto lines_of = [&](const std::string& query) {
    return Json::parse(get("/v1/log" + query).body).at("lines");
  };
  ASSERT_TRUE(eventually([&] {
    admin_->log_stats();  // A line each time.
    return lines_of("").size() >= 6;
  }));
  const Json all = lines_of("?limit=200");
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].at("number"), i + 1);
  const Json two = lines_of("?limit=2");
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[1].at("number"), two[0].at("number").get<int>() + 1) << "the last, oldest first";
  EXPECT_GE(two[1].at("number"), all.size());
  EXPECT_EQ(lines_of("?after=3&limit=200")[0].at("number"), 4);
  EXPECT_EQ(lines_of("?after=1000000"), Json::array());
  const auto is_of_level = [&](const std::string& level) {
    const Json lines = lines_of("?level=" + level);
    return std::all_of(lines.begin(), lines.end(),
                       [&](const Json& line) { return line.at("level") != "debug"; });
  };
  EXPECT_TRUE(is_of_level("info"));
  EXPECT_EQ(lines_of("?level=error"), Json::array());
  for (const char* query : {"?limit=201", "?limit=0", "?after=", "?after=-1", "?limit=1x"}) {
    const HttpReceived refused = get("/v1/log" + std::string(query));
    EXPECT_EQ(refused.status, 400) << query;
    EXPECT_EQ(refused.json().at("detail"), "limit is a number from 1 to 200, after is one, too");
  }
  EXPECT_EQ(get("/v1/log?level=off").json().at("detail"), "level is debug, info, warning or error");
  admin_->stop();
  testing::internal::GetCapturedStderr();
}

}  // namespace
}  // namespace xord
