// The control commands about the node as a whole: status, log-level, reload, shutdown, snapshot,
// and what it says of a command that it does not know.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "node/server/admin/admin.h"
#include "node/server/control/control_commands.h"
#include "node/server/node_doors.h"
#include "tests/node/server/server_fixture.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;

class ControlNodeTest : public testing::Test {
 protected:
  void start(const ServerHooks& hooks = {}) {
    config_ = loopback_config(directory_.at("data"), 2);
    config_.version = "0.1.0 (test)";
    admin_ = std::make_unique<Admin>(config_, node_doors(), hooks);
    ASSERT_FALSE(admin_->start());
    ASSERT_TRUE(eventually([&] { return admin_->stats().storage_state == StorageState::ready; }));
  }
  Json ask(const std::string& command, Json request = Json::object()) {
    request["command"] = command;
    return Json::parse(answer_control(*admin_, request.dump()));
  }

  TemporaryDirectory directory_;
  ServerConfig config_;
  std::unique_ptr<Admin> admin_;
};

TEST_F(ControlNodeTest, TheStatusHasEveryMember) {
  start();
  const double before = admin_->stats().uptime_seconds;
  Json status = ask("status").at("result");
  const double uptime = status.at("uptime_s");
  EXPECT_GE(uptime, before - 0.001);
  EXPECT_LE(uptime, admin_->stats().uptime_seconds + 0.001);
  EXPECT_FALSE(status.at("state").get<std::string>().empty());
  status["uptime_s"] = 0;
  status["state"] = "";
  const std::string id = admin_->id().hex();
  EXPECT_EQ(status, (Json{{"id", id},
                          {"version", "0.1.0 (test)"},
                          {"state", ""},
                          {"uptime_s", 0},
                          {"networks", Json::array({{{"name", "rpcudp"}, {"id", id}}})},
                          {"endpoints", Json::array({admin_->endpoints().front().text()})},
                          {"admin", Json::array()},
                          {"io", "epoll"},
                          {"shards", 2},
                          {"storage_state", "ready"},
                          {"contacts", 0},
                          {"contacts_answerable", 0},
                          {"records", 0}}));
}

TEST_F(ControlNodeTest, ACommandThatItDoesNotKnowIsAnsweredWithThoseItDoes) {
  start();
  const Json answer = ask("statz");
  EXPECT_EQ(answer.at("code"), 2);
  EXPECT_EQ(answer.at("error"),
            "this node does not know that command; it knows stats, purge, snapshot, keep, forget, "
            "published, limits, health, status, reload, log-level, shutdown, contacts, buckets, "
            "records, explain, lookup (is it an older version?)");
}

TEST_F(ControlNodeTest, TheHealthIsThatOfTheNode) {
  start();
  ASSERT_TRUE(eventually([&] { return ask("health").at("result").at("state") == "ready"; }));
  EXPECT_EQ(ask("health").at("result").at("checks").size(), health_checks);
}

TEST_F(ControlNodeTest, EachLevelOfTheLogMayBeSet) {
  start();
  const std::pair<const char*, LogLevel> levels[] = {{"debug", LogLevel::debug},
                                                     {"info", LogLevel::info},
                                                     {"warning", LogLevel::warning},
                                                     {"error", LogLevel::error},
                                                     {"off", LogLevel::off}};
  testing::internal::CaptureStderr();
  for (const auto& [name, level] : levels) {
    EXPECT_EQ(ask("log-level", {{"level", name}}).at("result"), (Json{{"level", name}}));
    EXPECT_EQ(admin_->config().log_level, level);
  }
  testing::internal::GetCapturedStderr();
  for (const Json& request : {Json::object(), Json{{"level", "loud"}}, Json{{"level", 1}}}) {
    const Json refused = ask("log-level", request);
    EXPECT_EQ(refused.at("code"), 2);
    EXPECT_EQ(refused.at("error"),
              "log-level takes a \"level\": debug, info, warning, error or off");
  }
}

