// The events of a running node: what is in each, who gets them, and what they leave in the history.
// The seconds are the test's own.
#include "node/server/live/live_feed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "node/server/admin/admin.h"
#include "node/server/node_doors.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

constexpr MonotonicTime start_time{seconds(5000).nanoseconds};

class LiveFeedTest : public testing::Test {
 protected:
  void start(const ServerConfig& with) {
    admin_ = std::make_unique<Admin>(with, node_doors());
    const auto error = admin_->start();
    ASSERT_FALSE(error) << error->sentence;
    ASSERT_TRUE(eventually([&] { return admin_->stats().storage_state == StorageState::ready; }));
    feed_.emplace(*admin_);
  }
  void start() { start(config()); }
  ServerConfig config() const {
    ServerConfig config = loopback_config(directory_.at("data"), 2);
    config.version = "0.1.0 (test)";
    return config;
  }
  void tick(int second) { feed_->tick(start_time + seconds(second), counters_); }
  // What waits for the reader of a stream.
  static std::string text_in(HttpStream& stream) {
    std::string text(http_stream_max, '\0');
    bool is_finished = false;
    text.resize(stream.take(text.data(), text.size(), &is_finished));
    return text;
  }
  // The only event that waits.
  static Json event_in(HttpStream& stream) {
    const std::string text = text_in(stream);
    const size_t data = text.find("data: ");
    return data == std::string::npos ? Json() : Json::parse(text.substr(data + 6), nullptr, false);
  }
  static Json reasons_of(const HealthReport& report) {
    Json reasons = Json::array();
    for (size_t i = 0; i < health_checks; ++i) {
      const HealthResult& result = report.results[i];
      if (result.level == HealthLevel::ok) continue;
      reasons.push_back({{"name", name_of(static_cast<HealthCheck>(i))},
                         {"status", name_of(result.level)},
                         {"detail", result.sentence}});
    }
    return reasons;
  }
  static std::vector<std::string> names_in(const Json& object) {
    std::vector<std::string> names;
    for (const auto& [name, value] : object.items()) names.push_back(name);
    return names;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Admin> admin_;
  std::optional<LiveFeed> feed_;
  HttpCounters counters_;
};

TEST_F(LiveFeedTest, AnEventSaysWhatTheNodeIsAndDoes) {
  start();
  const Duration before = wall_time();
  const double uptime = admin_->stats().uptime_seconds;
  tick(0);
  const auto stream = feed_->open();
  const Json event = event_in(*stream);
  ASSERT_TRUE(event.is_object());
  EXPECT_EQ(names_in(event),
            (std::vector<std::string>{"number", "time_s", "id", "version", "io", "state", "reasons",
                                      "uptime_s", "storage_state", "limits", "series", "totals",
                                      "shards", "log"}));
  EXPECT_EQ(event.at("number"), 1);
  EXPECT_GE(event.at("time_s").get<double>(), before.seconds() - 0.001);
  EXPECT_LE(event.at("time_s").get<double>(), wall_time().seconds() + 0.001);
  EXPECT_EQ(event.at("id"), admin_->id().hex());
  EXPECT_EQ(event.at("version"), "0.1.0 (test)");
  EXPECT_EQ(event.at("io"), "epoll");
  EXPECT_GE(event.at("uptime_s").get<double>(), uptime - 0.001);
  EXPECT_LE(event.at("uptime_s").get<double>(), admin_->stats().uptime_seconds + 0.001);
  EXPECT_EQ(event.at("storage_state"), "ready");
  const ServerConfig config = admin_->config();
  EXPECT_EQ(event.at("limits"), (Json{{"contacts", 1'000},
                                      {"records", 10'000},
                                      {"storage_bytes", config.storage_max},
                                      {"memory_bytes", config.memory_max},
                                      {"disk_bytes", disk_space_of(config.data_dir)->size}}));
  EXPECT_EQ(event.at("log"), Json::array()) << "it logs nothing";
}

TEST_F(LiveFeedTest, ItsFiguresAreThoseOfTheNodeAndOfItsShards) {
  start();
  tick(0);
  const auto stream = feed_->open();
  const Json first = event_in(*stream);
  EXPECT_EQ(first.at("series").size(), series_count);
  EXPECT_TRUE(first.at("series").at("requests_ping").is_null()) << "no rate of the first second";
  EXPECT_EQ(first.at("series").at("records"), 0);
  std::vector<std::string> rates;
  for (size_t i = 0; i < series_count; ++i) {
    const auto series = static_cast<Series>(i);
    if (kind_of(series) == SeriesKind::rate) rates.emplace_back(name_of(series));
  }
  EXPECT_EQ(names_in(first.at("totals")), rates);
  tick(1);
  const Json second = event_in(*stream);
  EXPECT_EQ(second.at("number"), 2);
  EXPECT_EQ(second.at("series").at("requests_ping"), 0);
  EXPECT_EQ(second.at("totals").at("bytes_logged"), admin_->stats().count("bytes_logged"));
  ASSERT_EQ(second.at("shards").size(), 2u);
  for (const Json& shard : second.at("shards")) {
    EXPECT_EQ(names_in(shard),
              (std::vector<std::string>{"busy", "requests", "records", "queue", "turn_s"}));
    EXPECT_GE(shard.at("busy"), 0);
    EXPECT_EQ(shard.at("requests"), 0);
    EXPECT_EQ(shard.at("records"), 0);
    EXPECT_EQ(shard.at("queue"), 0);
  }
}

TEST_F(LiveFeedTest, TheFirstEventOfANodeSaysHowLongToWaitBeforeTheNextConnection) {
  start();
  const auto stream = feed_->open();
  EXPECT_EQ(text_in(*stream), "") << "there was none yet";
  tick(0);
  const std::string first = text_in(*stream);
  EXPECT_TRUE(first.starts_with("retry: 2000\nid: 1\ndata: {")) << first;
  EXPECT_TRUE(first.ends_with("}\n\n")) << first;
  tick(1);
  EXPECT_TRUE(text_in(*stream).starts_with("id: 2\ndata: {"));
  const auto later = feed_->open();
  EXPECT_TRUE(text_in(*later).starts_with("id: 2\ndata: {")) << "it begins with the last one";
}

TEST_F(LiveFeedTest, ATickThatComesTwiceIsOne) {
  start();
  const auto stream = feed_->open();
  tick(3);
  tick(3);
  tick(2);
  EXPECT_EQ(event_in(*stream).at("number"), 1);
  tick(4);
  EXPECT_EQ(event_in(*stream).at("number"), 2);
}

TEST_F(LiveFeedTest, ReasonsAreTheChecksThatAreNotOk) {
  ServerConfig lonely = config();
  lonely.bootstrap = {own_loopback().address.text() + ":9"};
  start(lonely);
  const auto is_failing = [&] {
    return admin_->health().results[static_cast<size_t>(HealthCheck::contacts)].level ==
           HealthLevel::fail;
  };
  ASSERT_TRUE(eventually(is_failing));
  const auto stream = feed_->open();
  int second = 0;
  Json event;
  EXPECT_TRUE(eventually([&] {  // A report is made each second, so another may come between.
    tick(second++);
    event = event_in(*stream);
    const HealthReport report = admin_->health();
    return event.at("state") == name_of(report.state) &&
           event.at("reasons") == reasons_of(report) && !event.at("reasons").empty();
  })) << event.at("reasons");
}

TEST_F(LiveFeedTest, TheHistoryHasEachSecondAndItsTimeSince1970) {
  start();
  const Duration before = wall_time();
  tick(0);
  tick(1);
  const FigureHistory::Line line = feed_->history().seconds_of(Series::contacts, 1, 10);
  EXPECT_EQ(line.values, (std::vector<float>{0, 0}));
  EXPECT_EQ(line.end, 5002);
  const int64_t end = line.end + feed_->wall_offset();
  EXPECT_GE(end, before.whole_seconds() + 1);
  EXPECT_LE(end, wall_time().whole_seconds() + 1);
}

TEST_F(LiveFeedTest, ALineOfTheLogIsInOneEvent) {
  ServerConfig logging = config();
  logging.log_level = LogLevel::info;
  testing::internal::CaptureStderr();
  start(logging);
  const auto logged = [&](std::string_view message = "") {
    const auto lines = admin_->log_lines().lines(LogLevel::debug, 0, log_ring_lines);
    return static_cast<size_t>(std::count_if(lines.begin(), lines.end(), [&](const LogLine& line) {
      return message.empty() || line.message == message;
    }));
  };
  ASSERT_TRUE(eventually([&] { return logged("records loaded") == 2; })) << "it says no more";
  tick(0);
  const auto stream = feed_->open();
  const Json first = event_in(*stream).at("log");
  const size_t before = logged();
  EXPECT_EQ(first.size(), std::min(before, event_log_lines_max));
  admin_->log_stats();
  EXPECT_TRUE(eventually([&] { return logged() > before; }));
  tick(1);
  const Json next = event_in(*stream).at("log");
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next.at(0).at("message"), "stats");
  EXPECT_EQ(next.at(0).at("number"), first.back().at("number").get<uint64_t>() + 1);
  tick(2);
  EXPECT_EQ(event_in(*stream).at("log"), Json::array());
  admin_->stop();
  testing::internal::GetCapturedStderr();
}

TEST_F(LiveFeedTest, AReaderThatIsSlowLosesWholeEventsWhichAreCounted) {
  start();
  const auto slow = feed_->open();
  uint64_t sent = 0;
  int second = 0;
  while (counters_.read(HttpCount::events_lost) == 0 && second < 100) {
    tick(second++);
    ++sent;
  }
  EXPECT_EQ(counters_.read(HttpCount::events_lost), 1u);
  EXPECT_EQ(counters_.read(HttpCount::event_streams), 1u);
  const std::string kept = text_in(*slow);
  EXPECT_TRUE(kept.ends_with("}\n\n"));
  EXPECT_NE(kept.find("\nid: " + std::to_string(sent - 1) + "\n"), std::string::npos);
  EXPECT_EQ(kept.find("\nid: " + std::to_string(sent) + "\n"), std::string::npos);
  tick(second++);
  EXPECT_EQ(event_in(*slow).at("number"), sent + 1) << "it goes on";
  EXPECT_EQ(counters_.read(HttpCount::events_lost), 1u);
  slow->abandon();
  tick(second++);
  EXPECT_EQ(counters_.read(HttpCount::event_streams), 0u);
  EXPECT_EQ(counters_.read(HttpCount::events_lost), 1u) << "one that has left loses nothing";
}

TEST_F(LiveFeedTest, HasEightPlacesAndOneThatWasLeftIsFree) {
  start();
  std::vector<std::shared_ptr<HttpStream>> streams;
  for (size_t i = 0; i < feed_streams_max; ++i) {
    streams.push_back(feed_->open());
    ASSERT_NE(streams.back(), nullptr) << i;
  }
  EXPECT_EQ(feed_->open(), nullptr);
  tick(0);
  EXPECT_EQ(counters_.read(HttpCount::event_streams), feed_streams_max);
  for (const auto& stream : streams) EXPECT_EQ(event_in(*stream).at("number"), 1);
  streams[3]->abandon();
  EXPECT_NE(feed_->open(), nullptr);
  EXPECT_EQ(feed_->open(), nullptr);
}

TEST(LogLineJson, HasNumberTimeLevelMessageAndFields) {
  LogLine line;
  line.number = 7;
  line.at = seconds(1'796'018'400) + milliseconds(123);
  line.level = LogLevel::warning;
  line.message = "slow turn";
  line.fields = R"({"shard":1})";
  EXPECT_EQ(json_of(line), Json::parse(R"({"number": 7, "time_s": 1796018400.123,
      "level": "warning", "message": "slow turn", "fields": {"shard": 1}})"));
  line.fields = "{}";
  line.are_fields_cut = true;
  const Json cut = json_of(line);
  EXPECT_EQ(cut.at("fields"), Json::object());
  EXPECT_EQ(cut.at("fields_cut"), true);
}

}  // namespace
}  // namespace xord
