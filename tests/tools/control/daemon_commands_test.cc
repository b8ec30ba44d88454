// `xord status`, `stats`, `reload`, `loglevel` and `stop` against a control socket that answers as
// a node would.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "node/server/socket/control_socket.h"
#include "storage/files/data_directory.h"
#include "tests/temporary_directory.h"
#include "tests/tools/command_outcome.h"
#include "tools/cli/commands.h"

namespace xord {
namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

class DaemonCommandsTest : public testing::Test {
 protected:
  // Runs `command` while a node that answers `result` listens; what it asked is in asked_.
  ExitCode run(CommandFunction command, const Json& answer, Words words = {}) {
    ControlSocket node(
        directory_.path(),
        [&](std::string_view line) {
          asked_ = Json::parse(line);
          return answer.dump();
        },
        [](const std::string& sentence) { return sentence; }, [](int socket) { close(socket); });
    EXPECT_FALSE(node.open());
    return run_alone(command, std::move(words));
  }
  ExitCode run_alone(CommandFunction command, Words words) {
    words.insert(words.end(), {"--data-dir", directory_.path()});
    const CommandOutcome outcome = outcome_of(command, words);
    out_ = outcome.out;
    error_ = outcome.error;
    return outcome.code;
  }

  TemporaryDirectory directory_;
  Json asked_;
  std::string out_;
  std::string error_;
};

TEST_F(DaemonCommandsTest, ReloadSaysWhatChangedAndWhatNeedsARestart) {
  const Json both = {{"result", {{"changed", {"ttl", "limits"}}, {"restart", {"shards"}}}}};
  EXPECT_EQ(run(reload_command, both), ExitCode::done);
  EXPECT_EQ(asked_, Json({{"command", "reload"}}));
  EXPECT_EQ(out_, "changed: ttl, limits\nchanged after a restart: shards\n");
  EXPECT_EQ(run(reload_command, both, {"--json"}), ExitCode::done);
  EXPECT_EQ(Json::parse(out_), both.at("result"));
  const Json none = {{"result", {{"changed", Json::array()}, {"restart", Json::array()}}}};
  EXPECT_EQ(run(reload_command, none), ExitCode::done);
  EXPECT_EQ(out_, "nothing changed\n");
}

TEST_F(DaemonCommandsTest, ReloadEndsAsAStartWithTheseSettingsWould) {
  EXPECT_EQ(run(reload_command, {{"error", "/x:1: this is not TOML"}, {"code", 2}}),
            ExitCode::usage);
  EXPECT_EQ(error_, "/x:1: this is not TOML");
  EXPECT_EQ(out_, "");
}

TEST_F(DaemonCommandsTest, LoglevelSendsTheLevel) {
  EXPECT_EQ(run(loglevel_command, {{"result", {{"level", "debug"}}}}, {"debug"}), ExitCode::done);
  EXPECT_EQ(asked_, Json({{"command", "log-level"}, {"level", "debug"}}));
  EXPECT_EQ(out_, "");
  EXPECT_EQ(run(loglevel_command, {}, {}), ExitCode::usage);
}

TEST_F(DaemonCommandsTest, StatusShowsALineForEachFact) {
  const Json status = {{"id", "0011"},
                       {"version", "0.1.0 (commit x)"},
                       {"state", "degraded"},
                       {"uptime_s", 70.5},
                       {"endpoints", {"127.0.0.1:1", "[::1]:1"}},
                       {"admin", Json::array()},
                       {"io", "uring"},
                       {"shards", 2},
                       {"storage_state", "ready"},
                       {"contacts", 7},
                       {"contacts_answerable", 5},
                       {"records", 12}};
  EXPECT_EQ(run(status_command, {{"result", status}}), ExitCode::done);
  EXPECT_EQ(out_,
            "state      degraded\n"
            "id         0011\n"
            "version    0.1.0 (commit x)\n"
            "up for     1m10s\n"
            "listen     127.0.0.1:1, [::1]:1\n"
            "admin      none\n"
            "shards     2 (uring)\n"
            "contacts   7, 5 of them answer\n"
            "records    12\n"
            "storage    ready\n");
}

TEST_F(DaemonCommandsTest, StatsShowTheTotals) {
  const Json stats = {{"uptime_seconds", 61.9},
                      {"contacts", 3},
                      {"records", 4},
                      {"total",
                       {{"node",
                         {{"requests_ping", 5},
                          {"requests_store", 6},
                          {"replies_sent", 10},
                          {"calls_sent", 20},
                          {"calls_failed", 2},
                          {"stores_acknowledged", 6},
                          {"stores_refused", 1}}},
                        {"malformed", {{"not_msgpack", 1}}}}}};
  EXPECT_EQ(run(stats_command, {{"result", stats}}), ExitCode::done);
  EXPECT_EQ(out_,
            "up for      1m1s\n"
            "requests    12, 1 of them malformed\n"
            "replies     10\n"
            "calls       20, 2 of them unanswered\n"
            "stores      6 acknowledged, 1 refused\n"
            "contacts    3\n"
            "records     4\n");
  EXPECT_EQ(run(stats_command, {{"result", stats}}, {"--json"}), ExitCode::done);
  EXPECT_EQ(Json::parse(out_), stats);
}

TEST_F(DaemonCommandsTest, StopEndsWhenTheDirectoryIsFree) {
  EXPECT_EQ(run(stop_command, {{"result", {{"state", "draining"}}}}), ExitCode::done);
  EXPECT_EQ(asked_, Json({{"command", "shutdown"}}));
  const auto held = DataDirectory::open(directory_.path(), NetworkFileSystem::refused);
  ASSERT_FALSE(std::holds_alternative<IoError>(held));
  std::ofstream(directory_.at("identity")) << "as a node's directory has one\n";
  EXPECT_EQ(run(stop_command, {{"result", {{"state", "draining"}}}}, {"--wait", "0s"}),
            ExitCode::environment);
  EXPECT_NE(error_.find("has not ended within 0s"), std::string::npos) << error_;
  EXPECT_EQ(run(stop_command, {}, {"--wait", "1d"}), ExitCode::usage);
}

TEST_F(DaemonCommandsTest, StopWaitsForNothingUpToTwentyOneMinutes) {
  const Json ending = {{"result", {{"state", "draining"}}}};
  for (const std::string wait : {"0", "0s", "21m", "1260s"}) {
    EXPECT_EQ(run(stop_command, ending, {"--wait", wait}), ExitCode::done) << wait << error_;
  }
  for (const std::string wait : {"1260001ms", "5", "-1s", ""}) {
    asked_ = nullptr;
    EXPECT_EQ(run(stop_command, ending, {"--wait", wait}), ExitCode::usage) << wait;
    EXPECT_EQ(error_, "--wait \"" + wait + "\" is not a duration of 0s to 21m, such as 30s");
    EXPECT_TRUE(asked_.is_null()) << "the node is not ended";
  }
  EXPECT_EQ(run(stop_command, ending, {"--wait", "1s", "--wait", "2s"}), ExitCode::usage);
}

TEST_F(DaemonCommandsTest, WithoutANodeAllEndWithFour) {
  for (const CommandFunction command :
       {status_command, stats_command, reload_command, stop_command}) {
    EXPECT_EQ(run_alone(command, {}), ExitCode::environment);
  }
  EXPECT_EQ(run_alone(loglevel_command, {"info"}), ExitCode::environment);
}

}  // namespace
}  // namespace xord
