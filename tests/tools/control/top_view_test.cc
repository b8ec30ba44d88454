#include "tools/control/top_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/tools/control/made_up_event.h"

namespace xord {
namespace {

using Json = TopModel::Json;

TopModel model_of(Json event, Json limits = {}) {
  TopModel model;
  model.take(std::move(event));
  model.take_limits(std::move(limits));
  return model;
}

TopLook wide() {
  TopLook look;
  look.width = 200;
  look.height = 40;
  return look;
}

// Without runs of blanks.
std::string squeezed(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c != ' ' || (!result.empty() && result.back() != ' ')) result += c;
  }
  while (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

std::vector<std::string> shown(const TopModel& model, const TopLook& look) {
  std::vector<std::string> lines;
  for (const TopLine& line : top_screen(model, look)) lines.push_back(squeezed(line.text));
  return lines;
}

bool has(const std::vector<std::string>& lines, const std::string& text) {
  return std::find(lines.begin(), lines.end(), text) != lines.end();
}

TEST(TopScreen, BeginsWithStateTrafficAndCalls) {
  const auto lines = shown(model_of(made_up_event()), wide());
  EXPECT_EQ(lines[0], "ready up 1h2m id " + std::string(40, 'a') + " 0.1.0 (commit 0123abc)");
  EXPECT_EQ(lines[1],
            "requests/s ping 12 find_node 2000 find_value 3.5 store 4.0 stun 0 in 1.5 MiB/s out "
            "2.0 KiB/s");
  EXPECT_EQ(lines[2],
            "calls/s 100 answered 90 % rtt p50 12 ms p95 - dropped/s 0 malformed/s 1.0 limited/s "
            "2.0");
  EXPECT_EQ(lines[3],
            "contacts 5000 of 65536 answer 4812 nodes 250k records 1200k of 10M disk free 32 GiB "
            "commit p99 0.2 ms");
}

TEST(TopScreen, HasARowForEachShard) {
  const auto lines = shown(model_of(made_up_event(3)), wide());
  EXPECT_EQ(lines[4], "SHARD BUSY REQUESTS/S RECORDS QUEUE LONGEST TURN");
  EXPECT_EQ(lines[5], "0 1 % 512 0 0 0.1 ms");
  EXPECT_EQ(lines[7], "2 3 % 514 20 2.0 0.1 ms");
}

TEST(TopScreen, ShowsTheBusiestShardsIfNotAllHaveRoom) {
  const auto lines = shown(model_of(made_up_event(64), made_up_limits(12)), wide());
  EXPECT_TRUE(has(lines, "23 of 64 BUSY REQUESTS/S RECORDS QUEUE LONGEST TURN"));
  EXPECT_EQ(lines[5].substr(0, 7), "63 64 %");
  EXPECT_EQ(lines[6].substr(0, 7), "62 63 %");
}

TEST(TopScreen, ShowsTenSourcesInTheOrderThatWasChosen) {
  const TopModel model = model_of(made_up_event(), made_up_limits(12, 3));
  TopLook look = wide();
  auto lines = shown(model, look);
  EXPECT_EQ(lines[7], "SOURCES *REQUESTS/S BEYOND ASKED/S READS/S LIMITED");
  EXPECT_EQ(lines[8].substr(0, 13), "192.0.2.11/32");
  EXPECT_EQ(lines[17].substr(0, 12), "192.0.2.2/32");
  EXPECT_EQ(lines[18], "") << "no eleventh";
  look.order = next_order(look.order);
  lines = shown(model, look);
  EXPECT_EQ(lines[7], "SOURCES REQUESTS/S *BEYOND ASKED/S READS/S LIMITED");
  EXPECT_EQ(lines[8], "192.0.2.0/32 0 9.0 KiB 1.0 3 refused");
  look.order = next_order(look.order);
  EXPECT_EQ(look.order, TopOrder::reads);
  EXPECT_EQ(next_order(look.order), TopOrder::requests);
}

TEST(TopScreen, EndsWithTheLastFiveLinesOfTheLog) {
  TopModel model;
  for (int number = 0; number < 4; ++number) {
    Json event = made_up_event();
    for (int line = 0; line < 2; ++line) {
      event["log"].push_back(
          made_up_line(2 * number + line, "line " + std::to_string(2 * number + line)));
    }
    model.take(event);
  }
  const auto lines = shown(model, wide());
  ASSERT_EQ(lines.size(), 40u) << "at the bottom";
  EXPECT_EQ(lines[34], "LOG");
  EXPECT_NE(lines[35].find(" info line 3 of=records used=9"), std::string::npos) << lines[35];
  EXPECT_NE(lines[39].find(" info line 7 of=records used=9"), std::string::npos) << lines[39];
}

TEST(TopScreen, NeverLeavesItsBounds) {
  Json event = made_up_event(64);
  event["log"] = {made_up_line(1, std::string(500, 'x')),
                  made_up_line(2, "caf\u00e9 \u4e16\u754c")};
  const TopModel model = model_of(event, made_up_limits(12));
  for (const TopPage page : {TopPage::figures, TopPage::health, TopPage::help}) {
    for (uint32_t height = 0; height < 60; ++height) {
      for (const uint32_t width : {0u, 1u, 17u, 80u, 300u}) {
        TopLook look;
        look.width = width;
        look.height = height;
        look.page = page;
        const auto lines = top_screen(model, look);
        EXPECT_LE(lines.size(), height);
        for (const TopLine& line : lines) {
          const auto characters = std::count_if(line.text.begin(), line.text.end(), [](char c) {
            return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
          });
          EXPECT_LE(characters, width) << line.text;
        }
      }
    }
  }
}

// A log line names what peers and configurations name.
TEST(TopScreen, ShowsNothingThatATerminalWouldActOn) {
  const std::string evil = "\x1b[2J\u009b31m\u202e\r\n\a";
  Json event = made_up_event();
  event["state"] = evil;
  event["id"] = evil;
  event["version"] = evil;
  event["reasons"] = {{{"name", evil}, {"status", evil}, {"detail", evil}}};
  event["log"] = {made_up_line(1, evil)};
  event["log"][0]["level"] = evil;
  event["log"][0]["fields"] = {{evil, evil}, {"list", {evil}}};
  Json limits = made_up_limits(1);
  limits["prefixes"][0]["prefix"] = evil;
  for (const TopPage page : {TopPage::figures, TopPage::health}) {
    TopLook look = wide();
    look.page = page;
    std::string all = top_row(event);
    for (const TopLine& line : top_screen(model_of(event, limits), look)) all += line.text;
    for (const std::string mark : {"\x1b", "\u009b", "\u202e", "\r", "\n", "\a"}) {
      EXPECT_EQ(all.find(mark), std::string::npos) << all;
    }
  }
}

TEST(TopScreen, PagesOfHealthAndKeys) {
  Json event = made_up_event();
  TopLook look = wide();
  look.page = TopPage::health;
  EXPECT_EQ(shown(model_of(event), look)[4], "every check of the health passes");
  event["state"] = "degraded";
  event["reasons"] = {{{"name", "contacts"}, {"status", "warn"}, {"detail", "3 contacts answer"}},
                      {{"name", "disk"}, {"status", "fail"}, {"detail", "full"}}};
  const auto lines = top_screen(model_of(event), look);
  EXPECT_EQ(lines[0].tone, TopTone::warning);
  EXPECT_EQ(squeezed(lines[5].text), "contacts warn 3 contacts answer");
  EXPECT_EQ(lines[5].tone, TopTone::warning);
  EXPECT_EQ(lines[6].tone, TopTone::bad);
  look.page = TopPage::help;
  EXPECT_EQ(shown(model_of(event), look)[4], "q end");
}

TEST(TopScreen, SaysThatItIsPaused) {
  TopLook look = wide();
  look.is_paused = true;
  EXPECT_EQ(shown(model_of(made_up_event()), look)[0].substr(0, 14), "[paused] ready");
}

// An event of another version: whatever it lacks, and whatever else is in its place.
TEST(TopScreen, ShowsADashForWhatAnEventDoesNotHave) {
  const auto lines = shown(model_of(Json::object()), wide());
  EXPECT_EQ(lines[0], "- up - id - -");
  EXPECT_EQ(lines[2], "calls/s - answered - rtt p50 - p95 - dropped/s - malformed/s - limited/s -");
  EXPECT_EQ(squeezed(top_row(Json::object())), "- - - - - - - - - - -");
  const std::vector<Json> values = {nullptr,
                                    true,
                                    -1,
                                    1e300,
                                    "text",
                                    Json::array({1, nullptr}),
                                    Json::object({{"a", Json::array()}})};
  const Json event = made_up_event();
  for (const Json& value : values) {
    for (const auto& [name, was] : event.items()) {
      Json changed = event;
      changed[name] = value;
      top_screen(model_of(changed, value), wide());
      top_row(changed);
    }
    for (const auto& [name, was] : event["series"].items()) {
      Json changed = event;
      changed["series"][name] = value;
      top_screen(model_of(changed), wide());
      top_row(changed);
    }
    Json changed = event;
    changed["log"] = {value};
    changed["shards"] = {value};
    changed["reasons"] = {value};
    Json limits = made_up_limits(1);
    limits["prefixes"].push_back(value);
    limits["prefixes"][0]["limits"] = value;
    for (const TopPage page : {TopPage::figures, TopPage::health}) {
      TopLook look = wide();
      look.page = page;
      top_screen(model_of(changed, limits), look);
    }
  }
}

TEST(TopRow, HasAColumnForEachHeading) {
  EXPECT_EQ(squeezed(top_row_heading()),
            "STATE REQUESTS/S IN/S OUT/S ANSWERED RTT P95 BUSY QUEUE DROPS/S CONTACTS RECORDS");
  EXPECT_EQ(squeezed(top_row(made_up_event())),
            "ready 2020 1.5 MiB 2.0 KiB 90 % - 50 % 6.0 0 4812 1200k");
  EXPECT_EQ(top_row(made_up_event()).size(), top_row_heading().size());
}

}  // namespace
}  // namespace xord
