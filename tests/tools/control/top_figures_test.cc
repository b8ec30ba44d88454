// How `xord top` writes figures, and what it leaves out where there is no room.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "tests/tools/control/made_up_event.h"
#include "tools/control/top_view.h"

namespace xord {
namespace {

using Json = TopModel::Json;

std::vector<TopLine> lines_of(const Json& event, const Json& limits, uint32_t height,
                              TopPage page = TopPage::figures) {
  TopModel model;
  model.take(event);
  model.take_limits(limits);
  TopLook look;
  look.width = 200;
  look.height = height;
  look.page = page;
  return top_screen(model, look);
}

// The part of line `at` between two of its words.
std::string between(const Json& event, size_t at, const std::string& begin,
                    const std::string& end) {
  const std::string line = lines_of(event, {}, 30).at(at).text + "\n";
  const size_t first = line.find(begin) + begin.size();
  return line.substr(first, line.find(end, first) - first);
}

struct Shown {
  double value;
  const char* text;
};

TEST(TopFigures, AreWrittenInAtMostSevenCharacters) {
  const Shown figures[] = {
      {0, "0"},          {0.049, "0"},         {0.05, "0.1"},       {0.44, "0.4"},
      {9.94, "9.9"},     {10, "10"},           {10.6, "11"},        {99'999, "99999"},
      {100'000, "100k"}, {9'999'000, "9999k"}, {10'000'000, "10M"}, {2.5e9, "2500M"}};
  for (const auto& [value, text] : figures) {
    Json event = made_up_event();
    event["series"]["requests_ping"] = value;
    EXPECT_EQ(between(event, 1, "ping ", "  find_node"), text) << value;
  }
}

TEST(TopFigures, OfBytesHaveTheLargestUnitThatFits) {
  const double kib = 1024;
  const Shown figures[] = {{0, "0 B"},
                           {9, "9 B"},
                           {999, "999 B"},
                           {1'000, "1.0 KiB"},
                           {9.9 * kib, "9.9 KiB"},
                           {10 * kib, "10 KiB"},
                           {999 * kib, "999 KiB"},
                           {1'000 * kib, "1.0 MiB"},
                           {20 * kib * kib, "20 MiB"},
                           {3 * kib * kib * kib, "3.0 GiB"},
                           {4 * kib * kib * kib * kib, "4.0 TiB"},
                           {5'000 * kib * kib * kib * kib, "5000 TiB"}};
  for (const auto& [value, text] : figures) {
    Json event = made_up_event();
    event["series"]["sent_bytes"] = value;
    EXPECT_EQ(between(event, 1, "out ", "/s\n"), text) << value;
    event = made_up_event();
    event["series"]["disk_free_bytes"] = value;
    EXPECT_EQ(between(event, 3, "disk free ", "  commit"), text) << value;
  }
}

TEST(TopFigures, OfTimeAreMillisecondsBelowASecond) {
  const Shown figures[] = {{0, "0.0 ms"},   {0.00125, "1.2 ms"}, {0.00994, "9.9 ms"},
                           {0.01, "10 ms"}, {0.999, "999 ms"},   {1, "1.0 s"},
                           {2.25, "2.2 s"}, {61, "61.0 s"}};
  for (const auto& [value, text] : figures) {
    Json event = made_up_event();
    event["series"]["call_p95_s"] = value;
    EXPECT_EQ(between(event, 2, "p95 ", "  dropped"), text) << value;
    event["series"]["commit_p99_s"] = value;
    EXPECT_EQ(between(event, 3, "p99 ", "\n"), text) << value;
  }
}

TEST(TopFigures, AnUptimeThatNoNodeHasIsUnknown) {
  const double century = 100.0 * 366 * 86'400;
  const std::pair<double, const char*> ages[] = {
      {-1, "-"}, {0, "0s"}, {59.9, "59s"}, {3'660, "1h1m"}, {century + 1, "-"}};
  for (const auto& [value, text] : ages) {
    Json event = made_up_event();
    event["uptime_s"] = value;
    EXPECT_EQ(between(event, 0, "up ", "  id"), text) << value;
  }
  Json event = made_up_event();
  event["uptime_s"] = century;
  EXPECT_NE(between(event, 0, "up ", "  id"), "-");
}

TEST(TopFigures, CallsAreThoseAnsweredExpiredAndMalformed) {
  Json event = made_up_event();
  event["series"]["calls_answered"] = 30.0;
  event["series"]["calls_expired"] = 20.0;
  event["series"]["calls_malformed"] = 10.0;
  EXPECT_EQ(between(event, 2, "calls/s ", "  rtt"), "60  answered 50 %");
  for (const char* name : {"calls_answered", "calls_expired", "calls_malformed"}) {
    event["series"][name] = 0.0;
  }
  EXPECT_EQ(between(event, 2, "calls/s ", "  rtt"), "0  answered -") << "of none";
  event["series"]["calls_answered"] = 0.5;
  EXPECT_EQ(between(event, 2, "calls/s ", "  rtt"), "0.5  answered 100 %");
}

TEST(TopFigures, ALimitIsNamedWhereItIsKnown) {
  Json event = made_up_event();
  event["limits"].erase("contacts");
  EXPECT_EQ(between(event, 3, "contacts ", "  answer"), "5000");
  EXPECT_EQ(between(event, 3, "records ", "  disk"), "1200k of 10M");
  event["series"]["records"] = nullptr;
  EXPECT_EQ(between(event, 3, "records ", "  disk"), "- of 10M");
}

// Every series has a value of its own, so that none can stand in the place of another.
TEST(TopFigures, EachStandsInItsPlace) {
  Json event = made_up_event();
  double value = 11;
  for (auto& each : event["series"]) each = value++;
  const auto lines = lines_of(event, {}, 30);
  EXPECT_EQ(lines[1].text,
            "requests/s  ping 11  find_node 12  find_value 13  store 14  stun 15  in 16 B/s  out "
            "17 B/s");
  EXPECT_EQ(lines[2].text,
            "calls/s 66  answered 32 %  rtt p50 24.0 s  p95 25.0 s  dropped/s 18  malformed/s 19  "
            "limited/s 20");
  EXPECT_EQ(lines[3].text,
            "contacts 26 of 65536  answer 27  nodes 28  records 29 of 10M  disk free 30 B  commit "
            "p99 33.0 s");
  event["series"]["busiest"] = 0.75;
  EXPECT_EQ(
      top_row(event),
      "ready             65      16 B      17 B     32 %   25.0 s   75 %     31       18      "
      "  27       29");
  EXPECT_EQ(top_row_heading(),
            "STATE     REQUESTS/S      IN/S     OUT/S ANSWERED  RTT P95   BUSY  QUEUE  DROPS/S  "
            "CONTACTS  RECORDS");
}

TEST(TopFigures, AStateHasItsTone) {
  const std::pair<const char*, TopTone> tones[] = {
      {"ready", TopTone::good},       {"isolated", TopTone::bad},     {"failed", TopTone::bad},
      {"degraded", TopTone::warning}, {"starting", TopTone::warning}, {"", TopTone::warning}};
  for (const auto& [state, tone] : tones) {
    Json event = made_up_event();
    event["state"] = state;
    EXPECT_EQ(lines_of(event, {}, 30).at(0).tone, tone) << state;
  }
}

// Charges are what came in within eight seconds.
TEST(TopFigures, ASourceHasARowWithWhatItTookAndWasRefused) {
  Json limits = {{"prefixes", Json::array()}};
  limits["prefixes"].push_back(
      {{"prefix", "192.0.2.0/24"},
       {"charged", {{"work", 80.0}, {"excess", 16'384.0}, {"reads", 24.0}}},
       {"limits", {{{"refused", 3}}, {{"refused", 4}}, {{"limit", "reads"}}}}});
  limits["prefixes"].push_back({{"prefix", "::/64"}, {"limits", {{{"refused", 0}}}}});
  const auto lines = lines_of(made_up_event(0), limits, 30);
  EXPECT_EQ(lines[4].text,
            "SOURCES                    *REQUESTS/S BEYOND ASKED/S   READS/S  LIMITED");
  EXPECT_EQ(lines[4].tone, TopTone::heading);
  EXPECT_EQ(lines[5].text,
            "192.0.2.0/24                        10        2.0 KiB       3.0  7 refused");
  EXPECT_EQ(lines[5].tone, TopTone::warning);
  EXPECT_EQ(lines[6].text, "::/64                                -              -         -  no");
  EXPECT_EQ(lines[6].tone, TopTone::plain);
  EXPECT_EQ(lines[7].text, "");
  limits["prefixes"][0]["limits"] = {{{"refused", 1}}};
  EXPECT_TRUE(lines_of(made_up_event(0), limits, 30)[5].text.ends_with("  1 refused"));
  EXPECT_EQ(lines_of(made_up_event(0), limits, 30)[5].tone, TopTone::warning);
  limits["prefixes"][0]["limits"] = {{{"refused", -5}}};
  EXPECT_EQ(lines_of(made_up_event(0), limits, 30)[5].tone, TopTone::plain);
}

TEST(TopFigures, SourcesAreOrderedByOneOfTheirFigures) {
  Json limits = {{"prefixes", Json::array()}};
  for (const auto& [name, work, excess, reads] :
       {std::tuple("a", 3, 1, 2), std::tuple("b", 1, 2, 3), std::tuple("c", 2, 3, 1)}) {
    limits["prefixes"].push_back(
        {{"prefix", name}, {"charged", {{"work", work}, {"excess", excess}, {"reads", reads}}}});
  }
  TopModel model;
  model.take(made_up_event(0));
  model.take_limits(limits);
  const auto order_by = [&](TopOrder order) {
    TopLook look;
    look.order = order;
    const auto lines = top_screen(model, look);
    std::string names;
    for (size_t row = 5; row < 8; ++row) names += lines.at(row).text[0];
    const size_t star = lines.at(4).text.find('*') + 1;
    return names + " " + lines.at(4).text.substr(star, lines.at(4).text.find(' ', star) - star);
  };
  EXPECT_EQ(order_by(TopOrder::requests), "acb REQUESTS/S");
  EXPECT_EQ(order_by(TopOrder::bytes), "cba BEYOND");
  EXPECT_EQ(order_by(TopOrder::reads), "bac READS/S");
  for (Json& each : limits["prefixes"]) each["charged"]["work"] = 7;
  model.take_limits(limits);
  EXPECT_EQ(order_by(TopOrder::requests), "abc REQUESTS/S") << "of equals as the node has them";
}

TEST(TopFigures, ALogLineHasItsTimeItsFieldsAndNothingElse) {
  setenv("TZ", "UTC", 1);
  tzset();
  const auto line = [](const Json& entry) {
    Json event = made_up_event(0);
    event["log"] = Json::array({entry});
    return lines_of(event, {}, 6).at(5).text;
  };
  Json entry = {{"time_s", 3'725.9}, {"level", "info"}, {"message", "m"}};
  EXPECT_EQ(line(entry), "01:02:05 info m");
  entry["fields"] = {{"of", "a b"}, {"used", 9}, {"list", {1, "x"}}};
  EXPECT_EQ(line(entry), "01:02:05 info m of=a b used=9 list=[1,\"x\"]");
  entry.erase("fields");
  for (const auto& [time, text] : {std::pair(0.0, "00:00:00"), std::pair(-1.0, "--:--:--"),
                                   std::pair(1e11, "--:--:--"), std::pair(86'399.0, "23:59:59")}) {
    entry["time_s"] = time;
    EXPECT_EQ(line(entry), std::string(text) + " info m") << time;
  }
  unsetenv("TZ");
  tzset();
}

// What the first word of each line says of it.
std::string sketch(const std::vector<TopLine>& lines) {
  std::string text;
  for (const TopLine& line : lines) {
    const std::string& all = line.text;
    text += all.empty() ? "." : all.substr(0, std::min(all.find(' '), size_t{3}));
    text += ' ';
  }
  return text;
}

TEST(TopScreenRoom, TheLogIsCutFirstThenTheFiguresOfTheHead) {
  Json event = made_up_event(3);
  event["log"] = {made_up_line(1, "one")};
  const Json limits = made_up_limits(3);
  const auto at_height = [&](uint32_t height) { return sketch(lines_of(event, limits, height)); };
  setenv("TZ", "UTC", 1);
  tzset();
  const std::string time = lines_of(event, limits, 6).at(5).text.substr(0, 3);
  unsetenv("TZ");
  tzset();
  const std::string head = "rea req cal con ";
  const std::string log = "LOG " + time + " ";
  EXPECT_EQ(at_height(0), "");
  EXPECT_EQ(at_height(1), "rea ");
  EXPECT_EQ(at_height(4), head);
  EXPECT_EQ(at_height(5), head + "LOG ");
  EXPECT_EQ(at_height(6), head + log);
  EXPECT_EQ(at_height(7), head + ". " + log) << "a heading alone says nothing";
  EXPECT_EQ(at_height(8), head + "SOU 192 " + log);
  EXPECT_EQ(at_height(9), head + "1 2 . " + log) << "nor does one of sources";
  EXPECT_EQ(at_height(10), head + "1 2 SOU 192 " + log);
  EXPECT_EQ(at_height(13), head + "SHA 0 1 2 SOU 192 192 " + log);
  EXPECT_EQ(at_height(14), head + "SHA 0 1 2 SOU 192 192 192 " + log);
  EXPECT_EQ(at_height(16), head + "SHA 0 1 2 SOU 192 192 192 . . " + log);
}

TEST(TopScreenRoom, WithoutSourcesTheShardsHaveItAll) {
  const auto at_height = [&](uint32_t height, const Json& limits) {
    return sketch(lines_of(made_up_event(6), limits, height));
  };
  EXPECT_EQ(at_height(12, {}), "rea req cal con SHA 0 1 2 3 4 5 LOG ");
  EXPECT_EQ(at_height(12, {{"prefixes", Json::array()}}), at_height(12, {}));
  const Json none = {{"prefixes", Json::array()}};
  EXPECT_EQ(at_height(15, none), "rea req cal con SHA 0 1 2 3 4 5 . . . LOG ");
  EXPECT_EQ(at_height(12, made_up_limits(1)), "rea req cal con 4 5 4 3 2 SOU 192 LOG ")
      << "one source has its place, too";
  EXPECT_EQ(at_height(11, {}), "rea req cal con 5 5 4 3 2 1 LOG ") << "5 of 6, the busiest first";
}

TEST(TopScreenRoom, OfShardsThatAreEquallyBusyTheFirstOnesAreShown) {
  Json event = made_up_event(6);
  for (Json& shard : event["shards"]) shard["busy"] = 0.5;
  EXPECT_EQ(sketch(lines_of(event, {}, 9)), "rea req cal con 3 0 1 2 LOG ");
}

TEST(TopScreenRoom, AShardsRowShowsEachFigureOfIt) {
  Json event = made_up_event(1);
  event["shards"][0] = {
      {"busy", 0.25}, {"requests", 21}, {"records", 22}, {"queue", 23}, {"turn_s", 0.024}};
  const auto lines = lines_of(event, {}, 30);
  EXPECT_EQ(lines[4].text, "SHARD      BUSY   REQUESTS/S    RECORDS    QUEUE   LONGEST TURN");
  EXPECT_EQ(lines[4].tone, TopTone::heading);
  EXPECT_EQ(lines[5].text, "0          25 %           21         22       23          24 ms");
  EXPECT_EQ(lines[5].tone, TopTone::plain);
  event["shards"][0] = Json::object();
  EXPECT_EQ(lines_of(event, {}, 30)[5].text,
            "0             -            -          -        -              -");
}

TEST(TopScreenRoom, TextIsCutBetweenCharacters) {
  Json event = made_up_event(0);
  event["state"] = "\u00e9\u4e16\u00e9z";
  TopModel model;
  model.take(event);
  const auto first_line = [&](uint32_t width) {
    TopLook look;
    look.width = width;
    return top_screen(model, look).at(0).text;
  };
  EXPECT_EQ(first_line(0), "");
  EXPECT_EQ(first_line(1), "\u00e9");
  EXPECT_EQ(first_line(2), "\u00e9\u4e16");
  EXPECT_EQ(first_line(3), "\u00e9\u4e16\u00e9");
  EXPECT_EQ(first_line(6), "\u00e9\u4e16\u00e9z  ");
}

TEST(TopPages, TheHelpNamesEachKey) {
  const auto lines = lines_of(made_up_event(), {}, 30, TopPage::help);
  std::string keys;
  for (size_t at = 4; at < 9; ++at) keys += lines.at(at).text[0];
  EXPECT_EQ(keys, "qsph?");
  EXPECT_EQ(lines.at(9).text, "");
}

TEST(TopPages, TheHealthIsATableOfWhatDoesNotPass) {
  Json event = made_up_event();
  EXPECT_EQ(lines_of(event, {}, 30, TopPage::health).at(4).tone, TopTone::good);
  event["reasons"] = {{{"name", "disk"}, {"status", "fail"}, {"detail", "it is full"}}};
  const auto lines = lines_of(event, {}, 30, TopPage::health);
  EXPECT_EQ(lines.at(4), (TopLine{"CHECK      STATUS DETAIL", TopTone::heading}));
  EXPECT_EQ(lines.at(5), (TopLine{"disk       fail   it is full", TopTone::bad}));
  EXPECT_EQ(lines.at(6), TopLine{});
}

}  // namespace
}  // namespace xord