TEST_F(ControlNodeTest, AProgramThatSaysNothingOfItsEndOrItsSettingsKeepsThem) {
  start();
  const Json shutdown = ask("shutdown");
  EXPECT_EQ(shutdown.at("code"), 1);
  EXPECT_EQ(shutdown.at("error"), "the program around this node ends it: stop that program");
  const Json reload = ask("reload");
  EXPECT_EQ(reload.at("code"), 1);
  EXPECT_EQ(reload.at("error"),
            "the program around this node chooses its settings: change them there");
}

TEST_F(ControlNodeTest, AProgramThatCanEndTheNodeIsAskedTo) {
  int asked = 0;
  ServerHooks hooks;
  hooks.shut_down = [&] { ++asked; };
  std::variant<ServerConfig, ServerError> wanted = ServerConfig{};
  hooks.read_config = [&] { return wanted; };
  start(hooks);
  EXPECT_EQ(ask("shutdown").at("result"), (Json{{"state", "draining"}}));
  EXPECT_EQ(asked, 1);
  ServerConfig changed = config_;
  changed.ttl = hours(2);
  changed.contacts_max = 2'000;
  wanted = changed;
  EXPECT_EQ(ask("reload").at("result"),
            (Json{{"changed", {"ttl"}}, {"restart", {"contacts-max"}}}));
  wanted = ServerError{ServerErrorKind::config, "/x:1: no"};
  EXPECT_EQ(ask("reload"), (Json{{"error", "/x:1: no"}, {"code", 2}}));
}

TEST_F(ControlNodeTest, ASnapshotIsMadeAtAnAbsolutePath) {
  start();
  for (const Json& request : {Json::object(), Json{{"directory", ""}}, Json{{"directory", "a/b"}},
                              Json{{"directory", 1}}}) {
    const Json refused = ask("snapshot", request);
    EXPECT_EQ(refused.at("code"), 2);
    EXPECT_EQ(refused.at("error"),
              "snapshot takes the \"directory\" to make, as an absolute path (/...)");
  }
  const std::string copy = directory_.at("copy");
  EXPECT_EQ(ask("snapshot", {{"directory", copy}}).at("result"), (Json{{"directory", copy}}));
  EXPECT_EQ(ask("snapshot", {{"directory", copy}}).at("code"), 4) << "it exists";
}

// Eight wait while one is under way.
TEST_F(ControlNodeTest, ATenthReloadIsRefusedAtOnce) {
  std::promise<void> go_on;
  std::shared_future<void> may_go_on = go_on.get_future().share();
  std::atomic<bool> is_reading{false};
  ServerHooks hooks;
  hooks.read_config = [&]() -> std::variant<ServerConfig, ServerError> {
    is_reading = true;
    may_go_on.wait();
    return config_;
  };
  start(hooks);
  std::vector<ReloadResult> ended;
  std::mutex mutex;
  const auto reload = [&] {
    admin_->reload([&](const ReloadResult& result) {
      const std::lock_guard lock(mutex);
      ended.push_back(result);
    });
  };
  const auto ended_count = [&] {
    const std::lock_guard lock(mutex);
    return ended.size();
  };
  reload();
  ASSERT_TRUE(eventually([&] { return is_reading.load(); }));
  for (int i = 0; i < 8; ++i) reload();
  EXPECT_EQ(ended_count(), 0u);
  reload();
  ASSERT_EQ(ended_count(), 1u);
  EXPECT_EQ(ended[0].status, ServerStatus::refused);
  EXPECT_EQ(ended[0].refused_because, "8 reloads wait already: try again later");
  go_on.set_value();
  ASSERT_TRUE(eventually([&] { return ended_count() == 10; }));
  for (size_t i = 1; i < ended.size(); ++i) EXPECT_EQ(ended[i].status, ServerStatus::done) << i;
}

}  // namespace
}  // namespace xord
